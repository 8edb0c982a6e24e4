"""How a session ended, in one word (spec section 4, "Outcome")."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ringback.telephony.port import Cause


class Stage(StrEnum):
    """Where in a session something happened."""

    TRIGGER = "trigger"
    RETURN = "return"
    AUTHENTICATE = "authenticate"
    MENU = "menu"
    NUMBER = "number"
    OUTGOING = "outgoing"
    CONVERSATION = "conversation"


class Outcome(StrEnum):
    ABANDONED = "abandoned"
    REFUSED_UNLISTED = "refused_unlisted"
    REFUSED_HIDDEN = "refused_hidden"
    REFUSED_DISABLED = "refused_disabled"
    REFUSED_LOCKED_OUT = "refused_locked_out"
    REFUSED_NO_CREDIT = "refused_no_credit"
    REFUSED_NO_RATE = "refused_no_rate"
    REFUSED_FORBIDDEN_NUMBER = "refused_forbidden_number"
    REFUSED_DUPLICATE = "refused_duplicate"
    REFUSED_OVER_LIMIT = "refused_over_limit"
    REFUSED_UNVERIFIED = "refused_unverified"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    FAILED = "failed"
    NO_CREDIT = "no_credit"
    ENDED = "ended"
    INTERRUPTED = "interrupted"
    CUT_OFF = "cut_off"
    COMPLETED = "completed"
    NOT_ACCEPTED = "not_accepted"
    WRONG_PASSWORD = "wrong_password"
    LOCKED_OUT = "locked_out"
    NO_RATE = "no_rate"
    FORBIDDEN_NUMBER = "forbidden_number"
    HUNG_UP = "hung_up"
    NO_NUMBER_DIALLED = "no_number_dialled"


_OF_A_LEG = {
    Cause.BUSY: Outcome.BUSY,
    Cause.NO_ANSWER: Outcome.NO_ANSWER,
    Cause.CANCELLED: Outcome.NO_ANSWER,  # we withdrew it when it had rung long enough
    Cause.REJECTED: Outcome.REJECTED,
}


FINAL = frozenset({Cause.REJECTED, Cause.UNALLOCATED})
"""After these a return call is not made again."""


def of_unanswered(cause: Cause) -> Outcome:
    """What an unanswered leg met: `busy`, `no_answer`, `rejected` or `failed`."""
    return _OF_A_LEG.get(cause, Outcome.FAILED)


@dataclass(slots=True)
class Course:
    """What has happened to a session whose return call was answered."""

    ended_by_order: bool = False
    """By panel, API or shutdown."""
    interrupted: bool = False
    """Crash, media or refresh lost."""
    talked: bool = False
    """A leg B was answered, whatever came after."""
    cut_off: bool = False
    """Ringback ended the conversation that was the last."""
    fault: Outcome | None = None
    """The last of what kept the caller from a conversation."""
    hung_up: bool = False
    """Leg A left."""


def of_answered(course: Course) -> Outcome:
    """The outcome of a session whose return call was answered: the first that fits."""
    if course.ended_by_order:
        return Outcome.ENDED
    if course.interrupted:
        return Outcome.INTERRUPTED
    if course.talked:
        return Outcome.CUT_OFF if course.cut_off else Outcome.COMPLETED
    if course.fault is not None:
        return course.fault
    return Outcome.HUNG_UP if course.hung_up else Outcome.NO_NUMBER_DIALLED
