"""What may be said of a trunk and of a route, by the names of section 11 of the spec.

What is left out stays as it is; `null` is none or the default. So an entry alone can only be
checked field by field: whether it makes sense is judged on the result (`contradictions`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from ringback.countries import Country
from ringback.faults import Check, Fault, Section, form, not_empty, whole
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


def _once_each(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError("names a trunk twice")
    return names


Digits = Annotated[str, form("[0-9]{0,15}", "digits")]
Line = Annotated[str, form(r"[^\x00-\x1f\x7f]{1,200}", "a text of 1 to 200 characters in one line")]
Source = Annotated[
    str, Check(_source, {"pattern": whole(r"[0-9]{1,3}([.][0-9]{1,3}){3}(/[0-9.]{1,15})?")})
]
NotYet = Annotated[bool, Check(_not_yet, {"const": False})]


class FormEntry(Section):
    """How numbers are written."""

    country: Country | None = None
    """A country of ISO 3166: a number without `+` is read as it is dialled there; `null`: it has
    its country code."""
    strip: int | None = Field(None, ge=0, le=15)
    """How many leading digits a number that goes out loses; needs `country`. By default 0."""
    prepend: Digits | None = None
    """Digits that are put before the rest. By default none."""
    plus: bool | None = None
    """Whether a number that goes out has its `+`; not with `strip` or `prepend`. By default
    true."""


class TrunkEntry(FormEntry):
    """What is said of one trunk."""

    name: Line
    """By which routes name it."""
    preset: Annotated[str, Check(_preset, {"enum": list(PRESETS)})] | None = None
    """A carrier that Ringback knows: what is not said here is as the carrier documents it."""
    host: Host | None = None
    """An IPv4 address or a name. Required unless the preset has one."""
    port: int | None = Field(None, ge=1, le=65535)
    """By default 5060."""
    transport: Annotated[TransportName, Check(_udp, {"const": "udp"})] | None = None
    """By default `udp`, the only one of this version."""
    register_: bool | None = Field(None, alias="register")
    """Whether to register with it; needs `user` and `password`. By default false."""
    user: Line | None = None
    """For digest authentication or, without a password, for From only."""
    password: Line | None = Field(None, repr=False)
    """For digest authentication. It is encrypted in the database, and not shown again."""
    sources: tuple[Source, ...] | None = None
    """IPv4 addresses or networks that calls may come from, besides those of `host`."""
    codecs: Annotated[tuple[Codec, ...], not_empty] | None = None
    """The preferred one first. By default `[PCMA, PCMU]`."""
    channels: int | None = Field(None, ge=1)
    """The most calls at once. By default no limit."""
    trust_pai: bool | None = None
    """Whether its P-Asserted-Identity and verstat are believed. By default false."""
    called_from: CalledFrom | None = None
    """Where the number called is read. By default `request_uri`."""
    show_in: ShowIn | None = None
    """Where the number shown stands. By default `from`."""
    from_user: FromUser | None = None
    """What stands before the @ of From: the number shown, or the trunk's `user`. By default
    `number`."""
    from_host: FromHost | None = None
    """What stands after the @: our own address, or the `host` of the trunk. By default
    `address`."""
    foreign_numbers: bool | None = None
    """Whether it takes numbers shown that are not access numbers of ours. By default true."""
    shown_prefixes: tuple[Prefix, ...] | None = None
    """Leading digits of the numbers shown that it takes. By default all."""
    called: FormEntry | None = None
    """How numbers that it is given to dial, and that callers rang, are written, where that
    differs."""
    caller: FormEntry | None = None
    """How callers' numbers that it sends are written, where that differs."""
    shown: FormEntry | None = None
    """How numbers shown are written, where that differs."""
    cost_plan: Line | None = None
    """The name of one of the server administrator's plans, by which the cost of calls over it is
    recorded."""
    media_anywhere: bool | None = None
    """Whether sound is also taken from addresses that signalling did not name. By default
    false."""
    srtp: NotYet | None = None
    """This version cannot do it."""
    direct_media: NotYet | None = None
    """This version cannot do it."""


class RouteEntry(Section):
    """What is said of one route."""

    prefix: AnyPrefix = ""
    """Leading digits of numbers, with country code and without `+`; `""` is every number. The
    longest that matches decides."""
    trunks: (
        Annotated[
            tuple[str, ...],
            not_empty,
            Check(_once_each, {"uniqueItems": True}),
        ]
        | None
    ) = None
    """Trunks by name, in the order in which they are tried. Required for a new route."""
    weights: tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...] | None = None
    """One number for each trunk: the order is drawn by chance with these weights."""


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
