"""The log: a readable line for each step of a session, or JSON if asked for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from ringback.calls.events import SessionEvent
from ringback.server.crowds import Crowds
from ringback.server.repeats import Repeats


class _Lines:
    """Writes lines. A line that cannot be written, to a full disk or a closed pipe, is lost: it
    must not end the call that it is about."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def info(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except OSError:
            pass

    warning = info


def takes_every_letter(stream: TextIO) -> bool:
    """Whether a stream is in UTF-8, or in memory, where it has no encoding."""
    return (stream.encoding or "utf8").lower().replace("-", "") == "utf8"


def make_logger(*, as_json: bool, stream: TextIO | None = None) -> FilteringBoundLogger:
    """A logger that writes to `stream`, or else to standard error as it is now."""
    stream = stream or sys.stderr
    whole = takes_every_letter(stream)
    renderer = structlog.processors.JSONRenderer(ensure_ascii=not whole) if as_json else _readable
    logger: FilteringBoundLogger = structlog.wrap_logger(
        _Lines(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=as_json),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )
    return logger


def _readable(logger: WrappedLogger, name: str, event: EventDict) -> str:
    """`2026-11-26 12:00:05.123  0192ab34  return call dialled  number=+44…`, in local time."""
    time = str(event.pop("timestamp"))[:23].replace("T", " ")
    level = str(event.pop("level"))
    event.pop("type", None)  # only for programs: the words say it too
    session = event.pop("session", None)
    words = [time, (str(session)[-8:] if session else "-" * 8), str(event.pop("event"))]
    if level != "info":
        words.insert(2, f"{level.upper()}:")
    words += [f"{key}={value}" for key, value in event.items() if value is not None]
    return "  ".join(words)


class LogJournal:
    """A journal that writes each event to the log as a line."""

    def __init__(
        self, logger: FilteringBoundLogger, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`now`: seconds on a scale of its own."""
        self._logger = logger
        self._now = now
        self._repeats = Repeats()
        self._crowds = Crowds()

    def record(self, event: SessionEvent) -> None:
        happening = event.happening
        if not happening.logged:
            return
        for line in self._crowds.passed_over(self._now()):
            self._logger.warning(line)
        crowd, alike = happening.crowd(), happening.alike()
        if crowd is not None and not self._crowds.admits(event.session, crowd):
            return
        if crowd is None and alike is None:
            self._crowds.proven(event.session)
        self._write(
            self._logger.info,
            happening.told(),
            alike,
            type=happening.type,
            session=event.session,
            **happening.facts(),
        )

    def trouble(
        self,
        session: str | None,
        what: str,
        *,
        alike: tuple[str, ...] | None = None,
        **facts: object,
    ) -> None:
        self._write(self._logger.warning, what, alike, session=session, **facts)

    def _write(
        self, write: Callable[..., Any], line: str, alike: tuple[str, ...] | None, **facts: object
    ) -> None:
        left_out = 0 if alike is None else self._repeats.left_out(alike, self._now())
        if left_out is not None:
            more = {"left_out": left_out} if left_out else {}
            write(line, **facts, **more)
