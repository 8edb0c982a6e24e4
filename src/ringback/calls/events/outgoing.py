"""What happens to the outgoing call, and at the end of a session."""

from __future__ import annotations

from dataclasses import dataclass

from ringback.calls.events.happening import Happening
from ringback.calls.outcome import Outcome, Stage


@dataclass(frozen=True, slots=True)
class DurationTold(Happening):
    """The caller hears how long the credit lasts."""

    type = "duration_told"
    words = "duration told"
    seconds: int


@dataclass(frozen=True, slots=True)
class OutgoingDialled(Happening):
    """The INVITE of leg B leaves."""

    type = "outgoing_dialled"
    words = "outgoing call dialled"
    caller_hears = "ringback"
    number: str
    trunk: str


@dataclass(frozen=True, slots=True)
class EarlySound(Happening):
    """Sound comes from the called party's network before the answer."""

    type = "early_sound"
    words = "early sound"
    caller_hears = "the called party's network"
    number: str


@dataclass(frozen=True, slots=True)
class AnswerUnfunded(Happening):
    """Leg B is given up: an answer could not be paid for any more."""

    type = "answer_unfunded"
    words = "no credit left for an answer"
    number: str


@dataclass(frozen=True, slots=True)
class Talking(Happening):
    """Leg B has answered: both hear each other."""

    type = "conversation"
    words = "conversation"
    caller_hears = "the called party"
    callee_hears = "the caller"
    number: str


@dataclass(frozen=True, slots=True)
class Warned(Happening):
    """The caller hears the beep that comes before the end."""

    type = "warned"
    words = "warned"
    caller_hears = "a beep"
    seconds_left: int


@dataclass(frozen=True, slots=True)
class OutgoingEnded(Happening):
    """Leg B, which had been answered, is over."""

    type = "outgoing_ended"
    words = "outgoing call ended"
    number: str
    cause: int | None


@dataclass(frozen=True, slots=True)
class CutOff(Happening):
    """Ringback ends the conversation: its money or its time is over."""

    type = "cut_off"
    words = "cut off"


@dataclass(frozen=True, slots=True)
class ReturnUnfunded(Happening):
    """Leg A alone cannot go on for lack of credit."""

    type = "return_unfunded"
    words = "no credit left for the return call"


@dataclass(frozen=True, slots=True)
class SessionEnded(Happening):
    """The session is closed."""

    type = "ended"
    words = "ended"
    outcome: Outcome
    stage: Stage

    def crowd(self) -> str | None:
        return "ended: abandoned" if self.outcome is Outcome.ABANDONED else None
