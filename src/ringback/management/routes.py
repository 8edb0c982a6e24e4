"""Routes: which trunks carry the calls to which numbers. Like trunks, they are the server
administrator's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringback.changes import NoSuch
from ringback.management import places
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, Done, read, verb
from ringback.store.models import RouteRow
from ringback.trunks import routeverbs
from ringback.trunks.stored import load

_SEE, _CHANGE = Need(Right.SEE_SERVER), Need(Right.SERVER)
_PLACE = places.of_the_server(RouteRow)


@read("route.list", Kind.ROUTE, _SEE, at=places.only_top)
def routes(act: Act, place: Place) -> list[dict[str, Any]]:
    """All routes by prefix, each as a document."""
    return [each.described() for each in load(act.tx).routes]


@read("route.get", Kind.ROUTE, _SEE, at=_PLACE)
def route(act: Act, place: Place) -> dict[str, Any]:
    """One route, likewise."""
    for each in load(act.tx).routes:
        if each.id == act.subject:
            return each.described()
    raise NoSuch


@verb("route.add", Kind.ROUTE, _CHANGE, at=places.only_top)
def add(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[str]:
    """Add a route; returns its id. Raises Faults."""
    id_ = act.new_id()
    return Done(id_, [act.told(place, routeverbs.add_route(act.tx, values, id_))])


@verb("route.change", Kind.ROUTE, _CHANGE, at=_PLACE)
def change(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[None]:
    """Change what `values` say of a route, its prefix too, for new calls. Raises Faults."""
    altered = routeverbs.change_route(act.tx, act.subject, values)
    return Done(None, [] if altered is None else [act.told(place, altered)])


@verb("route.remove", Kind.ROUTE, _CHANGE, at=_PLACE)
def remove(act: Act, place: Place) -> Done[None]:
    """Take a route away: no new call goes by it."""
    return Done(None, [act.told(place, routeverbs.remove_route(act.tx, act.subject))])


@verb("route.put", Kind.ROUTE, _CHANGE, at=places.only_top)
def put(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[None]:
    """Add the route of the prefix that `values` name, or change it if it is there. Raises
    Faults."""
    altered = routeverbs.put_route(act.tx, values, act.new_id())
    return Done(None, [] if altered is None else [act.told(place, altered)])
