"""The doctor's findings."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `grade` is "ok", "WARNING" or "FAULT"."""

    grade: str
    text: str


def ok(text: str) -> Finding:
    """All is well."""
    return Finding("ok", text)


def warning(text: str) -> Finding:
    """Some calls may not work."""
    return Finding("WARNING", text)


def fault(text: str) -> Finding:
    """No call will work."""
    return Finding("FAULT", text)
