"""Where the events of sessions go besides the store: a log, a stream, the timeline of a demo."""

from __future__ import annotations

from typing import Protocol

from ringback.calls.events import SessionEvent


class Journal(Protocol):
    """Told at once of what happens, on the event loop. It must not block."""

    def record(self, event: SessionEvent) -> None:
        """Something has happened in a session."""
        ...

    def trouble(
        self,
        session: str | None,
        what: str,
        *,
        alike: tuple[str, ...] | None = None,
        **facts: object,
    ) -> None:
        """Something that an operator should look at, with its mending in the words. `alike` as for
        `Happening.alike`."""
        ...
