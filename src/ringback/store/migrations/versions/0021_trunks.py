"""Trunks and routes move from ringback.toml into the database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "trunks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("cost_plan_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["cost_plan_id"], ["plans.id"], name=op.f("fk_trunks_cost_plan_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trunks")),
        sa.UniqueConstraint("name", name=op.f("uq_trunks_name")),
    )
    op.create_table(
        "former_trunks",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("trunk_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("cost_plan_id", sa.Text(), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("needed", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cost_plan_id"], ["plans.id"], name=op.f("fk_former_trunks_cost_plan_id")
        ),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_former_trunks")),
    )
    op.create_table(
        "routes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routes")),
        sa.UniqueConstraint("prefix", name=op.f("uq_routes_prefix")),
    )
    op.create_table(
        "route_trunks",
        sa.Column("route_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("trunk_id", sa.Text(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["route_id"], ["routes.id"], name=op.f("fk_route_trunks_route_id")),
        sa.ForeignKeyConstraint(["trunk_id"], ["trunks.id"], name=op.f("fk_route_trunks_trunk_id")),
        sa.PrimaryKeyConstraint("route_id", "position", name=op.f("pk_route_trunks")),
    )
    op.create_index("ix_route_trunks_trunk_id", "route_trunks", ["trunk_id"])
