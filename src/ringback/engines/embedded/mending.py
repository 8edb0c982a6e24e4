"""What an operator can do about calls that are refused with a status of SIP."""

from __future__ import annotations

import re
from collections.abc import Mapping

BAD_REQUEST = 400

_MENDING: Mapping[int, str] = {
    BAD_REQUEST: "the INVITE is no correct SIP: have the trunk's operator look at a trace of it",
    406: "have the trunk accept application/sdp",
    413: "the INVITE is too large: have the trunk leave out what a call does not need",
    415: "have the trunk offer its sound as application/sdp",
    416: "have the trunk call a sip:, sips: or tel: address",
    420: "have the trunk leave these out of Require",
    422: "have the trunk ask for session timers of 90 s or more",
    482: "the call came twice, by two ways: see that the trunk sends it by one",
    503: "too many calls at a time, or the server is starting or stopping: they can be tried again",
    505: "have the trunk speak SIP/2.0",
}
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


def mending(status: int) -> str:
    """What to do about it."""
    return _MENDING.get(status, "see what the trunk sends with a trace of its SIP")


def kind_of(why: str) -> str:
    """A reason without what is quoted in it, which whoever sends the calls may vary."""
    return _QUOTED.sub("", why)
