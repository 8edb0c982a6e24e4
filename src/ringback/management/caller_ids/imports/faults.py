"""What is wrong with a file, by line and column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

LISTED = 1000
"""So many faults are kept; of the rest only the number."""


@dataclass(frozen=True, slots=True)
class LineFault:
    """A line of the file, from 1, and what is wrong in which column; none: with the whole line."""

    line: int
    column: str | None
    message: str

    def __str__(self) -> str:
        where = "" if self.column is None else f"{self.column}: "
        return f"line {self.line}: {where}{self.message}"


class BadImport(ValueError):
    """The file cannot be imported; nothing of it has been."""

    def __init__(self, faults: Sequence[LineFault], count: int = 0) -> None:
        self.faults = tuple(faults)
        """The first of them."""
        self.count = max(count, len(faults))
        """Of all of them."""
        super().__init__("\n".join(self.lines(LISTED)))

    def lines(self, most: int) -> list[str]:
        """What to tell, with at most so many faults."""
        told = [str(fault) for fault in self.faults[:most]]
        if self.count > len(told):
            told.append(f"and {self.count - len(told)} more faults")
        return told


@dataclass(slots=True)
class FoundFaults:
    """The faults of a file, as they are found."""

    found: list[LineFault] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, column: str | None, message: str) -> None:
        self.count += 1
        if len(self.found) < LISTED:
            self.found.append(LineFault(line, column, message))

    def check(self) -> None:
        """Raises BadImport if there are any."""
        if self.count:
            raise BadImport(sorted(self.found, key=lambda fault: fault.line), self.count)
