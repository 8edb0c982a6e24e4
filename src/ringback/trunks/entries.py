"""What may be said of a trunk and of a route, by the names of section 11 of the spec.

What is left out stays as it is; `null` is none or the default. So an entry alone can only be
checked field by field: whether it makes sense is judged on the result (`contradictions`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator

from ringback.countries import Country
from ringback.faults import Fault, Section, form, not_empty
from ringback.hosts import Host
from ringback.prefixes import AnyPrefix, Prefix
from ringback.telephony.trunks import (
    CalledFrom,
    Codec,
    FromHost,
    FromUser,
    ShowIn,
    TransportName,
)
from ringback.trunks.presets import PRESETS


def _not_yet(value: bool) -> bool:
    if value:
        raise ValueError("this version cannot do it: leave it out")
    return value


def _udp(transport: str) -> str:
    if transport != "udp":
        raise ValueError(f'this version speaks SIP over "udp" only, not "{transport}"')
    return transport


def _source(text: str) -> str:
    try:
        ipaddress.IPv4Network(text)
    except ValueError as error:
        raise ValueError(
            f"{error}: write IPv4 addresses or networks, such as 192.0.2.7 or 192.0.2.0/24"
        ) from error
    return text


def _preset(name: str) -> str:
    if name not in PRESETS:
        raise ValueError(f"there is no such preset: write one of {', '.join(PRESETS)}")
    return name


Digits = Annotated[str, form("[0-9]{0,15}", "digits")]
Line = Annotated[str, form(r"[^\x00-\x1f\x7f]{1,200}", "a text of 1 to 200 characters in one line")]
NotYet = Annotated[bool, AfterValidator(_not_yet)]


class FormEntry(Section):
    """How numbers are written."""

    country: Country | None = None
    strip: int | None = Field(None, ge=0, le=15)
    prepend: Digits | None = None
    plus: bool | None = None


class TrunkEntry(FormEntry):
    """What is said of one trunk."""

    name: Line
    preset: Annotated[str, AfterValidator(_preset)] | None = None
    host: Host | None = None
    port: int | None = Field(None, ge=1, le=65535)
    transport: Annotated[TransportName, AfterValidator(_udp)] | None = None
    register_: bool | None = Field(None, alias="register")
    user: Line | None = None
    password: Line | None = Field(None, repr=False)
    sources: tuple[Annotated[str, AfterValidator(_source)], ...] | None = None
    codecs: Annotated[tuple[Codec, ...], AfterValidator(not_empty)] | None = None
    channels: int | None = Field(None, ge=1)
    trust_pai: bool | None = None
    called_from: CalledFrom | None = None
    show_in: ShowIn | None = None
    from_user: FromUser | None = None
    from_host: FromHost | None = None
    foreign_numbers: bool | None = None
    shown_prefixes: tuple[Prefix, ...] | None = None
    called: FormEntry | None = None
    caller: FormEntry | None = None
    shown: FormEntry | None = None
    cost_plan: Line | None = None
    """The name of one of the server administrator's plans."""
    media_anywhere: bool | None = None
    srtp: NotYet | None = None
    direct_media: NotYet | None = None


class RouteEntry(Section):
    """What is said of one route."""

    prefix: AnyPrefix = ""
    trunks: Annotated[tuple[str, ...], AfterValidator(not_empty)] | None = None
    weights: tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...] | None = None

    @field_validator("trunks")
    @classmethod
    def _once_each(cls, trunks: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if trunks is not None and len(set(trunks)) != len(trunks):
            raise ValueError("names a trunk twice")
        return trunks


def contradictions(settings: Mapping[str, Any], *, has_password: bool) -> list[Fault]:
    """What does not go together in a trunk with these settings, those of its preset included."""
    found = []
    user = settings.get("user")
    if settings.get("host") is None:
        found.append(Fault(("host",), "is required"))
    in_from = settings.get("from_user") == "user"
    if settings.get("register") and (user is None or not has_password):
        found.append(Fault(("register",), "needs user and password"))
    if user is None and has_password:
        found.append(Fault(("user",), "user and password go together"))
    if user is not None and not has_password and not in_from:
        found.append(
            Fault(
                ("password",),
                "user and password go together, unless the user is for From only: see from_user",
            )
        )
    if in_from:
        if user is None:
            found.append(Fault(("from_user",), "user needs the trunk's user"))
        if settings.get("show_in", "from") == "from":
            found.append(
                Fault(
                    ("from_user",),
                    "with user, From has no place for the number shown: set show_in to "
                    "p_asserted_identity or p_preferred_identity",
                )
            )
    for part in (None, "called", "caller", "shown"):
        if part is None or part in settings:
            found += _form_faults(number_form(settings, part), () if part is None else (part,))
    return found


def number_form(settings: Mapping[str, Any], part: str | None) -> dict[str, Any]:
    """How numbers of one kind are written: `called`, `caller` or `shown`, or those that are not
    written apart."""
    own = settings.get(part, {}) if part is not None else {}
    names = ("country", "strip", "prepend", "plus")
    found = {name: own.get(name, settings.get(name)) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _form_faults(form: Mapping[str, Any], where: tuple[str, ...]) -> list[Fault]:
    found = []
    strip, prepend = form.get("strip", 0), form.get("prepend", "")
    if strip and form.get("country") is None:
        found.append(Fault((*where, "strip"), "needs country, whose numbers are to be shortened"))
    if form.get("plus", True) and (strip or prepend):
        found.append(
            Fault(
                (*where, "plus"),
                "only whole numbers have one: with strip or prepend set it false",
            )
        )
    return found
