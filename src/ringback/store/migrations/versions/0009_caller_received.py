"""Sessions keep the caller's number as it came, also where it is no number."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("caller_received", sa.Text(), nullable=True))
    op.execute("UPDATE sessions SET caller_received = caller")
