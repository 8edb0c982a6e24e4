"""Extensions become accounts of the lowest level; accounts, callerIDs and plans can be suspended,
expire and be deleted; access numbers are handed to accounts."""

from __future__ import annotations

import random
import time

import sqlalchemy as sa
from alembic import op

from ringback.ids import new_id

revision = "0022"
down_revision = "0021"

_LEVELS = "'administrator', 'provider', 'organization', 'user'"


def upgrade() -> None:
    _accounts()
    _extensions()
    _access_numbers()
    _caller_ids()
    _plans()
    op.add_column("ledger_entries", sa.Column("by_account_id", sa.Text(), nullable=True))


def _accounts() -> None:
    with op.batch_alter_table("accounts") as accounts:
        accounts.drop_constraint(op.f("uq_accounts_name"), type_="unique")
        accounts.drop_constraint(op.f("ck_accounts_level"), type_="check")
        accounts.create_check_constraint(
            op.f("ck_accounts_level"), f"level IN ({_LEVELS}, 'extension')"
        )
        accounts.alter_column("contact_name", existing_type=sa.Text(), nullable=True)
        accounts.add_column(
            sa.Column("status", sa.Text(), server_default="enabled", nullable=False),
        )
        accounts.add_column(sa.Column("expires", sa.BigInteger()))
        accounts.add_column(sa.Column("low_credit", sa.BigInteger()))
        accounts.add_column(
            sa.Column("limits", sa.Text(), server_default="{}", nullable=False),
        )
        accounts.add_column(sa.Column("deleted", sa.BigInteger(), nullable=True))
        accounts.create_check_constraint(
            op.f("ck_accounts_status"), "status IN ('enabled', 'suspended')"
        )
    for name, which in (("uq_accounts_name", "<>"), ("uq_accounts_extension_name", "=")):
        where = sa.text(f"deleted IS NULL AND level {which} 'extension'")
        op.create_index(
            name,
            "accounts",
            ["parent_id", "name"],
            unique=True,
            sqlite_where=where,
            postgresql_where=where,
        )


def _extensions() -> None:
    """Each gets an account of its own id, with an empty balance."""
    connection = op.get_bind()
    rows = connection.execute(
        sa.text("SELECT id, account_id, name, guards, destinations FROM extensions")
    ).mappings()
    chance = random.SystemRandom()
    for row in [dict(row, ledger_id=new_id(time.time(), chance)) for row in rows]:
        connection.execute(
            sa.text(
                "INSERT INTO ledger_accounts (id, balance, reserved, credit_limit, unlimited) "
                "VALUES (:ledger_id, 0, 0, 0, false)"
            ),
            row,
        )
        connection.execute(
            sa.text(
                "INSERT INTO accounts "
                "(id, parent_id, level, name, ledger_id, guards, destinations) VALUES "
                "(:id, :account_id, 'extension', :name, :ledger_id, :guards, :destinations)"
            ),
            row,
        )
    op.add_column("access_numbers", sa.Column("account_id", sa.Text()))
    op.execute(
        "UPDATE access_numbers SET account_id = (SELECT extensions.account_id FROM extensions "
        "WHERE extensions.id = access_numbers.extension_id)"
    )
    with op.batch_alter_table("extensions") as extensions:
        extensions.drop_constraint(op.f("uq_extensions_account_id_name"), type_="unique")
        extensions.drop_constraint(op.f("fk_extensions_account_id"), type_="foreignkey")
        for column in ("account_id", "name", "guards", "destinations"):
            extensions.drop_column(column)
        extensions.create_foreign_key(op.f("fk_extensions_id"), "accounts", ["id"], ["id"])


def _access_numbers() -> None:
    with op.batch_alter_table("access_numbers") as numbers:
        numbers.alter_column("account_id", existing_type=sa.Text(), nullable=False)
        numbers.alter_column("extension_id", existing_type=sa.Text(), nullable=True)
        numbers.alter_column("position", existing_type=sa.Integer(), server_default="0")
        numbers.add_column(sa.Column("destination", sa.Text(), nullable=True))
        numbers.create_foreign_key(
            op.f("fk_access_numbers_account_id"), "accounts", ["account_id"], ["id"]
        )
    op.create_index("ix_access_numbers_account_id", "access_numbers", ["account_id"])


def _caller_ids() -> None:
    with op.batch_alter_table("caller_ids") as caller_ids:
        caller_ids.drop_constraint(op.f("uq_caller_ids_extension_id_number"), type_="unique")
        for name in ("name", "reference", "note"):
            caller_ids.add_column(sa.Column(name, sa.Text()))
        for name in ("expires", "low_credit", "deleted"):
            caller_ids.add_column(sa.Column(name, sa.BigInteger()))
    where = sa.text("deleted IS NULL")
    for name, columns, unique in (
        ("uq_caller_ids_number", ["extension_id", "number"], True),
        ("ix_caller_ids_number", ["number"], False),
    ):
        op.create_index(
            name,
            "caller_ids",
            columns,
            unique=unique,
            sqlite_where=where,
            postgresql_where=where,
        )


def _plans() -> None:
    # SQLite does not tell the name of a foreign key that a column was added with.
    names = {"fk": "fk_%(table_name)s_%(column_0_name)s"}
    with op.batch_alter_table("plans", naming_convention=names) as plans:
        plans.drop_constraint(op.f("uq_plans_name"), type_="unique")
        plans.add_column(sa.Column("deleted", sa.BigInteger(), nullable=True))
    where = sa.text("deleted IS NULL")
    op.create_index(
        "uq_plans_name",
        "plans",
        ["account_id", "name"],
        unique=True,
        sqlite_where=where,
        postgresql_where=where,
    )
