"""How a session ended, in one word (spec section 4, "Outcome")."""

from __future__ import annotations

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


class Reason(StrEnum):
    """Why the decision says no, in the order in which it asks (spec section 4, step 2)."""

    SUSPENDED = "suspended"
    HIDDEN = "hidden"
    UNLISTED = "unlisted"
    DISABLED = "disabled"
    UNVERIFIED = "unverified"
    FORBIDDEN_NUMBER = "forbidden_number"
    OUT_OF_HOURS = "out_of_hours"
    LOCKED_OUT = "locked_out"
    DUPLICATE = "duplicate"
    OVER_LIMIT = "over_limit"
    NO_RATE = "no_rate"
    NO_CREDIT = "no_credit"


class Outcome(StrEnum):
    """How a session ended. The reasons of refusal stand twice: a trigger that is refused is
    `refused_...`; without it, the decision before a later leg said no."""

    ABANDONED = "abandoned"
    REFUSED_SUSPENDED = "refused_suspended"
    REFUSED_HIDDEN = "refused_hidden"
    REFUSED_UNLISTED = "refused_unlisted"
    REFUSED_DISABLED = "refused_disabled"
    REFUSED_UNVERIFIED = "refused_unverified"
    REFUSED_FORBIDDEN_NUMBER = "refused_forbidden_number"
    REFUSED_OUT_OF_HOURS = "refused_out_of_hours"
    REFUSED_LOCKED_OUT = "refused_locked_out"
    REFUSED_DUPLICATE = "refused_duplicate"
    REFUSED_OVER_LIMIT = "refused_over_limit"
    REFUSED_NO_RATE = "refused_no_rate"
    REFUSED_NO_CREDIT = "refused_no_credit"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SUSPENDED = "suspended"
    HIDDEN = "hidden"
    UNLISTED = "unlisted"
    DISABLED = "disabled"
    UNVERIFIED = "unverified"
    FORBIDDEN_NUMBER = "forbidden_number"
    OUT_OF_HOURS = "out_of_hours"
    LOCKED_OUT = "locked_out"
    OVER_LIMIT = "over_limit"
    NO_RATE = "no_rate"
    NO_CREDIT = "no_credit"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    FAILED = "failed"
    ENDED = "ended"
    INTERRUPTED = "interrupted"
    CUT_OFF = "cut_off"
    COMPLETED = "completed"
    NOT_ACCEPTED = "not_accepted"
    WRONG_PASSWORD = "wrong_password"
    HUNG_UP = "hung_up"
    NO_NUMBER_DIALLED = "no_number_dialled"


def refused(reason: Reason) -> Outcome:
    """Of a trigger, or a request without one, that was not accepted."""
    return Outcome(f"refused_{reason}")


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
