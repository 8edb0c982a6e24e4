"""The one error that parsing raises."""

from __future__ import annotations


class SipError(ValueError):
    """A message, or a part of one, is not SIP as RFC 3261 defines it.

    `status` is the answer to a request with this fault; `reason` says what is wrong.
    """

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
