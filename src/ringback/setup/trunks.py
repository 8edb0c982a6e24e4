"""Trunks and routes of a setup file."""

from __future__ import annotations

from ringback.documents import given
from ringback.management import places, routes, trunks
from ringback.setup.work import Work
from ringback.trunks.entries import RouteEntry, TrunkEntry


def bring_trunk_about(work: Work, entry: TrunkEntry) -> None:
    """A trunk as its entry has it; what is left out stays."""
    what = f"trunk {entry.name}"
    with work.about(what):
        work.did(what, trunks.put(work.act, places.top(work.tx), values=given(entry)))


def bring_route_about(work: Work, entry: RouteEntry) -> None:
    """The route of a prefix as its entry has it."""
    what = "route " + (entry.prefix or '""')
    with work.about(what):
        work.did(what, routes.put(work.act, places.top(work.tx), values=given(entry)))
