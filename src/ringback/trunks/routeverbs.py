"""How routes are added, changed and removed. Units of work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from ringback.changes import Action, Altered, NoSuch, differing
from ringback.documents import given, read_document
from ringback.faults import Fault, Faults
from ringback.store.models import RouteRow, RouteTrunkRow, TrunkRow
from ringback.trunks.entries import RouteEntry
from ringback.trunks.turns import take_turn


def put_route(tx: Connection, values: Mapping[str, Any], new_id: str) -> Altered | None:
    """Add the route of the prefix that `values` name, or change it if it is there; None if nothing
    changed. Raises Faults."""
    take_turn(tx)
    id_ = find_route(tx, read_document(RouteEntry, values).prefix)
    if id_ is None:
        return add_route(tx, values, new_id)
    return change_route(tx, id_, values)


def add_route(tx: Connection, values: Mapping[str, Any], new_id: str) -> Altered:
    """A new route with the id `new_id`. Raises Faults."""
    take_turn(tx)
    said = _merge({}, values)
    _see_free(tx, said["prefix"])
    tx.execute(insert(RouteRow), {"id": new_id, "prefix": said["prefix"]})
    _write_trunks(tx, new_id, said)
    return _altered(Action.CREATED, new_id, {}, said)


def change_route(tx: Connection, route_id: str, values: Mapping[str, Any]) -> Altered | None:
    """Change what `values` say of the route, which may be its prefix, too; None if nothing changed.
    Raises NoSuch, Faults."""
    take_turn(tx)
    before = _stored(tx, route_id)
    after = _merge(before, values)
    altered = _altered(Action.UPDATED, route_id, before, after)
    if not altered.fields:
        return None
    prefix = after["prefix"]
    if prefix != before["prefix"]:
        _see_free(tx, prefix)
        tx.execute(update(RouteRow).where(RouteRow.id == route_id).values(prefix=prefix))
    _write_trunks(tx, route_id, after)
    return altered


def remove_route(tx: Connection, route_id: str) -> Altered:
    """From now on no call goes by it. Raises NoSuch."""
    take_turn(tx)
    before = _stored(tx, route_id)
    tx.execute(delete(RouteTrunkRow).where(RouteTrunkRow.route_id == route_id))
    tx.execute(delete(RouteRow).where(RouteRow.id == route_id))
    return _altered(Action.DELETED, route_id, before, {})


def find_route(tx: Connection, prefix: str) -> str | None:
    """The id of the route with that very prefix."""
    found: str | None = tx.execute(select(RouteRow.id).where(RouteRow.prefix == prefix)).scalar()
    return found


def _see_free(tx: Connection, prefix: str) -> None:
    if find_route(tx, prefix) is not None:
        raise Faults([Fault(("prefix",), f"there is a route with the prefix {prefix!r} already")])


def _stored(tx: Connection, route_id: str) -> dict[str, Any]:
    prefix = tx.execute(select(RouteRow.prefix).where(RouteRow.id == route_id)).scalar()
    if prefix is None:
        raise NoSuch
    query = (
        select(TrunkRow.name, RouteTrunkRow.weight)
        .join(RouteTrunkRow, RouteTrunkRow.trunk_id == TrunkRow.id)
        .where(RouteTrunkRow.route_id == route_id)
        .order_by(RouteTrunkRow.position)
    )
    rows = tx.execute(query).all()
    weights = [row.weight for row in rows if row.weight is not None]
    return {
        "prefix": prefix,
        "trunks": [row.name for row in rows],
        **({"weights": weights} if weights else {}),
    }


def _altered(
    action: Action, id_: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Altered:
    return Altered("route", action, id_, (after or before)["prefix"], differing(before, after))


def _merge(before: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Raises Faults."""
    said = given(read_document(RouteEntry, values))
    after = {"prefix": "", **before, **said}
    if not after.get("weights"):
        after.pop("weights", None)
    found = []
    if not after.get("trunks"):
        found.append(Fault(("trunks",), "is required"))
    elif "weights" in after and len(after["weights"]) != len(after["trunks"]):
        found.append(Fault(("weights",), "must have one number for each of the trunks"))
    if found:
        raise Faults(found)
    return after


def _write_trunks(tx: Connection, route_id: str, said: Mapping[str, Any]) -> None:
    """Raises Faults."""
    names = said["trunks"]
    query = select(TrunkRow.name, TrunkRow.id).where(TrunkRow.name.in_(names))
    ids = {row.name: row.id for row in tx.execute(query)}
    missing = [name for name in names if name not in ids]
    if missing:
        raise Faults(
            Fault(("trunks",), f"there is no trunk {name!r}: add it, or check its spelling")
            for name in missing
        )
    tx.execute(delete(RouteTrunkRow).where(RouteTrunkRow.route_id == route_id))
    weights = said.get("weights") or [None] * len(names)
    tx.execute(
        insert(RouteTrunkRow),
        [
            {"route_id": route_id, "position": place, "trunk_id": ids[name], "weight": weight}
            for place, (name, weight) in enumerate(zip(names, weights, strict=True))
        ],
    )
