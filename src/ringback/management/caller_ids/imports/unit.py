"""Some lines of a file brought in, or tried: one unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from ringback import levels
from ringback.accounts.entries import CallerIdEntry
from ringback.amounts import ZERO
from ringback.faults import Fault, Faults
from ringback.management.accounts.limits import Limited, room
from ringback.management.caller_ids.exports import order_of
from ringback.management.caller_ids.fields import FIELDS
from ringback.management.caller_ids.imports.faults import LineFault
from ringback.management.caller_ids.pins import Slip, make_pin
from ringback.management.caller_ids.rows import FoundRow, rows_of_numbers
from ringback.management.caller_ids.storing import AuthorizedList, Written
from ringback.management.change import Action
from ringback.management.places import Kind, Place
from ringback.management.refusals import Forbidden
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, Done, check_fields, read, verb

Numbered = Sequence[tuple[int, CallerIdEntry]]
"""Entries, each with its line."""


@dataclass(frozen=True, slots=True)
class How:
    """What an import does beside what the file says."""

    make_pins: int | None = None
    """Who has no PIN gets one of so many digits."""
    rest_disabled: bool = False
    """Those for whom there is no room among the enabled ones are brought in disabled."""


@dataclass(frozen=True, slots=True)
class Destination:
    """An extension that callerIDs are imported into."""

    id: str
    path: str
    country: str


@dataclass(slots=True)
class Part:
    """What came of some lines."""

    new: int = 0
    changed: int = 0
    same: int = 0
    enabled: int = 0
    """How many more are enabled than before."""
    left_disabled: int = 0
    """Disabled only because there was no room."""
    recharges: int = 0
    recharged: Decimal = ZERO
    """Their sum; those without limit count as nothing."""
    slips: list[Slip] = field(default_factory=list)
    faults: list[LineFault] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """A line for each change."""


@read("caller_id.import_into", Kind.CALLER_ID, Need(Right.CALLER_IDS))
def destination(act: Act, place: Place, *, columns: Sequence[str]) -> Destination:
    """Where a file with these columns goes to. Each column needs the right that its field needs.
    Raises Faults for what is no extension, Forbidden."""
    if place.kind is not Kind.EXTENSION:
        raise Faults([Fault(("extension",), "name an extension, such as acme:travellers")])
    try:
        check_fields(act.actor, place, dict.fromkeys(columns), FIELDS)
    except Forbidden as refused:
        raise Forbidden(f"{refused}: take such columns out") from refused
    path = Sight(act.tx, act.actor).path(place.id)
    return Destination(place.id, path, levels.of_account(act.tx, place.id)[0].country)


@verb("caller_id.import", Kind.CALLER_ID, Need(Right.CALLER_IDS))
def bring_in(act: Act, place: Place, *, lines: Numbered, how: How) -> Done[Part]:
    """Add the callerIDs of some lines, or change those that are there: an empty cell says nothing.
    Raises Faults where something is wrong with one of them, Forbidden for a column that the actor
    may not set."""
    part, done = _bring_in(act, place, lines, how, 0)
    if part.faults:
        raise Faults(
            Fault(("line", each.line, each.column or ""), each.message) for each in part.faults
        )
    changes = [change for each in done for change in each.changes]
    return Done(part, changes, credited=[id_ for each in done for id_ in each.credited])


@verb("caller_id.try_import", Kind.CALLER_ID, Need(Right.CALLER_IDS))
def attempt(act: Act, place: Place, *, lines: Numbered, how: How, enabled: int) -> Done[Part]:
    """What would come of it, with all faults: it is done, and undone. `enabled`: how many more the
    lines before these enable."""
    undone = act.tx.begin_nested()
    try:
        part, _ = _bring_in(act, place, lines, how, enabled)
    finally:
        undone.rollback()
    part.slips = [Slip(slip.number, slip.name, "") for slip in part.slips]
    return Done(part)


def _bring_in(
    act: Act, place: Place, lines: Numbered, how: How, enabled: int
) -> tuple[Part, list[Written]]:
    named = {name for _, entry in lines for name in entry.model_fields_set}
    check_fields(act.actor, place, dict.fromkeys(sorted(named)), FIELDS)
    space = room(act.tx, Limited.CALLER_IDS, place)
    listed = AuthorizedList(act, place, enabling=False)  # `room` has seen to it
    there = rows_of_numbers(act.tx, place.id, [entry.number for _, entry in lines])
    part = Part()
    left = None if space is None else space.left - enabled
    settled: list[tuple[int, CallerIdEntry]] = []
    for line, entry in lines:
        row = there.get(entry.number)
        fitting = _fitting(part, line, row, _without_own_credit(row, entry), how, left)
        if fitting is not None:
            settled.append((line, _with_pin(act, part, row, fitting, how)))
    new = [entry for _, entry in settled if entry.number not in there]
    rows = {row["number"]: row for row in listed.insert(new)}
    done: list[Written] = []
    for line, entry in settled:
        row = there.get(entry.number)
        try:
            made = (
                listed.created(rows[entry.number], entry) if row is None else listed.put(row, entry)
            )
        except Faults as error:
            part.faults += [
                LineFault(line, str(fault.where[0]), fault.message) for fault in error.found
            ]
            continue
        done.append(made)
        _count(part, made, entry)
    return part, done


def _without_own_credit(row: FoundRow | None, entry: CallerIdEntry) -> CallerIdEntry:
    """An export of the callerID itself gives it nothing: its credit is here already."""
    if row is None or entry.order_number != order_of(row["id"]):
        return entry
    said = entry.model_dump(exclude_unset=True, exclude={"credit", "order_number"})
    return CallerIdEntry.model_construct(**said)


def _fitting(
    part: Part,
    line: int,
    row: FoundRow | None,
    entry: CallerIdEntry,
    how: How,
    left: int | None,
) -> CallerIdEntry | None:
    """The entry, disabled where there is no room left and it may be; None, and a fault, where it
    may not."""
    given = "enabled" in entry.model_fields_set
    was = row is not None and row["enabled"]
    wanted = entry.enabled is not False if given or row is None else was
    if wanted and not was and left is not None and part.enabled >= left:
        if not how.rest_disabled:
            message = "as many are enabled as the limits allow: the rest may be brought in disabled"
            part.faults.append(LineFault(line, "enabled", message))
            return None
        entry = entry.model_copy(update={"enabled": False})
        entry.model_fields_set.add("enabled")
        part.left_disabled += 1
        wanted = False
    part.enabled += int(wanted) - int(was)
    return entry


def _with_pin(
    act: Act, part: Part, row: FoundRow | None, entry: CallerIdEntry, how: How
) -> CallerIdEntry:
    has_pin = entry.pin is not None or (row is not None and row["pin_mac"] is not None)
    if how.make_pins is None or has_pin:
        return entry
    pin = make_pin(act.chance, how.make_pins, entry.number)
    name = entry.name or (None if row is None else row["name"])
    part.slips.append(Slip(entry.number, name, pin))
    with_pin = entry.model_copy(update={"pin": pin})
    with_pin.model_fields_set.add("pin")
    return with_pin


def _count(part: Part, made: Written, entry: CallerIdEntry) -> None:
    actions = [change.action for change in made.changes if change.kind is Kind.CALLER_ID]
    if Action.CREATED in actions:
        part.new += 1
    elif made.changes:
        part.changed += 1
    else:
        part.same += 1
    part.told += [line for change in made.changes for line in change.lines()]
    if made.credited:
        part.recharges += 1
        part.recharged += entry.credit if isinstance(entry.credit, Decimal) else ZERO
