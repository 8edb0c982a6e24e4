"""What happens to the return call."""

from __future__ import annotations

from dataclasses import dataclass

from ringback.calls.events.happening import Happening
from ringback.calls.events.mending import mended
from ringback.calls.outcome import Outcome


@dataclass(frozen=True, slots=True)
class ReturnRefused(Happening):
    """The return call must not be made, or made again."""

    type = "return_refused"
    outcome: Outcome
    reason: str

    def told(self) -> str:
        return f"return call refused: {mended(self.outcome, self.reason)}"


@dataclass(frozen=True, slots=True)
class ReturnDialled(Happening):
    """The INVITE of leg A leaves."""

    type = "return_dialled"
    words = "return call dialled"
    number: str
    trunk: str


@dataclass(frozen=True, slots=True)
class Rang(Happening):
    """The far end of a leg rings."""

    type = "rings"
    words = "rings"
    leg: str
    number: str


@dataclass(frozen=True, slots=True)
class CallNotMade(Happening):
    """No trunk could be given a call, or one must not be."""

    type = "call_not_made"
    words = "call not made"
    logged = False  # it is, as a trouble
    leg: str
    number: str
    reason: str


@dataclass(frozen=True, slots=True)
class NotAnswered(Happening):
    """An attempt is over. `cause` is the engine's code."""

    type = "not_answered"
    words = "not answered"
    leg: str
    number: str
    cause: int | None


@dataclass(frozen=True, slots=True)
class LateAnswer(Happening):
    """The far end of an attempt that had been given up has answered. The engine ends it."""

    type = "late_answer"
    words = "answered after it was given up: ended at once"
    leg: str
    number: str


@dataclass(frozen=True, slots=True)
class LateAnswerUnpaid(Happening):
    """Somebody who should pay for a late answer had not enough: nobody is charged."""

    type = "late_answer_unpaid"
    words = "late answer not paid"
    reason: str


@dataclass(frozen=True, slots=True)
class ReturnAgain(Happening):
    """The return call will be made again."""

    type = "return_again"
    words = "return call again"
    seconds: int


@dataclass(frozen=True, slots=True)
class ReturnAnswered(Happening):
    """Leg A is up."""

    type = "return_answered"
    words = "return call answered"
    number: str
