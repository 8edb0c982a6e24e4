"""Trunks and routes of a setup file."""

from __future__ import annotations

from ringback.accounts.apply.work import Work
from ringback.accounts.sealing import trunk_sealer
from ringback.accounts.setupfile import SetupError
from ringback.faults import Faults
from ringback.trunks.changes import Altered
from ringback.trunks.entries import RouteEntry, TrunkEntry, given
from ringback.trunks.routeverbs import put_route
from ringback.trunks.trunkverbs import put_trunk


def bring_trunk_about(work: Work, entry: TrunkEntry) -> None:
    """A trunk as its entry has it; what is left out stays."""
    try:
        sealer = trunk_sealer(work.secrets)
        change = put_trunk(work.tx, given(entry), work.now, sealer, work.new_id())
    except Faults as faults:
        raise _refused(f"trunk {entry.name}", faults) from faults
    _note(work, change)


def bring_route_about(work: Work, entry: RouteEntry) -> None:
    """The route of a prefix as its entry has it."""
    try:
        change = put_route(work.tx, given(entry), work.new_id())
    except Faults as faults:
        raise _refused("route " + (entry.prefix or '""'), faults) from faults
    _note(work, change)


def _refused(what: str, faults: Faults) -> SetupError:
    return SetupError("\n".join(f"{what}: {fault}" for fault in faults.found))


def _note(work: Work, change: Altered | None) -> None:
    if change is not None:
        work.changes += change.lines()
        work.trunks_changed = True
