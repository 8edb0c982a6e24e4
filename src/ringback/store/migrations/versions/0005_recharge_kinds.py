"""A rate may leave its first price out."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0003"


def upgrade() -> None:
    with op.batch_alter_table("rates") as rates:
        rates.alter_column("first_price", nullable=True)
