"""Wrong claims are counted by the callerIDs that were claimed, not one by one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "wrong_claims",
        sa.Column("return_number", sa.Text(), nullable=False),
        sa.Column("claimed", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("return_number", "claimed", name=op.f("pk_wrong_claims")),
    )
    op.create_index("ix_wrong_claims_at", "wrong_claims", ["at"])
    # Of the count that there was, only what is locked goes on.
    op.execute("DELETE FROM locks WHERE key LIKE 'claims-from/%' AND until IS NULL")
