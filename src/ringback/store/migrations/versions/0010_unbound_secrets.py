"""MACs of PINs and passwords that are not bound to their owner yet are marked: the next start,
which has the key, binds them."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute(
        "INSERT INTO settings (name, value) SELECT 'unbound_secrets', 'yes' "
        "WHERE EXISTS (SELECT 1 FROM extensions WHERE password_mac IS NOT NULL) "
        "OR EXISTS (SELECT 1 FROM caller_ids WHERE pin_mac IS NOT NULL)"
    )
