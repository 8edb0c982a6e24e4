"""Recharges get a kind and a note, accounts a credit limit, legs the cost of their trunk; a rate
may leave out its first price, and no prefix may begin with 0."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    with op.batch_alter_table("rates") as rates:
        rates.alter_column("first_price", nullable=True)
    op.add_column("ledger_entries", sa.Column("note", sa.Text(), nullable=True))
    with _written_anew("ledger_entries"):
        op.execute("UPDATE ledger_entries SET kind = 'payment' WHERE kind = 'recharge'")
    op.add_column("accounts", sa.Column("credit_limit", sa.BigInteger(), nullable=True))
    op.create_table(
        "leg_costs",
        sa.Column("leg_id", sa.Text(), nullable=False),
        sa.Column("trunk", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["leg_id"], ["legs.id"], name=op.f("fk_leg_costs_leg_id")),
        sa.PrimaryKeyConstraint("leg_id", name=op.f("pk_leg_costs")),
    )
    _drop_prefixes_that_never_held()


def _drop_prefixes_that_never_held() -> None:
    """A setup with a destination such as 0044, with which no number begins, would be refused from
    now on."""
    connection = op.get_bind()
    extensions = sa.table("extensions", sa.column("id"), sa.column("callback"))
    for id_, text in connection.execute(sa.select(extensions.c.id, extensions.c.callback)).all():
        setup = json.loads(text)
        destinations = setup.get("destinations", {})
        good = {
            key: [prefix for prefix in prefixes if not prefix.startswith("0")]
            for key, prefixes in destinations.items()
        }
        if good != destinations:
            setup["destinations"] = good
            connection.execute(
                extensions.update()
                .where(extensions.c.id == id_)
                .values(callback=json.dumps(setup, sort_keys=True, ensure_ascii=False))
            )


@contextmanager
def _written_anew(table: str) -> Iterator[None]:
    """Let an append-only table be changed: its form changes, and not what it says."""
    if op.get_bind().dialect.name == "postgresql":
        trigger = f"{table}_append_only"
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
        yield
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
        return
    op.execute(f"DROP TRIGGER {table}_no_update")
    yield
    op.execute(
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )
