"""Open sessions as they are just now: the running server is asked, as the records learn later of a
stage, or that a phone rings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ringback.reports.sessions import LIVE, written
from ringback.server.control import ControlError, ask

OPEN = "open"
"""A session that no server runs: it is left for the next start to settle."""


async def bring_up_to_date(found: list[dict[str, Any]], control: Path) -> None:
    """Put the true stage and times into those of the sessions that are open, and what they are
    into `state`. Without a server they stay as they are recorded."""
    still_open = [session for session in found if session["outcome"] is None]
    if not still_open:
        return
    try:
        answer = await ask(control, "sessions", sessions=[each["id"] for each in still_open])
        state = LIVE
    except ControlError:
        answer, state = {"sessions": {}}, OPEN
    for session in still_open:
        session["state"] = state
        told = answer["sessions"].get(session["id"])
        if told is not None:
            session["stage"] = told["stage"]
            _take_times(session["legs"], {leg["id"]: leg for leg in told["legs"]})


def _take_times(legs: list[dict[str, Any]], live: dict[str, dict[str, Any]]) -> None:
    for leg in legs:
        for name in ("ringing", "answered", "ended"):
            at = live.get(leg["id"], {}).get(name)
            if at is not None:
                leg[name] = written(at)
