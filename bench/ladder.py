"""Rising loads: short runs find how far the load can rise, and only the loads reported are measured
in full."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, Protocol, TypeVar

from bench.figures import Row, Table, middle
from bench.plan import Plan

TRIES = 2
"""How many short runs a load gets: something else may disturb one of them."""


class Judged(Row, Protocol):
    @property
    def good(self) -> bool:
        """Whether the server carried the load."""
        ...


L = TypeVar("L", bound=float)
J = TypeVar("J", bound=Judged)


class Ladder(Generic[L, J]):
    """The rows of one table. Its first column says of how many runs each row is the median."""

    def __init__(
        self, plan: Plan, table: Table, measure: Callable[[L, float], Awaitable[J]]
    ) -> None:
        """`measure` gets the load, and the number of seconds."""
        self._plan = plan
        self._table = table
        self._measure = measure

    async def whole(self, load: L) -> J:
        """The median of all the runs that the plan asks for."""
        return await self._row(load, self._plan.runs, self._plan.seconds)

    async def highest(self, loads: Sequence[L]) -> tuple[L, J] | None:
        """The highest load that is carried, measured in full; None if not even the lowest is."""
        carried = 0
        while carried < len(loads) and await self._seems_carried(loads[carried]):
            carried += 1
        for load in reversed(loads[:carried]):
            result = await self.whole(load)
            if result.good:
                return load, result
        return None

    async def _seems_carried(self, load: L) -> bool:
        for _ in range(TRIES):
            if (await self._row(load, 1, self._plan.probe_seconds)).good:
                return True
        return False

    async def _row(self, load: L, runs: int, seconds: float) -> J:
        result = middle([await self._measure(load, seconds) for _ in range(runs)])
        self._table.row((f"{runs} x {seconds:g} s", *result.cells()))
        return result
