"""For the verbs and reads of extensions and access numbers, arguments to call them with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from zlib import crc32

from ringback.accounts import numbers
from ringback.management import places
from ringback.management.extensions import extensions
from ringback.management.places import Kind
from ringback.management.verbs import Act

Arguments = Mapping[str, Any]
AtSample = Callable[[Act, str], tuple[str, Arguments]]


def add_extension(act: Act, place_id: str, name: str = "sample") -> str:
    """An extension of an account; an extension is its own."""
    if places.of_extension(act.tx, place_id) is not None:
        return place_id
    made: str = extensions.create(act, place_id, values={"name": name}).value
    return made


def _extension(**arguments: Any) -> AtSample:
    return lambda act, place_id: (add_extension(act, place_id), arguments)


def add_number(act: Act, place_id: str, number: str | None = None) -> str:
    """An access number that an account or, as a row, an extension holds; if none is named, one of
    its own."""
    number = number or f"+4420{crc32(place_id.encode()) % 10**8:08}"
    numbers.add(act.tx, number, place_id)
    return number


def _number(**arguments: Any) -> AtSample:
    return lambda act, place_id: (add_number(act, place_id), arguments)


def _handed(act: Act, place_id: str) -> tuple[str, Arguments]:
    place = places.of_id(act.tx, place_id)
    assert place is not None
    account = place.chain[0 if place.kind is Kind.ACCOUNT else 1]
    return add_number(act, place_id), {"account_id": account}


_CALLBACK: Mapping[str, Any] = {
    "ring_seconds": 8,
    "return_calls": "caller",
    "fixed_number": None,
    "disconnect_sound": "/bye.wav",
    "dial_within_seconds": 40,
    "password": None,
    "require_caller_pin": True,
    "credit_menu": True,
    "caller_id_name": {"set_by": "equipment"},
    "caller_id_number": {"set_by": "equipment"},
    "early_hangup": "call_back",
    "min_ring_seconds": 2,
    "reject_with": "decline",
    "callback_delay_seconds": 4,
    "answer_timeout_seconds": 30,
    "attempts": 3,
    "retry_after_seconds": 90,
    "request_expires_seconds": 900,
    "accept_prompt": "always",
    "pin_attempts": 4,
    "announce_duration": False,
    "minimum_credit": "1.00",
    "no_credit_sound": "/empty.wav",
    "warn_before_end_seconds": 30,
    "calls_per_session": 5,
    "max_call_seconds": 3600,
    "language": "en",
    "hours": [{"days": ["mon"], "from": "08:00", "to": "18:00"}],
    "closed": ["2027-12-25"],
    "caller_verification": "prefer",
    "open_to_anyone": True,
}


def _list(act: Act, place_id: str) -> tuple[str, Arguments]:
    return place_id, {}


def of(account: Mapping[str, Any]) -> dict[str, AtSample]:
    """`account`: fields that every account has."""
    new = {"number": "+442071838750", "destination": "+442079460000"}
    extension = {
        **account,
        "balance": "5.00",
        "access_numbers": [],
        "callback": {"ring_seconds": 8},
    }
    return {
        "callback.change": _extension(values=_CALLBACK),
        "callback.get": _extension(),
        "extension.change": _extension(values={"access_numbers": []}),
        "extension.create": lambda act, place_id: (place_id, {"values": extension}),
        "extension.get": _extension(),
        "extension.list": _list,
        "number.add": lambda act, place_id: (place_id, {"values": new}),
        "number.change": _number(values={"destination": "+442079460000"}),
        "number.hand": _handed,
        "number.lead": _number(extension_id=None),
        "number.list": _list,
        "number.remove": _number(),
    }
