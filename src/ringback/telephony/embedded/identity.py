"""Who calls and who is shown: the headers of telephone identity (RFC 3323, 3325, 5806, 8224)."""

from __future__ import annotations

import re

from ringback.clock import Instant
from ringback.config import Trunk
from ringback.sip.dialog import sip_uri
from ringback.sip.errors import SipError
from ringback.sip.message import Request
from ringback.sip.transaction import Address
from ringback.sip.uri import NameAddr, SipUri
from ringback.telephony.port import Shown, Trigger

_NUMBER = re.compile(r"\+?[0-9]{2,20}")
_VERSTAT = re.compile(r"verstat=([A-Za-z-]{1,40})")
_LONGEST_NAME = 80
ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'


def read_trigger(request: Request, trunk: Trunk, now: Instant) -> Trigger:
    """What a trigger call says of itself."""
    asserted = _address(request, "p-asserted-identity") if trunk.trust_pai else None
    sender = asserted or request.from_
    number = _number(sender)
    privacy = {word for value in request.headers.all("privacy") for word in value.split(";")}
    hidden = bool({"id", "user"} & {word.strip().lower() for word in privacy})
    name = (sender.display or "").strip()[:_LONGEST_NAME] or None
    return Trigger(
        trunk=trunk.name,
        called=_called(request, trunk),
        caller=number,
        caller_name=name,
        hidden=hidden or number is None,
        diverted_by=_diverted_by(request),
        verification=_verification(request) if trunk.trust_pai else None,
        at=now,
    )


def _called(request: Request, trunk: Trunk) -> str:
    if trunk.called_from == "to":
        return request.to.uri.number
    if trunk.called_from == "p_called_party_id":
        called = _address(request, "p-called-party-id")
        if called is not None:
            return called.uri.number
    return request.target.number


def _number(address: NameAddr) -> str | None:
    """The number of an address, None where it has none or is anonymous."""
    number = address.uri.number
    if address.uri.host.endswith("anonymous.invalid") or not _NUMBER.fullmatch(number):
        return None
    return number


def _address(request: Request, header: str) -> NameAddr | None:
    """The first value that has a number, of a header that may have a sip: and a tel: one."""
    for value in request.headers.all(header):
        try:
            address = NameAddr.parse(value)
        except SipError:
            continue
        if _number(address) is not None:
            return address
    return None


def _diverted_by(request: Request) -> str | None:
    diversion = _address(request, "diversion")
    if diversion is not None:
        return diversion.uri.number
    if len(request.headers.all("history-info")) > 1:
        first = _address(request, "history-info")
        return None if first is None else first.uri.number
    return None


def _verification(request: Request) -> str | None:
    """The carrier's word on the caller's number: TN-Validation-Passed and its like (3GPP
    24.229)."""
    for header in ("p-asserted-identity", "from"):
        match = _VERSTAT.search(request.headers.get(header) or "")
        if match is not None:
            word = match[1].lower()
            if word.startswith("tn-validation-passed"):
                return "passed"
            return "failed" if word.startswith("tn-validation-failed") else word
    return None


def sender_headers(
    shown: Shown, trunk: Trunk, public: Address
) -> tuple[NameAddr, list[tuple[str, str]]]:
    """From, and what else says who calls, in the way that the trunk wants it."""
    if shown.number is None:
        return NameAddr.parse(ANONYMOUS), [("privacy", "id")]
    uri = SipUri.parse(sip_uri(shown.number, *public))
    sender = NameAddr(uri, _printable(shown.name))
    if trunk.show_in == "p_asserted_identity":
        return sender, [("p-asserted-identity", str(sender))]
    if trunk.show_in == "p_preferred_identity":
        return sender, [("p-preferred-identity", str(sender))]
    return sender, []


def _printable(name: str | None) -> str | None:
    """A name that can stand in a header: it may have come from a stranger's phone."""
    if name is None:
        return None
    return "".join(letter for letter in name if letter.isprintable())[:_LONGEST_NAME] or None
