"""What happens in a session, a type for each kind (spec section 9, "Events").

The log line, the demo's timeline, the records and the tests are made of these. Each says what each
side hears from then on. None has a place for a digit, a PIN or a password (spec section 8).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

from ringback.calls.outcome import Outcome, Stage
from ringback.clock import Instant
from ringback.guards.reached import Reached


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened in a session."""

    type: ClassVar[str]
    """Its name for programs: it never changes."""
    words: ClassVar[str] = ""
    logged: ClassVar[bool] = True
    """Whether the log has a line for it."""
    caller_hears: ClassVar[str] = ""
    callee_hears: ClassVar[str] = ""

    def told(self) -> str:
        """The same for people, in a few plain words."""
        return self.words

    def heard_by_caller(self) -> str:
        """What the caller hears from now on; empty: nothing new."""
        return self.caller_hears

    def heard_by_callee(self) -> str:
        """What the called party hears from now on; empty: nothing new."""
        return self.callee_hears

    def facts(self) -> dict[str, Any]:
        """Its fields, by name."""
        return {
            field.name: value
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) is not None
        }


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """What happened, in which session, and when."""

    session: str
    at: Instant
    happening: Happening


# The trigger


@dataclass(frozen=True, slots=True)
class Triggered(Happening):
    """A caller rang an access number. `caller` is None where the number was hidden."""

    type = "trigger"
    words = "trigger"
    caller_hears = "ringing"
    caller: str | None
    called: str


@dataclass(frozen=True, slots=True)
class Abandoned(Happening):
    """The caller hung up before the trigger counted."""

    type = "trigger_abandoned"
    rang_seconds: float
    ring_seconds: int

    def told(self) -> str:
        return (
            f"abandoned: hung up after {self.rang_seconds:.1f} s, before ring_seconds = "
            f"{self.ring_seconds}: see early_hangup"
        )


@dataclass(frozen=True, slots=True)
class Unproven(Happening):
    """No ACK came to the rejection."""

    type = "trigger_unproven"
    words = "abandoned: no ACK to the rejection, so the source may be forged"


@dataclass(frozen=True, slots=True)
class TriggerRefused(Happening):
    """Nobody is called back."""

    type = "trigger_refused"
    caller_hears = "the rejection"
    outcome: Outcome
    reason: str

    def told(self) -> str:
        return f"refused: {self.reason}"


@dataclass(frozen=True, slots=True)
class GuardReached(Happening):
    """A guard has refused a call. Whoever sees less than `kind` and `of` say must not be told."""

    type = "guard.reached"
    guard: str
    """Its name in a setup or in the configuration."""
    kind: str
    """`callerID`, `extension` or `account`; `server`: it holds for one return number everywhere."""
    of: str
    """The id of whom it is set for; of the server the return number."""
    name: str
    used: str
    limit: str

    @classmethod
    def by(cls, reached: Reached) -> GuardReached:
        return cls(
            reached.guard,
            reached.kind,
            reached.subject_id,
            reached.name,
            reached.used,
            reached.limit,
        )

    def told(self) -> str:
        return (
            f"guard reached: {self.guard} of {self.kind} {self.name}, {self.used} of {self.limit}"
        )


@dataclass(frozen=True, slots=True)
class RequestAccepted(Happening):
    """The request is stored: its number will be called back."""

    type = "accepted"
    words = "accepted"
    caller_hears = "the rejection"
    return_number: str


@dataclass(frozen=True, slots=True)
class TakenUp(Happening):
    """A request from before a restart goes on."""

    type = "taken_up"
    words = "taken up after a restart"
    number: str


# The return call


@dataclass(frozen=True, slots=True)
class ReturnRefused(Happening):
    """The return call must not be made, or made again."""

    type = "return_refused"
    words = "return call refused"
    outcome: Outcome
    reason: str


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


# The caller on leg A


@dataclass(frozen=True, slots=True)
class Prompted(Happening):
    """The caller is told something."""

    type = "prompt"
    words = "prompt"
    logged = False
    prompt: str

    def heard_by_caller(self) -> str:
        return self.prompt


@dataclass(frozen=True, slots=True)
class NotAccepted(Happening):
    """Nobody pressed 1 to take the call."""

    type = "not_accepted"
    words = "not accepted"


@dataclass(frozen=True, slots=True)
class EntryRefused(Happening):
    """A password or PIN was wrong, empty or locked."""

    type = "entry_refused"
    words = "entry refused"
    reason: str


@dataclass(frozen=True, slots=True)
class Authenticated(Happening):
    """The caller may go on; `caller_id` is None where nobody was identified."""

    type = "authenticated"
    caller_id: str | None

    def told(self) -> str:
        return "accepted" if self.caller_id is None else "authenticated"


@dataclass(frozen=True, slots=True)
class LegAUnpaid(Happening):
    """Whoever was identified cannot pay leg A."""

    type = "leg_a_unpaid"
    words = "leg A cannot be paid"
    reason: str


@dataclass(frozen=True, slots=True)
class CreditTold(Happening):
    """The caller hears the credit."""

    type = "credit_told"
    words = "credit told"
    credit: str


@dataclass(frozen=True, slots=True)
class NoNumberDialled(Happening):
    """`dial_within_seconds` ran out."""

    type = "no_number_dialled"
    words = "no number dialled in time"


@dataclass(frozen=True, slots=True)
class NumberImpossible(Happening):
    """What was typed is no number. It is not named: it may have been a PIN."""

    type = "number_impossible"
    country: str

    def told(self) -> str:
        return f"number refused: none that can be dialled in {self.country}"


@dataclass(frozen=True, slots=True)
class NumberRefused(Happening):
    """A number may not be called, or nobody can pay for it."""

    type = "number_refused"
    words = "number refused"
    number: str
    reason: str


# The outgoing call


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


# The end


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
