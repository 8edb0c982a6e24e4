"""Many callerIDs at once: changed or deleted, all or nothing or each for itself. A preview is the
deed itself, undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ringback.faults import Fault, Faults
from ringback.management import places
from ringback.management.caller_ids.fields import COMMON_FIELDS
from ringback.management.caller_ids.rows import FoundRow, rows_of
from ringback.management.caller_ids.storing import AuthorizedList, Written
from ringback.management.places import Kind, Place
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, Done, verb

MOST = 500
"""So many in one unit of work."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one callerID, or would."""

    id: str
    number: str | None
    """None: there is no such callerID."""
    told: tuple[str, ...] = ()
    """A line for each change; empty if nothing changed."""
    faults: tuple[Fault, ...] = ()
    """Why it was refused."""


@dataclass(frozen=True, slots=True)
class How:
    """How many are dealt with."""

    together: bool = True
    """All or nothing; or each for itself."""
    preview: bool = False
    """Nothing is done."""


ALL_OR_NOTHING = How()
_Deed = Callable[[AuthorizedList, FoundRow], Written]


@verb("caller_id.change_many", Kind.CALLER_ID, Need(Right.VIEW), fields=COMMON_FIELDS)
def change_many(
    act: Act,
    place: Place,
    *,
    ids: Sequence[str],
    values: Mapping[str, Any],
    how: How = ALL_OR_NOTHING,
) -> Done[tuple[Outcome, ...]]:
    """Change the same of many callerIDs of an account or extension and all below: enable, disable,
    recharge them. Raises Faults where it is all or nothing, and one is refused."""
    batch = _Batch(act, place, how, enabling="enabled" in values)
    return batch.do(ids, lambda listed, row: listed.change(row, values))


@verb("caller_id.delete_many", Kind.CALLER_ID, Need(Right.CALLER_IDS))
def delete_many(
    act: Act, place: Place, *, ids: Sequence[str], how: How = ALL_OR_NOTHING
) -> Done[tuple[Outcome, ...]]:
    """Delete many callerIDs, likewise."""
    batch = _Batch(act, place, how, enabling=False)
    return batch.do(ids, lambda listed, row: listed.delete(row))


class _Batch:
    def __init__(self, act: Act, place: Place, how: How, *, enabling: bool) -> None:
        self._act = act
        self._place = place
        self._how = how
        self._enabling = enabling
        self._lists: dict[str, AuthorizedList] = {}
        """By extension, of those below the place."""
        self._written: list[Written] = []

    def do(self, ids: Sequence[str], deed: _Deed) -> Done[tuple[Outcome, ...]]:
        if len(ids) > MOST:
            raise Faults([Fault(("ids",), f"name at most {MOST} at once")])
        undone = self._act.tx.begin_nested() if self._how.preview else None
        rows = self._rows(list(ids))
        outcomes = tuple(self._one(id_, rows.get(id_), deed) for id_ in dict.fromkeys(ids))
        if undone is not None:
            undone.rollback()
            return Done(outcomes)
        if self._how.together:
            refused = [
                replace(fault, where=("ids", place, *fault.where))
                for place, outcome in enumerate(outcomes)
                for fault in outcome.faults
            ]
            if refused:
                raise Faults(refused)
        changes = [change for each in self._written for change in each.changes]
        credited = [id_ for each in self._written for id_ in each.credited]
        return Done(outcomes, changes, credited=credited)

    def _rows(self, ids: list[str]) -> dict[str, FoundRow]:
        """The callerIDs as they are once their extensions are held, which all hold in one order."""
        for extension_id in sorted({row["extension_id"] for row in rows_of(self._act.tx, ids)}):
            self._hold(extension_id)
        return {row["id"]: row for row in rows_of(self._act.tx, ids)}

    def _one(self, id_: str, row: FoundRow | None, deed: _Deed) -> Outcome:
        listed = None if row is None else self._lists.get(row["extension_id"])
        if row is None or listed is None:
            return Outcome(id_, None, faults=(Fault((), f"there is no such {Kind.CALLER_ID}"),))
        attempt = self._act.tx.begin_nested()
        try:
            made = deed(listed, row)
        except Faults as error:
            attempt.rollback()
            return Outcome(id_, row["number"], faults=tuple(error.found))
        except Forbidden as refusal:
            attempt.rollback()
            return Outcome(id_, row["number"], faults=(Fault((), str(refusal)),))
        attempt.commit()
        self._written.append(made)
        told = tuple(line for change in made.changes for line in change.lines())
        return Outcome(id_, row["number"], told)

    def _hold(self, extension_id: str) -> None:
        place = places.of_id(self._act.tx, extension_id)
        if place is not None and self._place.id in place.chain:
            with suppress(NotFound):  # it has just been deleted
                self._lists[extension_id] = AuthorizedList(
                    self._act, place, enabling=self._enabling
                )
