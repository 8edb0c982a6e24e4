"""Trunks: the server administrator's ways to the telephone network. Nobody else learns that there
are any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringback.accounts.sealing import trunk_sealer
from ringback.changes import NoSuch
from ringback.management import places
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, Done, read, verb
from ringback.store.models import TrunkRow
from ringback.telephony.trunks import Trunk
from ringback.trunks import trunkverbs
from ringback.trunks.stored import StoredTrunk, load

_SEE, _CHANGE = Need(Right.SEE_SERVER), Need(Right.SERVER)
_PLACE = places.of_the_server(TrunkRow)


@read("trunk.list", Kind.TRUNK, _SEE, at=places.only_top)
def trunks(act: Act, place: Place) -> list[dict[str, Any]]:
    """All trunks by name, each as a document; of a password whether there is one."""
    return [each.described() for each in load(act.tx).trunks]


@read("trunk.get", Kind.TRUNK, _SEE, at=_PLACE)
def trunk(act: Act, place: Place) -> dict[str, Any]:
    """One trunk, likewise."""
    return _stored(act).described()


@read("trunk.test", Kind.TRUNK, _CHANGE, at=_PLACE)
def to_test(act: Act, place: Place) -> Trunk:
    """The trunk as calls meet it, its password too, for a face that asks it whether it is there."""
    return _stored(act).opened(trunk_sealer(act.secrets))[0]


@verb("trunk.add", Kind.TRUNK, _CHANGE, at=places.only_top)
def add(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[str]:
    """Add a trunk; returns its id. Raises Faults."""
    id_ = act.new_id()
    added = trunkverbs.add_trunk(act.tx, values, trunk_sealer(act.secrets), id_)
    return Done(id_, [act.told(place, added)])


@verb("trunk.change", Kind.TRUNK, _CHANGE, at=_PLACE)
def change(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[None]:
    """Change what `values` say of a trunk, its name too, for new calls. Raises Faults."""
    sealer = trunk_sealer(act.secrets)
    altered = trunkverbs.change_trunk(act.tx, act.subject, values, act.now, sealer, act.new_id())
    return Done(None, [] if altered is None else [act.told(place, altered)])


@verb("trunk.remove", Kind.TRUNK, _CHANGE, at=_PLACE)
def remove(act: Act, place: Place) -> Done[None]:
    """Take a trunk out of use; its calls go on. Raises Faults where a route names it."""
    removed = trunkverbs.remove_trunk(act.tx, act.subject, act.now, trunk_sealer(act.secrets))
    return Done(None, [act.told(place, removed)])


@verb("trunk.put", Kind.TRUNK, _CHANGE, at=places.only_top)
def put(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[None]:
    """Add the trunk that `values` name, or change it if it is there. Raises Faults."""
    sealer = trunk_sealer(act.secrets)
    altered = trunkverbs.put_trunk(act.tx, values, act.now, sealer, act.new_id())
    return Done(None, [] if altered is None else [act.told(place, altered)])


def _stored(act: Act) -> StoredTrunk:
    for each in load(act.tx).trunks:
        if each.id == act.subject:
            return each
    raise NoSuch
