"""CallerIDs are sorted and looked for by number, name, reference and credit, each by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_IN_USE = sa.text("deleted IS NULL")
_HELD = sa.text("holder_id IS NOT NULL")
_RECHARGES = sa.text("kind <> 'call'")


def upgrade() -> None:
    sorted_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    for name in ("name_key", "reference_key"):
        op.add_column("caller_ids", sa.Column(name, sorted_text, server_default="", nullable=False))
    op.execute(
        "UPDATE caller_ids SET name_key = lower(coalesce(name, '')), "
        "reference_key = lower(coalesce(reference, ''))"
    )
    op.create_index("uq_caller_ids_ledger_id", "caller_ids", ["ledger_id"], unique=True)
    op.add_column("ledger_accounts", sa.Column("holder_id", sa.Text()))
    op.add_column("ledger_accounts", sa.Column("closed", sa.BigInteger()))
    op.execute(
        "UPDATE ledger_accounts SET holder_id = (SELECT caller_ids.extension_id FROM caller_ids "
        "WHERE caller_ids.ledger_id = ledger_accounts.id AND caller_ids.deleted IS NULL)"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute('ALTER TABLE caller_ids ALTER COLUMN number TYPE text COLLATE "C"')
    for name, columns in (
        ("enabled", ["enabled", "number"]),
        ("name", ["name_key", "id"]),
        ("reference", ["reference_key", "id"]),
    ):
        _index(f"ix_caller_ids_{name}", "caller_ids", ["extension_id", *columns], _IN_USE)
    columns = ["holder_id", "unlimited", "balance", "id"]
    _index("ix_ledger_accounts_holder", "ledger_accounts", columns, _HELD)
    _index("ix_ledger_entries_recharges", "ledger_entries", ["ledger_id", "id"], _RECHARGES)


def _index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
