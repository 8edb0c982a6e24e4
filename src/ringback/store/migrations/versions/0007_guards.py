"""Guards and destinations of accounts, extensions and callerIDs, and what guards count."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for table in ("accounts", "extensions", "caller_ids"):
        for column in ("guards", "destinations"):
            op.add_column(table, sa.Column(column, sa.Text(), server_default="{}", nullable=False))
    op.add_column("sessions", sa.Column("guarded", sa.Text(), server_default="[]", nullable=False))
    op.add_column("legs", sa.Column("failover_of", sa.Text(), nullable=True))
    op.add_column("legs", sa.Column("triggered_again", sa.Boolean(), nullable=True))
    op.create_table(
        "guard_counts",
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.Column("recent", sa.Text(), nullable=False),
        sa.CheckConstraint("sessions >= 0", name=op.f("ck_guard_counts_sessions")),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_guard_counts")),
    )
    op.create_table(
        "spending",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_spending_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spending")),
    )
    op.add_column(
        "reservations", sa.Column("spends", sa.Text(), server_default="[]", nullable=False)
    )
    _move_destinations()


def _move_destinations() -> None:
    """They stood in the callback setup, and stand beside it now."""
    connection = op.get_bind()
    extensions = sa.table(
        "extensions", sa.column("id"), sa.column("callback"), sa.column("destinations")
    )
    for id_, text in connection.execute(sa.select(extensions.c.id, extensions.c.callback)).all():
        setup = json.loads(text)
        if "destinations" in setup:
            destinations = setup.pop("destinations")
            connection.execute(
                extensions.update()
                .where(extensions.c.id == id_)
                .values(callback=_written(setup), destinations=_written(destinations))
            )


def _written(document: object) -> str:
    return json.dumps(document, sort_keys=True, ensure_ascii=False)
