"""Which messages went over the wire, and when, as SIPp wrote it down (`-trace_shortmsg`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Message:
    at: float
    """In Unix seconds."""
    sent: bool
    """Whether SIPp sent it."""
    call_id: str
    line: str
    """The first line."""

    @property
    def number(self) -> str:
        """The user part of the Request-URI."""
        return self.line.partition("sip:")[2].partition("@")[0]


def read(path: Path) -> Iterator[Message]:
    """Every message that a SIPp process sent or received, in order."""
    for row in path.read_text(errors="replace").splitlines():
        _, _, at, direction, call_id, _, line = row.split("\t")
        yield Message(float(at), direction == "S", call_id, line)


def first(path: Path, method: str) -> Iterator[Message]:
    """The requests of one method, each once, however often it was repeated."""
    seen: set[str] = set()
    for message in read(path):
        if message.line.startswith(f"{method} ") and message.call_id not in seen:
            seen.add(message.call_id)
            yield message
