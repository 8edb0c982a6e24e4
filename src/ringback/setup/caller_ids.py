"""Authorized callerIDs with their credit, some of an extension's in one step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ringback.accounts.entries import CallerIdEntry, ExtensionEntry
from ringback.management import places
from ringback.management.accounts.limits import Limited, see_room
from ringback.management.caller_ids.rows import rows_of_numbers
from ringback.management.caller_ids.storing import AuthorizedList, Written
from ringback.setup.work import Work

BATCH = 10
"""So many in one step: some 10 ms."""


def batches(entry: ExtensionEntry) -> Iterator[Sequence[CallerIdEntry]]:
    """The callerIDs of an extension's entry, so many as one step takes."""
    for start in range(0, len(entry.caller_ids), BATCH):
        yield entry.caller_ids[start : start + BATCH]


def bring_about(work: Work, extension: str, name: str, entries: Sequence[CallerIdEntry]) -> None:
    """The callerIDs of the extension with that id and name, as their entries have them."""
    place = places.of_extension(work.tx, extension)
    assert place is not None
    enabling = any(entry.enabled is not False for entry in entries)
    listed = AuthorizedList(work.act, place, enabling=enabling)
    there = rows_of_numbers(work.tx, extension, [entry.number for entry in entries])
    new = [entry for entry in entries if entry.number not in there]
    more = sum(_enables(entry, there.get(entry.number)) for entry in entries)
    with work.about(f"extension {name}"):
        see_room(work.act, Limited.CALLER_IDS, place, more, ("caller_ids",))
    made = {row["number"]: row for row in listed.insert(new)}
    for entry in entries:
        what = f"callerID {entry.number}"
        with work.attempt(), work.about(what):
            if entry.number in made:
                _keep(work, what, listed.created(made[entry.number], entry))
            else:
                _keep(work, what, listed.put(there[entry.number], entry))


def _enables(entry: CallerIdEntry, row: Mapping[str, Any] | None) -> bool:
    """Whether there is one more enabled callerID with it."""
    if row is None:
        return entry.enabled is not False
    return "enabled" in entry.model_fields_set and bool(entry.enabled) and not row["enabled"]


def _keep(work: Work, what: str, written: Written) -> None:
    work.keep(what, written.changes)
    work.credited |= set(written.credited)
