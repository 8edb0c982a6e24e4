"""What a session tells the world while it runs: one line a step.

Steps never hold a PIN, a password or a digit pressed (spec section 8).
"""

from __future__ import annotations

from typing import Protocol


class Journal(Protocol):
    """Where the steps of sessions go: a log, an event stream, the timeline of a demo."""

    def step(self, session: str, step: str, **facts: object) -> None:
        """`session` has come to `step`: a few plain words, such as "return call answered"."""
        ...

    def trouble(self, session: str | None, what: str, **facts: object) -> None:
        """Something that an operator should look at, with its mending in the words."""
        ...
