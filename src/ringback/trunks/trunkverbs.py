"""How trunks are added, changed and removed. Units of work.

A change holds for new calls. What the calls of before need is kept beside it (`FormerTrunkRow`)
until nothing more can come of them, so that a restart can end them, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from ringback.changes import Action, Altered, NoSuch, SecretChange, differing
from ringback.charging.plans import find_cost_plan
from ringback.clock import Instant
from ringback.documents import given, merged, read_document
from ringback.faults import Fault, Faults
from ringback.sealing import BadSeal, Sealer
from ringback.store.models import FormerTrunkRow, PlanRow, RouteRow, RouteTrunkRow, TrunkRow
from ringback.telephony.trunks import Trunk
from ringback.trunks.entries import TrunkEntry, contradictions
from ringback.trunks.trunk import effective, far_end, trunk_of
from ringback.trunks.turns import take_turn

_NOT_SETTINGS = ("name", "password", "cost_plan")


@dataclass(frozen=True, slots=True)
class _Said:
    """All that is said of one trunk."""

    name: str
    settings: Mapping[str, Any]
    password: str | None
    cost_plan: str | None

    def document(self) -> dict[str, Any]:
        """Without the password."""
        return {"name": self.name, **self.settings, "cost_plan": self.cost_plan}

    def trunk(self) -> Trunk:
        return trunk_of(self.name, self.settings, password=self.password)


def put_trunk(
    tx: Connection, values: Mapping[str, Any], now: Instant, sealer: Sealer, new_id: str
) -> Altered | None:
    """Add the trunk that `values` name, or change it if it is there; None if nothing changed.
    Raises Faults."""
    take_turn(tx)
    id_ = find_trunk(tx, str(values.get("name")))
    if id_ is None:
        return add_trunk(tx, values, sealer, new_id)
    return change_trunk(tx, id_, values, now, sealer, new_id)


def add_trunk(tx: Connection, values: Mapping[str, Any], sealer: Sealer, new_id: str) -> Altered:
    """A new trunk with the id `new_id`. Raises Faults."""
    take_turn(tx)
    said = _merge(None, values)
    _see_free(tx, said.name)
    tx.execute(
        insert(TrunkRow),
        {"id": new_id, "version": new_id, **_columns(tx, said, sealer, new_id)},
    )
    return _altered(Action.CREATED, new_id, None, said)


def change_trunk(
    tx: Connection,
    trunk_id: str,
    values: Mapping[str, Any],
    now: Instant,
    sealer: Sealer,
    new_version: str,
) -> Altered | None:
    """Change what `values` say of the trunk, which may be its name, too; None if nothing changed.
    `new_version` is an id that nothing has yet. Raises NoSuch, Faults."""
    take_turn(tx)
    row = _row(tx, trunk_id)
    before = _said(tx, row, sealer)
    after = _merge(before, values)
    altered = _altered(Action.UPDATED, trunk_id, before, after)
    if not altered.fields and not altered.secrets:
        return None
    if after.name != before.name:
        _see_free(tx, after.name)
    columns = _columns(tx, after, sealer, trunk_id)
    if not altered.secrets:
        del columns["password"]
    if (before.name, far_end(before.trunk())) != (after.name, far_end(after.trunk())):
        _keep_former(tx, row, now)
        columns["version"] = new_version
    tx.execute(update(TrunkRow).where(TrunkRow.id == trunk_id).values(**columns))
    return altered


def remove_trunk(tx: Connection, trunk_id: str, now: Instant, sealer: Sealer) -> Altered:
    """Take a trunk out of use, also while calls are on it. Raises NoSuch, Faults where routes name
    it."""
    take_turn(tx)
    row = _row(tx, trunk_id)
    said = _said(tx, row, sealer)
    routes = (
        select(RouteRow.prefix)
        .join(RouteTrunkRow, RouteTrunkRow.route_id == RouteRow.id)
        .where(RouteTrunkRow.trunk_id == trunk_id)
        .order_by(RouteRow.prefix)
    )
    named_by = [prefix or '""' for prefix in tx.execute(routes).scalars()]
    if named_by:
        name = "names" if len(named_by) == 1 else "name"
        why = f"{', '.join(named_by)} {name} it: take it out of there first"
        raise Faults([Fault(("routes",), why)])
    _keep_former(tx, row, now)
    tx.execute(delete(TrunkRow).where(TrunkRow.id == trunk_id))
    return _altered(Action.DELETED, trunk_id, said, None)


def stop_registering(tx: Connection) -> list[str]:
    """For a copy of another server's records: no trunk registers until it is told to, and nothing
    is kept of calls of before. Returns the names of those that registered."""
    tx.execute(delete(FormerTrunkRow))
    query = select(TrunkRow.id, TrunkRow.name, TrunkRow.settings).order_by(TrunkRow.name)
    rows = [row for row in tx.execute(query) if effective(row.settings).get("register")]
    for row in rows:
        settings = {**row.settings, "register": False}
        tx.execute(update(TrunkRow).where(TrunkRow.id == row.id).values(settings=settings))
    return [row.name for row in rows]


def find_trunk(tx: Connection, name: str) -> str | None:
    """The id of the trunk of that name."""
    found: str | None = tx.execute(select(TrunkRow.id).where(TrunkRow.name == name)).scalar()
    return found


def _row(tx: Connection, trunk_id: str) -> Mapping[str, Any]:
    query = select(TrunkRow.__table__).where(TrunkRow.id == trunk_id)
    row = tx.execute(query).mappings().one_or_none()
    if row is None:
        raise NoSuch
    return dict(row)


def _see_free(tx: Connection, name: str) -> None:
    if find_trunk(tx, name) is not None:
        raise Faults([Fault(("name",), f"there is a trunk {name!r} already: choose another name")])


def _said(tx: Connection, row: Mapping[str, Any], sealer: Sealer) -> _Said:
    password = None
    if row["password"] is not None:
        try:
            password = sealer.unseal(row["id"], row["password"])
        except BadSeal:
            pass  # its key is lost: there is none until it is set anew
    plan = None
    if row["cost_plan_id"] is not None:
        plan = tx.execute(select(PlanRow.name).where(PlanRow.id == row["cost_plan_id"])).scalar()
    return _Said(row["name"], row["settings"], password, plan)


def _merge(before: _Said | None, values: Mapping[str, Any]) -> _Said:
    """What is said once `values` have been put over what was. Raises Faults."""
    told = {"name": before.name} if before is not None else {}
    entry = read_document(TrunkEntry, {**told, **values})
    said = given(entry)
    stored: Mapping[str, Any] = {} if before is None else before.settings
    own = {name: value for name, value in said.items() if name not in _NOT_SETTINGS}
    settings = merged(stored, own)
    password = None if before is None else before.password
    cost_plan = None if before is None else before.cost_plan
    after = _Said(
        entry.name,
        settings,
        entry.password if "password" in said else password,
        entry.cost_plan if "cost_plan" in said else cost_plan,
    )
    faults = contradictions(effective(settings), has_password=after.password is not None)
    if faults:
        raise Faults(faults)
    return after


def _columns(tx: Connection, said: _Said, sealer: Sealer, id_: str) -> dict[str, Any]:
    """Raises Faults."""
    plan = None
    if said.cost_plan is not None:
        plan = find_cost_plan(tx, said.cost_plan)
        if plan is None:
            raise Faults(
                [
                    Fault(
                        ("cost_plan",),
                        f"the server administrator has no plan {said.cost_plan!r}: make it first, "
                        "under plans of the setup file",
                    )
                ]
            )
    password = None if said.password is None else sealer.seal(id_, said.password)
    return {
        "name": said.name,
        "settings": dict(said.settings),
        "password": password,
        "cost_plan_id": plan,
    }


def _altered(action: Action, id_: str, before: _Said | None, after: _Said | None) -> Altered:
    """What became of a trunk. One of the two is there."""
    old, new = ({} if said is None else said.document() for said in (before, after))
    fields = differing(old, new)
    password = [None if said is None else said.password for said in (before, after)]
    secrets = {} if password[0] == password[1] else {"password": SecretChange.between(*password)}
    return Altered("trunk", action, id_, (new or old)["name"], fields, secrets)


def _keep_former(tx: Connection, row: Mapping[str, Any], now: Instant) -> None:
    kept = ("version", "name", "settings", "password", "cost_plan_id")
    values = {"trunk_id": row["id"], "until": now, "needed": now}
    tx.execute(insert(FormerTrunkRow), {**values, **{name: row[name] for name in kept}})
