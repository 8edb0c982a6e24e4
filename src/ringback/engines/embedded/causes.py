"""Between SIP and the words of the port: how a leg ended (spec section 5), and rejections. Pure."""

from __future__ import annotations

from ringback.telephony.port import Cause, Ending, Rejection

STATUS = {
    Rejection.BUSY: 486,
    Rejection.UNAVAILABLE: 480,
    Rejection.DECLINED: 603,
    Rejection.UNKNOWN_NUMBER: 404,
    Rejection.OUT_OF_SERVICE: 503,
}
"""What a trigger call is rejected with."""

_OF_STATUS = {
    486: Cause.BUSY,
    600: Cause.BUSY,
    480: Cause.NO_ANSWER,
    603: Cause.REJECTED,
    607: Cause.REJECTED,
    608: Cause.REJECTED,
    404: Cause.UNALLOCATED,
    410: Cause.UNALLOCATED,
    484: Cause.UNALLOCATED,
    604: Cause.UNALLOCATED,
}
_OF_Q850 = {
    1: Cause.UNALLOCATED,  # unallocated number
    17: Cause.BUSY,  # user busy
    18: Cause.NO_ANSWER,  # no user responding
    19: Cause.NO_ANSWER,  # no answer from the user
    20: Cause.NO_ANSWER,  # subscriber absent
    21: Cause.REJECTED,  # call rejected
    22: Cause.UNALLOCATED,  # number changed
    28: Cause.UNALLOCATED,  # invalid number format
    34: Cause.FAILED,  # no circuit available
    38: Cause.FAILED,  # network out of order
    41: Cause.FAILED,  # temporary failure
    42: Cause.FAILED,  # congestion
}
_TRY_ANOTHER = frozenset({408, 403, 488})
_TERMINATED = 487
"""The answer to a request that was cancelled (RFC 3261 section 9.2)."""


def unanswered(
    status: int | None,
    *,
    rang: bool = False,
    q850: int | None = None,
    challenged_twice: bool = False,
    withdrawn: bool = False,
) -> Ending:
    """The ending of a call that was not answered: `status` is that of its final answer, None where
    none came; `rang` whether a 180 or 183 had come before; `withdrawn` whether we had given it
    up."""
    if withdrawn and status == _TERMINATED:
        return Ending(Cause.CANCELLED, status, by_us=True)
    cause = _OF_Q850.get(q850 or 0) or _OF_STATUS.get(status or 0)
    if cause is None:
        cause = Cause.NO_ANSWER if status == 408 and rang else Cause.FAILED
    server_fault = status is None or status in _TRY_ANOTHER or 500 <= status <= 599
    return Ending(cause, status, trunk_failed=not rang and (server_fault or challenged_twice))
