"""A whole file: checked, reported, and brought in, exactly as it was checked.

Nothing is kept of a line but its number, so that memory stays as it is however long the file; and
each unit of work is short and has a pause after it, so that calls go on.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from itertools import islice
from typing import Protocol

from ringback.accounts.entries import CallerIdEntry
from ringback.amounts import ZERO
from ringback.faults import Fault, Faults
from ringback.management.caller_ids.imports import hints
from ringback.management.caller_ids.imports.faults import LISTED, BadImport, FoundFaults
from ringback.management.caller_ids.imports.lines import Target, cells_of, read_line
from ringback.management.caller_ids.imports.table import Table, read_table
from ringback.management.caller_ids.imports.unit import (
    Destination,
    How,
    Numbered,
    Part,
    attempt,
    bring_in,
    destination,
)
from ringback.management.desk import Desk, Identity
from ringback.management.verbs import Done

MOST_AT_ONCE = 20
"""So many lines at most in one unit of work."""


class Pacing(Protocol):
    """How many lines a unit of work takes, and the pause after it (`store.pace.Pace`)."""

    size: int

    async def pause(self) -> None: ...


class HalfImported(Exception):
    """A unit of work failed after others had been done; the message says so."""


@dataclass(slots=True)
class Report:
    """What a file would bring about, or has."""

    digest: str
    """Of the file, the extension and how: what is brought in is what was checked."""
    coding: str
    unused: tuple[str, ...]
    """Columns that are not known."""
    hints: list[str] = field(default_factory=list)
    lines: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    left_disabled: int = 0
    recharges: int = 0
    recharged: Decimal = ZERO
    pins: int = 0
    """How many PINs are made."""
    told: list[str] = field(default_factory=list)
    """The first of the changes, a line each."""

    def add(self, part: Part) -> None:
        self.lines += part.new + part.changed + part.same
        for name in ("new", "changed", "same", "left_disabled", "recharges", "recharged"):
            setattr(self, name, getattr(self, name) + getattr(part, name))
        self.pins += len(part.slips)
        self.told += part.told[: LISTED - len(self.told)]


async def check(
    desk: Desk,
    who: Identity,
    extension_id: str,
    data: bytes,
    how: How,
    *,
    pace: Pacing,
    checked: Callable[[int], None] = lambda lines: None,
) -> Report:
    """What would come of importing a file; nothing is changed. `checked` is told how many more
    lines have been. Raises BadImport with every fault; NotFound, Forbidden, Faults, StoreError."""
    table = read_table(data)
    to = await _destination(desk, who, extension_id, table)
    report = Report(_digest(extension_id, data, how), table.coding, table.unused)
    faults, lines, enabled = FoundFaults(), _Lines(table, to), 0
    for some in lines.read(faults, pace):

        def unit(enabled: int = enabled, some: Numbered = some) -> Awaitable[Done[Part]]:
            return desk.run(
                who, lambda act: attempt(act, to.id, lines=some, how=how, enabled=enabled)
            )

        part = (await unit()).value
        for fault in part.faults:
            faults.add(fault.line, fault.column, fault.message)
        enabled += part.enabled
        report.add(part)
        checked(len(some))
        await pace.pause()
    faults.check()
    if not report.lines:
        faults.add(1, None, "no callerIDs follow it")
        faults.check()
    report.hints = lines.hints(table)
    return report


async def apply(
    desk: Desk,
    who: Identity,
    extension_id: str,
    data: bytes,
    how: How,
    digest: str,
    *,
    pace: Pacing,
    done: Callable[[Done[Part]], Awaitable[None]],
) -> None:
    """Bring a checked file in. `done` has each part once it is kept, with the PINs that were made,
    which nobody can read afterwards. Raises HalfImported where something of it was wrong after all;
    NotFound, Forbidden, Faults, StoreError."""
    if _digest(extension_id, data, how) != digest:
        raise Faults([Fault(("digest",), "this is not what was checked: check it again")])
    table = read_table(data)
    to = await _destination(desk, who, extension_id, table)
    lines = 0
    for some in _Lines(table, to).read(FoundFaults(), pace):
        try:
            part = await _bring_in(desk, who, to.id, some, how)
        except Faults as error:
            told = "; ".join(str(fault) for fault in error.found)
            raise HalfImported(
                f"{told}: {lines} callerIDs before have been brought in: mend it, and import the "
                "file again"
            ) from error
        lines += len(some)
        await done(part)
        await pace.pause()


async def _bring_in(
    desk: Desk, who: Identity, extension_id: str, some: Numbered, how: How
) -> Done[Part]:
    return await desk.run(who, lambda act: bring_in(act, extension_id, lines=some, how=how))


async def _destination(desk: Desk, who: Identity, extension_id: str, table: Table) -> Destination:
    columns = [name for name in table.columns if name not in (None, "extension")]
    named = [name for name in columns if name is not None]
    return await desk.read(who, lambda act: destination(act, extension_id, columns=named))


def _digest(extension_id: str, data: bytes, how: How) -> str:
    beside = json.dumps([extension_id, asdict(how)], sort_keys=True).encode()
    return hashlib.sha256(beside + b"\0" + hashlib.sha256(data).digest()).hexdigest()


class _Lines:
    """The lines of a file, some at a time, and what is kept of them."""

    def __init__(self, table: Table, to: Destination) -> None:
        self._table = table
        self._target = Target(to.path, to.country, table.delimiter)
        self._seen: dict[int, int] = {}
        """By number its line."""
        self._pins: Counter[int] = Counter()
        self._zeros = 0

    def read(self, faults: FoundFaults, pace: Pacing) -> Iterator[Numbered]:
        """The good ones; what is wrong with the others is added to the faults."""
        read = self._good(faults)
        while some := list(islice(read, pace.size)):
            yield some

    def _good(self, faults: FoundFaults) -> Iterator[tuple[int, CallerIdEntry]]:
        columns = self._table.columns
        try:
            for line, cells in self._table.records():
                if any(cell.strip() for cell in cells[len(columns) :]):
                    faults.add(line, None, f"has {len(cells)} cells for {len(columns)} columns")
                    continue
                told = cells_of(columns, cells)
                self._note_pin(told.get("pin", ""))
                entry = read_line(line, told, self._target, faults)
                if entry is None:
                    continue
                first = self._seen.setdefault(int(entry.number), line)
                if first == line:
                    yield line, entry
                else:
                    faults.add(line, "number", f"{entry.number} is on line {first} already")
        except BadImport as error:
            for fault in error.faults:
                faults.add(fault.line, fault.column, fault.message)

    def _note_pin(self, pin: str) -> None:
        if pin:
            self._pins[len(pin)] += 1
            self._zeros += pin.startswith("0")

    def hints(self, table: Table) -> list[str]:
        """What may be wrong with the file, and cannot be known."""
        found = []
        if table.coding == "cp1252":
            found.append("it is not UTF-8 and was read as Windows-1252: see that names are right")
        shortened = hints.shortened_pins(self._pins, self._zeros)
        return [*found, *([] if shortened is None else [shortened])]
