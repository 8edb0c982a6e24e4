"""Trunks and routes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from ringback.clock import Instant
from ringback.store.models.base import Base


class TrunkRow(Base):
    """A trunk, as it is for new calls."""

    __tablename__ = "trunks"
    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str]
    """Another one after each change that the far end notices."""
    name: Mapped[str] = mapped_column(unique=True)
    settings: Mapped[dict[str, Any]]
    """What was said of it, by the names of section 11 of the spec, without name, password and
    cost plan. What was not said is as in its preset, or the default."""
    password: Mapped[str | None]
    """Sealed for the trunk's id."""
    cost_plan_id: Mapped[str | None] = mapped_column(ForeignKey("plans.id"))


class FormerTrunkRow(Base):
    """A trunk as it was before it was changed or removed, for calls that began then, and for what
    a restart has to end of them. It goes when nothing more can come of them."""

    __tablename__ = "former_trunks"
    version: Mapped[str] = mapped_column(primary_key=True)
    trunk_id: Mapped[str]
    name: Mapped[str]
    settings: Mapped[dict[str, Any]]
    password: Mapped[str | None]
    cost_plan_id: Mapped[str | None] = mapped_column(ForeignKey("plans.id"))
    until: Mapped[Instant]
    """When it was changed or removed."""
    needed: Mapped[Instant]
    """When a call was last seen on it, or `until`."""


class RouteRow(Base):
    """Which trunks carry the calls to some numbers."""

    __tablename__ = "routes"
    id: Mapped[str] = mapped_column(primary_key=True)
    prefix: Mapped[str] = mapped_column(unique=True)
    """Leading digits of E.164; empty for every number."""


class RouteTrunkRow(Base):
    """One of the trunks of a route, at its place."""

    __tablename__ = "route_trunks"
    route_id: Mapped[str] = mapped_column(ForeignKey("routes.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    trunk_id: Mapped[str] = mapped_column(ForeignKey("trunks.id"), index=True)
    weight: Mapped[int | None]
    """None: the order of the route is not drawn by chance."""
