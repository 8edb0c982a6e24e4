"""Who calls and who is shown: the headers of telephone identity (RFC 3323, 3325, 5806, 8224)."""

from __future__ import annotations

import re

from ringback.clock import Instant
from ringback.sip.errors import SipError
from ringback.sip.hop import Hop
from ringback.sip.message import Request
from ringback.sip.uri import NameAddr, SipUri, parse_params, sip_uri
from ringback.telephony.port import Shown, Trigger
from ringback.telephony.trunks import Trunk

_NUMBER = re.compile(r"\+?[0-9]{2,20}")
_VERSTAT = re.compile(r"[A-Za-z-]{1,40}")
_LONGEST_NAME = 80
_UNKNOWN = "unknown"
"""Stands for a diverter that gives no number."""
ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'


def read_trigger(request: Request, trunk: Trunk, now: Instant) -> Trigger:
    """What a trigger call says of itself."""
    sender = _sender(request, trunk)
    number = _number(sender)
    privacy = {word for value in request.headers.all("privacy") for word in value.split(";")}
    hidden = bool({"id", "user"} & {word.strip().lower() for word in privacy})
    return Trigger(
        trunk=trunk.name,
        called=_called(request, trunk),
        caller=number,
        caller_name=_printable(sender.display),
        hidden=hidden or number is None,
        diverted_by=_diverted_by(request),
        verification=_verification(request) if trunk.trust_pai else None,
        at=now,
    )


def _sender(request: Request, trunk: Trunk) -> NameAddr:
    """Who calls: whom a trusted trunk asserts, else From. An assertion without a number stands,
    too: the From beside it is what the caller's own equipment wrote."""
    asserted = _addresses(request, "p-asserted-identity") if trunk.trust_pai else []
    numbered = [address for address in asserted if _number(address) is not None]
    return next(iter(numbered or asserted), request.from_)


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
    if address.uri.host.lower().endswith("anonymous.invalid") or not _NUMBER.fullmatch(number):
        return None
    return number


def _addresses(request: Request, header: str) -> list[NameAddr]:
    """The values that can be read."""
    found = []
    for value in request.headers.all(header):
        try:
            found.append(NameAddr.parse(value))
        except SipError:
            continue
    return found


def _address(request: Request, header: str) -> NameAddr | None:
    """The first value that has a number, of a header that may have a sip: and a tel: one."""
    numbered = (found for found in _addresses(request, header) if _number(found) is not None)
    return next(numbered, None)


def _diverted_by(request: Request) -> str | None:
    """The last diverter, which is the topmost (RFC 5806): one without a number is one, too."""
    if request.headers.get("diversion") is not None:
        diversions = _addresses(request, "diversion")
        return (diversions[0].uri.number if diversions else "") or _UNKNOWN
    if len(request.headers.all("history-info")) > 1:
        first = _address(request, "history-info")
        return _UNKNOWN if first is None else first.uri.number
    return None


def _verification(request: Request) -> str | None:
    """The carrier's word on the caller's number: TN-Validation-Passed and its like (3GPP 24.229,
    section 7.2A.20). It is a parameter: whatever a display name says is the caller's own word."""
    for header in ("p-asserted-identity", "from"):
        for address in _addresses(request, header):
            verstat = _params(address).get("verstat") or ""
            if _VERSTAT.fullmatch(verstat):
                word = verstat.lower()
                if word.startswith("tn-validation-passed"):
                    return "passed"
                return "failed" if word.startswith("tn-validation-failed") else word
    return None


def _params(address: NameAddr) -> dict[str, str | None]:
    """The parameters of the number, of the URI and of the header, the foremost first."""
    of_number = parse_params((address.uri.user or "").partition(";")[2])
    return {**address.params, **address.uri.params, **of_number}


def sender_headers(
    shown: Shown, trunk: Trunk, public: Hop
) -> tuple[NameAddr, list[tuple[str, str]]]:
    """From, and what else says who calls, in the way that the trunk wants it."""
    at = (trunk.host, 5060) if trunk.from_host == "domain" else (public.host, public.port)
    account = trunk.user if trunk.from_user == "user" else None
    if shown.number is None:
        # A carrier that knows us by From must find us there: then Privacy alone hides the number.
        hidden = ANONYMOUS if account is None else f'"Anonymous" <{sip_uri(account, *at)}>'
        return NameAddr.parse(hidden), [("privacy", "id")]
    name = _printable(shown.name)
    identity = NameAddr(SipUri.parse(sip_uri(shown.number, *at)), name)
    sender = identity
    if account is not None:
        sender = NameAddr(SipUri.parse(sip_uri(account, *at)), name)
    if trunk.show_in == "p_asserted_identity":
        return sender, [("p-asserted-identity", str(identity))]
    if trunk.show_in == "p_preferred_identity":
        return sender, [("p-preferred-identity", str(identity))]
    return sender, []


def _printable(name: str | None) -> str | None:
    """A name that can be stored, shown and sent: it may have come from a stranger's phone. (What
    was no UTF-8 is not printable either.)"""
    if name is None:
        return None
    printable = "".join(letter for letter in name if letter.isprintable())
    return printable.strip()[:_LONGEST_NAME] or None
