"""Machines with a literal table, as the figures of RFC 3261 draw them.

Theory of operation. A machine is a state and a table. The table maps (state, input) to (next state,
actions), with one row for each arrow of its figure. An input without a row is absorbed: the state
stays as it is. Inputs are words: messages by class (`1xx`, `2xx`, ...), timers by letter, wishes of
the user. Actions are names of methods, which get the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

from ringback.clock import Instant

S = TypeVar("S", bound=Enum)

Table = Mapping[tuple[S, str], tuple[S, tuple[str, ...]]]


class Machine(Generic[S]):
    """A table and its state."""

    table: Table[S]
    state: S

    def feed(self, what: str, now: Instant) -> None:
        """Give the machine an input."""
        row = self.table.get((self.state, what))
        if row is None:
            return
        before = self.state
        self.state, actions = row
        if self.state is not before:
            self._state_left()
        for action in actions:
            getattr(self, action)(now)

    def _state_left(self) -> None:
        """Called when the state has changed, before the actions."""
