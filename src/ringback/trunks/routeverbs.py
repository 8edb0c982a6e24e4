"""What people do with routes: add, change and remove them. Units of work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from ringback.documents import given, read_document
from ringback.faults import Fault, Faults
from ringback.store.models import RouteRow, RouteTrunkRow, TrunkRow
from ringback.trunks.changes import Altered, NoSuch, differing
from ringback.trunks.entries import RouteEntry


def put_route(tx: Connection, values: Mapping[str, Any], new_id: str) -> Altered | None:
    """Add the route of the prefix that `values` name, or change it if it is there; None if nothing
    changed. Raises Faults."""
    prefix = read_document(RouteEntry, values).prefix
    if _id(tx, prefix) is None:
        return add_route(tx, values, new_id)
    return change_route(tx, prefix, values)


def add_route(tx: Connection, values: Mapping[str, Any], new_id: str) -> Altered:
    """A new route with the id `new_id`. Raises Faults."""
    said = _merge({}, values)
    _see_free(tx, said["prefix"])
    tx.execute(insert(RouteRow), {"id": new_id, "prefix": said["prefix"]})
    _write_trunks(tx, new_id, said)
    fields = differing({}, said)
    return Altered("route", "created", new_id, said["prefix"], fields)


def change_route(tx: Connection, prefix: str, values: Mapping[str, Any]) -> Altered | None:
    """Change what `values` say of the route, which may be its prefix, too; None if nothing changed.
    Raises NoSuch, Faults."""
    id_ = _found(tx, prefix)
    before = _stored(tx, id_, prefix)
    after = _merge(before, values)
    fields = differing(before, after)
    if not fields:
        return None
    if after["prefix"] != prefix:
        _see_free(tx, after["prefix"])
        tx.execute(update(RouteRow).where(RouteRow.id == id_).values(prefix=after["prefix"]))
    _write_trunks(tx, id_, after)
    return Altered("route", "updated", id_, after["prefix"], fields)


def remove_route(tx: Connection, prefix: str) -> Altered:
    """From now on no call goes by it. Raises NoSuch."""
    id_ = _found(tx, prefix)
    tx.execute(delete(RouteTrunkRow).where(RouteTrunkRow.route_id == id_))
    tx.execute(delete(RouteRow).where(RouteRow.id == id_))
    return Altered("route", "deleted", id_, prefix)


def _id(tx: Connection, prefix: str) -> str | None:
    query = select(RouteRow.id).where(RouteRow.prefix == prefix).with_for_update()
    found: str | None = tx.execute(query).scalar()
    return found


def _found(tx: Connection, prefix: str) -> str:
    found = _id(tx, prefix)
    if found is None:
        raise NoSuch(f"there is no route with the prefix {prefix!r}")
    return found


def _see_free(tx: Connection, prefix: str) -> None:
    if _id(tx, prefix) is not None:
        raise Faults([Fault(("prefix",), f"there is a route with the prefix {prefix!r} already")])


def _stored(tx: Connection, id_: str, prefix: str) -> dict[str, Any]:
    query = (
        select(TrunkRow.name, RouteTrunkRow.weight)
        .join(RouteTrunkRow, RouteTrunkRow.trunk_id == TrunkRow.id)
        .where(RouteTrunkRow.route_id == id_)
        .order_by(RouteTrunkRow.position)
    )
    rows = tx.execute(query).all()
    weights = [row.weight for row in rows if row.weight is not None]
    return {
        "prefix": prefix,
        "trunks": [row.name for row in rows],
        **({"weights": weights} if weights else {}),
    }


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
    query = select(TrunkRow.name, TrunkRow.id).where(TrunkRow.name.in_(names)).with_for_update()
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
