"""The telephone number in a URI, with the context in which it is to be understood (RFC 3966 section
5.1.5): `tel:15123456789;phone-context=+49`, or the same in the user part of a sip: URI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from ringback.sip.uri import SipUri, parse_params

_DIGITS = re.compile(r"\+?[0-9]{2,20}", re.ASCII)
_GLOBAL = re.compile(r"\+[0-9]{1,15}", re.ASCII)
_SEPARATORS = re.compile(r"[-.()]")
_LONGEST = 64


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """What stands in a URI."""

    text: str
    """The number, with its context applied if that is a global one; empty where it is none."""
    received: str
    """The same as it came."""
    fault: str | None = None
    """Why it is no number that may be dialled."""


def phone_number(uri: SipUri, header_params: Mapping[str, str | None]) -> PhoneNumber:
    """The number of a URI; `header_params` are those beside it in its header.

    A local number means nothing outside of its context. One of a context that is no global number,
    such as the name of a domain, must not be dialled by who does not know that (RFC 3966).
    """
    number = uri.number
    shown = number if uri.is_telephone else str(uri)
    if not _DIGITS.fullmatch(number):
        return PhoneNumber("", shown[:_LONGEST], f"{shown[:_LONGEST]!r} is no number")
    context = _context(uri, header_params)
    if context is None or number.startswith("+"):
        return PhoneNumber(number, number)
    received = f"{number};phone-context={context}"[:_LONGEST]
    if _GLOBAL.fullmatch(context):
        return PhoneNumber(context + number, received)
    return PhoneNumber(number, received, f"{received!r} is a number of a private context")


def _context(uri: SipUri, header_params: Mapping[str, str | None]) -> str | None:
    """The foremost of the contexts of the number, of the URI and of the header."""
    of_number = parse_params((uri.user or "").partition(";")[2])
    for params in (of_number, uri.params, header_params):
        if "phone-context" in params:
            context = unquote(params["phone-context"] or "").strip()
            return _SEPARATORS.sub("", context) if context.startswith("+") else context
    return None
