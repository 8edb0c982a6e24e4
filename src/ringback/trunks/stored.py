"""Trunks and routes as the database has them, and as calls meet them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, delete, select, update

from ringback.clock import Instant
from ringback.sealing import BadSeal, Sealer
from ringback.store.models import (
    FormerTrunkRow,
    LegRow,
    PlanRow,
    RouteRow,
    RouteTrunkRow,
    TrunkRow,
)
from ringback.telephony.trunks import Route, Trunk
from ringback.trunks.trunk import effective, trunk_of

_F = FormerTrunkRow
_NO_KEY = Sealer(bytes(32))
"""Opens nothing."""

AFTERMATH_SECONDS = 300.0
"""For so long after its end something may come of a leg: `calls.recovery` looks at those that were
given up in the last 219 s."""
LAG_SECONDS = 60.0
"""A server takes a change up within 2 s, and a leg that was begun before is stored by then."""


@dataclass(frozen=True, slots=True)
class StoredTrunk:
    """One row."""

    id: str
    version: str
    name: str
    settings: Mapping[str, Any]
    password: str | None
    """Sealed."""
    cost_plan: str | None

    def opened(self, sealer: Sealer) -> tuple[Trunk, bool]:
        """The trunk, without its password where that cannot be opened, and whether it could."""
        password, is_open = None, True
        if self.password is not None:
            try:
                password = sealer.unseal(self.id, self.password)
            except BadSeal:
                is_open = False
        trunk = trunk_of(
            self.name,
            self.settings,
            id_=self.id,
            version=self.version,
            password=password,
            cost_plan=self.cost_plan,
        )
        return trunk, is_open

    def described(self) -> dict[str, Any]:
        """What faces show of it: every field that is set, by hand or by its preset; of the password
        only whether there is one."""
        return {
            "id": self.id,
            "name": self.name,
            **effective(self.settings),
            "password_set": self.password is not None,
            "cost_plan": self.cost_plan,
        }


@dataclass(frozen=True, slots=True)
class StoredRoute:
    """One route; the trunks by name."""

    id: str
    prefix: str
    trunks: tuple[str, ...]
    weights: tuple[int, ...]

    def described(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "prefix": self.prefix,
            "trunks": list(self.trunks),
            "weights": list(self.weights) or None,
        }


@dataclass(frozen=True, slots=True)
class Stored:
    """All of it at one instant. Equal where nothing has changed."""

    trunks: Sequence[StoredTrunk]
    routes: Sequence[StoredRoute]


@dataclass(frozen=True, slots=True)
class Opened:
    """The same, as calls meet it."""

    trunks: list[Trunk]
    routes: list[Route]
    troubles: list[str]
    """What an operator should know, a line each."""


def load(tx: Connection) -> Stored:
    """The trunks and routes that there are, by name and prefix."""
    return Stored(_trunks(tx, TrunkRow), _routes(tx))


def load_former(tx: Connection) -> Sequence[StoredTrunk]:
    """Trunks as they were, of which calls may be left, the oldest first."""
    return _trunks(tx, FormerTrunkRow)


def former_trunks(stored: Sequence[StoredTrunk], sealer: Sealer) -> list[Trunk]:
    """The same, as calls meet them."""
    return [each.opened(sealer)[0] for each in stored]


def trunks_by_name(tx: Connection) -> dict[str, Trunk]:
    """The trunks that there are and, by names that none of them has, those of before, all without
    their passwords."""
    rows = [*load_former(tx), *_trunks(tx, TrunkRow)]
    return {each.name: replace(each, password=None).opened(_NO_KEY)[0] for each in rows}


def opened(stored: Stored, sealer: Sealer) -> Opened:
    """A trunk whose password cannot be opened has none."""
    routes = [Route(each.prefix, each.trunks, each.weights) for each in stored.routes]
    found = Opened([], routes, [])
    for each in stored.trunks:
        trunk, is_open = each.opened(sealer)
        found.trunks.append(trunk)
        if not is_open:
            found.troubles.append(
                f"trunk {each.name}: its password was stored with another key: set it anew: "
                f"ringback trunks change {each.name} password=-"
            )
    return found


def sweep_former(tx: Connection, now: Instant) -> None:
    """Delete the trunks of before of which nothing more can come."""
    rows = tx.execute(select(_F.version, _F.name, _F.until, _F.needed)).all()
    for row in rows:
        live = select(LegRow.id).where(
            LegRow.ended.is_(None),
            LegRow.trunk == row.name,
            LegRow.started < row.until + LAG_SECONDS,
        )
        if tx.execute(live.limit(1)).scalar() is not None:
            tx.execute(update(_F).where(_F.version == row.version).values(needed=now))
        elif row.needed < now - AFTERMATH_SECONDS:
            tx.execute(delete(_F).where(_F.version == row.version))


def has_former(tx: Connection) -> bool:
    """Whether there is anything for `sweep_former`."""
    return tx.execute(select(_F.version).limit(1)).scalar() is not None


def _trunks(tx: Connection, model: type[TrunkRow] | type[FormerTrunkRow]) -> list[StoredTrunk]:
    former = model is FormerTrunkRow
    query = (
        select(
            _F.trunk_id if former else TrunkRow.id,
            model.version,
            model.name,
            model.settings,
            model.password,
            PlanRow.name,
        )
        .outerjoin(PlanRow, PlanRow.id == model.cost_plan_id)
        .order_by(_F.until if former else TrunkRow.name)
    )
    return [StoredTrunk(*row) for row in tx.execute(query)]


def _routes(tx: Connection) -> list[StoredRoute]:
    query = (
        select(RouteRow.id, RouteRow.prefix, TrunkRow.name, RouteTrunkRow.weight)
        .join(RouteTrunkRow, RouteTrunkRow.route_id == RouteRow.id)
        .join(TrunkRow, TrunkRow.id == RouteTrunkRow.trunk_id)
        .order_by(RouteRow.prefix, RouteTrunkRow.position)
    )
    found = []
    for (id_, prefix), rows in groupby(tx.execute(query).all(), lambda row: (row[0], row[1])):
        ways = [(name, weight) for _, _, name, weight in rows]
        weights = tuple(weight for _, weight in ways if weight is not None)
        found.append(StoredRoute(id_, prefix, tuple(name for name, _ in ways), weights))
    return found
