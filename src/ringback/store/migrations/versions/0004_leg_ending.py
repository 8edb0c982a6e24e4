"""Legs say why they ended, in the words of the telephony port."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("legs", sa.Column("ending", sa.Text(), nullable=True))
    # The retry rule reads it: a call that was rejected must not be made again after the upgrade.
    op.execute(
        "UPDATE legs SET ending = CASE "
        "WHEN answered IS NOT NULL THEN 'normal' "
        "WHEN cause IN (486, 600) THEN 'busy' "
        "WHEN cause = 480 THEN 'no_answer' "
        "WHEN cause = 408 AND ringing IS NOT NULL THEN 'no_answer' "
        "WHEN cause IN (603, 607, 608) THEN 'rejected' "
        "WHEN cause IN (404, 410, 484, 604) THEN 'unallocated' "
        "ELSE 'failed' END WHERE ended IS NOT NULL"
    )
