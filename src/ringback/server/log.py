"""The log: a readable line for each step of a session, or JSON if asked for."""

from __future__ import annotations

import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from ringback.calls.events import SessionEvent


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


def make_logger(*, as_json: bool, stream: TextIO | None = None) -> FilteringBoundLogger:
    """A logger that writes to `stream`, or else to standard error as it is now."""
    stream = stream or sys.stderr
    whole = stream.encoding.lower().replace("-", "") == "utf8"
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

    def __init__(self, logger: FilteringBoundLogger) -> None:
        self._logger = logger

    def record(self, event: SessionEvent) -> None:
        happening = event.happening
        if happening.logged:
            self._logger.info(
                happening.told(),
                type=happening.type,
                session=event.session,
                **happening.facts(),
            )

    def trouble(self, session: str | None, what: str, **facts: object) -> None:
        self._logger.warning(what, session=session, **facts)
