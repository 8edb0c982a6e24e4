"""Trunks and routes of a setup file."""

from __future__ import annotations

from ringback.accounts.sealing import trunk_sealer
from ringback.accounts.setupfile import SetupError
from ringback.changes import SecretChange
from ringback.documents import given
from ringback.faults import Faults
from ringback.setup.work import Work
from ringback.trunks.entries import RouteEntry, TrunkEntry
from ringback.trunks.routeverbs import put_route
from ringback.trunks.trunkverbs import put_trunk


def bring_trunk_about(work: Work, entry: TrunkEntry) -> None:
    """A trunk as its entry has it; what is left out stays."""
    try:
        sealer = trunk_sealer(work.secrets)
        change = put_trunk(work.tx, given(entry), work.now, sealer, work.new_id())
    except Faults as faults:
        raise _refused(f"trunk {entry.name}", faults) from faults
    if change is not None:
        if change.secrets.get("password") is SecretChange.TAKEN_OFF and not work.allow_loss:
            raise SetupError(
                f"trunk {entry.name}: this would take its password off: leave it out of the file, "
                "or add --allow-loss"
            )
        work.changes += change.lines()


def bring_route_about(work: Work, entry: RouteEntry) -> None:
    """The route of a prefix as its entry has it."""
    try:
        change = put_route(work.tx, given(entry), work.new_id())
    except Faults as faults:
        raise _refused("route " + (entry.prefix or '""'), faults) from faults
    if change is not None:
        work.changes += change.lines()


def _refused(what: str, faults: Faults) -> SetupError:
    return SetupError("\n".join(f"{what}: {fault}" for fault in faults.found))
