"""The one error of parsing."""

from __future__ import annotations


class SipError(ValueError):
    """A message, or a part of one, is not SIP as RFC 3261 has it.

    `status` is what a request like that is answered with, `reason` says what is wrong.
    """

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
