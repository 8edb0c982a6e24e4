"""Who calls and who is shown: the headers of telephone identity (RFC 3323, 3325, 5806, 8224).

A number that is asserted for the caller goes before what the caller's own equipment wrote in From,
also where it cannot be read; a verdict on a number counts for that number only (spec section 5).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ringback.clock import Instant
from ringback.engines.embedded.telnumber import phone_number
from ringback.numbering import NumberForm
from ringback.sip.errors import SipError
from ringback.sip.hop import Hop
from ringback.sip.message import Request
from ringback.sip.uri import NameAddr, SipUri, sip_uri
from ringback.telephony.calling import HIDDEN, CallingNumber, read_calling, unreadable
from ringback.telephony.port import Shown, Trigger
from ringback.telephony.trunks import Trunk

READ = (
    *("from", "to", "privacy", "p-asserted-identity", "p-called-party-id", "diversion"),
    "history-info",
)
"""All headers of which `read_trigger` reads any."""
# Matches at every quote, also where the text has no end: otherwise each would be tried to the end.
_QUOTED = re.compile(r'"(?P<text>(?:[^"\\]|\\.?)*+)(?P<end>"?)', re.DOTALL)
_WORD = re.compile(r"[A-Za-z-]+")
_VERSTAT = re.compile(r";\s*verstat\s*=\s*([^;>,\s@]*)", re.IGNORECASE)
LONGEST_NAME = 80
"""Characters of a name that is shown; the rest is left out."""
_UNKNOWN = "unknown"
"""Stands for a diverter that gives no number."""
_WITHHELD = frozenset(("anonymous", "private", "restricted", "unavailable", "unknown", "withheld"))
"""User parts that stand for a number which is not told."""
ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'


def read_trigger(request: Request, trunk: Trunk, now: Instant) -> Trigger:
    """What a trigger call says of itself."""
    sender = [_Identity.read(value, trunk.caller) for value in request.headers.all("from")]
    asserted = _asserted(request, trunk)
    who = _one_of(sender if asserted is None else asserted)
    privacy = {word for value in request.headers.all("privacy") for word in value.split(";")}
    hidden = bool({"id", "user"} & {word.strip().lower() for word in privacy})
    said = [*(asserted or ()), *sender]
    return Trigger(
        trunk=trunk.name,
        called=_called(request, trunk),
        calling=HIDDEN if hidden else who.calling,
        caller_name=_printable(who.display),
        diverted_by=_diverted_by(request),
        verification=_verification(said, who.calling) if trunk.trust_pai else None,
        at=now,
    )


@dataclass(frozen=True, slots=True)
class _Identity:
    """What one header value says of the caller."""

    calling: CallingNumber
    display: str | None = None
    verdicts: tuple[str, ...] = ()
    """The words of `verstat` that stand on it."""

    @classmethod
    def read(cls, value: str, form: NumberForm) -> _Identity:
        verdicts = tuple(_VERSTAT.findall(_address_part(value)))
        try:
            address = NameAddr.parse(value)
        except SipError:
            calling = unreadable(value, f"the address {value[:60]!r} cannot be read")
            return cls(calling, None, verdicts)
        return cls(_calling(address, form), address.display, verdicts)


def _address_part(value: str) -> str:
    """A value without its display name, which the caller chooses."""
    bare = _QUOTED.sub(_word_of, value)
    return bare[bare.find("<") + 1 :]


def _word_of(quoted: re.Match[str]) -> str:
    """What remains of a quoted text: a word, such as a verdict may be."""
    if not quoted["end"]:
        return quoted[0]
    return quoted["text"] if _WORD.fullmatch(quoted["text"]) else ""


def _calling(address: NameAddr, form: NumberForm) -> CallingNumber:
    uri = address.uri
    host = uri.host.lower().rstrip(".")
    if uri.is_telephone and (not uri.number or host.endswith(".invalid")):
        return HIDDEN  # RFC 3323 section 4.1.1.3; 3GPP has unknown.invalid
    if uri.number.lower() in _WITHHELD:
        return HIDDEN
    number = phone_number(uri, address.params)
    if number.fault is not None:
        return unreadable(number.received, number.fault)
    read = read_calling(number.text, form)
    return replace(read, received=number.received)


def _asserted(request: Request, trunk: Trunk) -> list[_Identity] | None:
    """What a trusted trunk asserts; None where it asserts nothing. Once there is an assertion, From
    does not take its place: it is what the caller's own equipment wrote."""
    if not trunk.trust_pai or request.headers.get("p-asserted-identity") is None:
        return None
    values = request.headers.all("p-asserted-identity")
    return [_Identity.read(value, trunk.caller) for value in values]


def _one_of(found: Sequence[_Identity]) -> _Identity:
    """The caller among several identities, such as a sip: and a tel: URI (RFC 3325 section 9.1).
    Two that name different numbers contradict each other, so that nobody can be believed."""
    read = [each for each in found if each.calling.e164 is not None]
    sure = [each for each in read if each.calling.fault is None] or read
    numbers = list(dict.fromkeys(each.calling.e164 for each in sure))
    if len(numbers) > 1:
        two = " and ".join(map(str, numbers[:2]))
        return _Identity(unreadable(two, f"{two} are asserted at a time"))
    told = [each for each in found if not each.calling.hidden]
    return next(iter(sure or told or found), _Identity(HIDDEN))


def _verification(said: Iterable[_Identity], calling: CallingNumber) -> str | None:
    """The carrier's word on this very number: TN-Validation-Passed and its like (3GPP 24.229,
    section 7.2A.20). Of several the worst counts: a caller may have written the others."""
    words = {
        _verdict(word)
        for each in said
        if each.calling == calling or (calling.e164 and each.calling.e164 == calling.e164)
        for word in each.verdicts
    }
    worst = [word for word in sorted(words) if word != "passed"]
    return "failed" if "failed" in words else next(iter([*worst, *words]), None)


def _verdict(word: str) -> str:
    word = word.lower()
    if word.startswith("tn-validation-passed"):
        return "passed"
    return "failed" if word.startswith("tn-validation-failed") else word[:40]


def _called(request: Request, trunk: Trunk) -> str:
    if trunk.called_from == "to":
        return _dialled(request.to)
    if trunk.called_from == "p_called_party_id":
        called = _address(request, "p-called-party-id")
        if called is not None:
            return _dialled(called)
    return _dialled(NameAddr(request.target))


def _dialled(address: NameAddr) -> str:
    """The number of an address. Where its context is not a global one, it is written as the trunk
    says: it is the network's way of naming us."""
    return phone_number(address.uri, address.params).text or address.uri.number


def _address(request: Request, header: str) -> NameAddr | None:
    """The first value that has a number, of a header that may have a sip: and a tel: one."""
    numbered = (
        found
        for found in request.headers.readable(header, NameAddr.parse)
        if phone_number(found.uri, found.params).text
    )
    return next(numbered, None)


def _diverted_by(request: Request) -> str | None:
    """The last diverter, which is the topmost (RFC 5806): one without a number is one, too."""
    if request.headers.get("diversion") is not None:
        diversions = request.headers.readable("diversion", NameAddr.parse)
        return (_dialled(diversions[0]) if diversions else "") or _UNKNOWN
    if len(request.headers.all("history-info")) > 1:
        first = _address(request, "history-info")
        return _UNKNOWN if first is None else _dialled(first)
    return None


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
    return printable.strip()[:LONGEST_NAME] or None
