"""Rates belong to decks; a plan has one deck in force."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "decks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("plan_id", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("loaded", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('loading', 'complete', 'condemned')", name=op.f("ck_decks_state")
        ),
        sa.CheckConstraint("size >= 0", name=op.f("ck_decks_size")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_decks_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decks")),
    )
    op.create_index(op.f("ix_decks_plan_id"), "decks", ["plan_id"], unique=False)
    # Not done by Alembic, which would make the table anew: SQLite refuses to drop a table that
    # others refer to.
    op.execute(
        "ALTER TABLE plans ADD COLUMN deck_id TEXT CONSTRAINT fk_plans_deck_id "
        "REFERENCES decks (id)"
    )
    # Each plan gets one deck, with the plan's own id.
    op.execute(
        "INSERT INTO decks (id, plan_id, source, loaded, state, size) "
        "SELECT plan_id, plan_id, 'setup file', 0, 'complete', count(*) FROM rates GROUP BY plan_id"
    )
    op.execute("UPDATE plans SET deck_id = id WHERE id IN (SELECT id FROM decks)")
    op.drop_index("ix_rates_plan_prefix", "rates")
    with op.batch_alter_table("rates") as rates:
        rates.drop_constraint(op.f("fk_rates_plan_id"), type_="foreignkey")
        rates.alter_column("plan_id", new_column_name="deck_id")
    with op.batch_alter_table("rates") as rates:
        rates.create_foreign_key(op.f("fk_rates_deck_id"), "decks", ["deck_id"], ["id"])
    op.create_index("ix_rates_deck_prefix", "rates", ["deck_id", "prefix"], unique=False)
