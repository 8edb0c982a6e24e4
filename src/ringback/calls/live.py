"""What a session is at just now, of which the store learns only with its next unit of work."""

from __future__ import annotations

from dataclasses import dataclass

from ringback.calls.course import CallbackSession
from ringback.calls.outcome import Stage
from ringback.calls.waiting import Waiting
from ringback.clock import Instant


@dataclass(frozen=True, slots=True)
class LiveLeg:
    """A leg that was dialled. The instants are None until they come."""

    id: str
    ringing: Instant | None
    answered: Instant | None
    ended: Instant | None


@dataclass(frozen=True, slots=True)
class LiveSession:
    stage: Stage
    legs: tuple[LiveLeg, ...]
    """Those that are not written off yet."""


def live_state(session: CallbackSession, waiting: Waiting) -> LiveSession:
    """The stage of a session and the times of its legs."""
    return LiveSession(
        session.course.stage,
        tuple(
            LiveLeg(party.id, party.ringing, party.answered, party.ended)
            for party in (waiting.a, waiting.b)
            if party is not None
        ),
    )
