"""From a SIP answer to how a leg ended (spec section 5). Pure, and shared by the engines."""

from __future__ import annotations

from ringback.telephony.port import Cause, Outcome

_OF_STATUS = {
    486: Outcome.BUSY,
    600: Outcome.BUSY,
    480: Outcome.NO_ANSWER,
    603: Outcome.REJECTED,
    607: Outcome.REJECTED,
    608: Outcome.REJECTED,
    404: Outcome.UNALLOCATED,
    410: Outcome.UNALLOCATED,
    484: Outcome.UNALLOCATED,
    604: Outcome.UNALLOCATED,
}
_OF_Q850 = {
    1: Outcome.UNALLOCATED,  # unallocated number
    17: Outcome.BUSY,  # user busy
    18: Outcome.NO_ANSWER,  # no user responding
    19: Outcome.NO_ANSWER,  # no answer from the user
    20: Outcome.NO_ANSWER,  # subscriber absent
    21: Outcome.REJECTED,  # call rejected
    22: Outcome.UNALLOCATED,  # number changed
    28: Outcome.UNALLOCATED,  # invalid number format
    34: Outcome.FAILED,  # no circuit available
    38: Outcome.FAILED,  # network out of order
    41: Outcome.FAILED,  # temporary failure
    42: Outcome.FAILED,  # congestion
}
_TRY_ANOTHER = frozenset({408, 403, 488})


def failure(
    status: int | None, *, rang: bool, q850: int | None = None, challenged_twice: bool = False
) -> Cause:
    """The cause of a call that was not answered: `status` is that of its final answer, None where
    none came; `rang` whether a 180 or 183 had come before."""
    outcome = _OF_Q850.get(q850 or 0) or _OF_STATUS.get(status or 0)
    if outcome is None:
        outcome = Outcome.NO_ANSWER if status == 408 and rang else Outcome.FAILED
    server_fault = status is None or status in _TRY_ANOTHER or 500 <= status <= 599
    return Cause(outcome, status, trunk_failed=not rang and (server_fault or challenged_twice))
