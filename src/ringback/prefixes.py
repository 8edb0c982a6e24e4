"""Leading digits of numbers, as files name them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from ringback.faults import form


def without_plus(value: object) -> object:
    return value.removeprefix("+") if isinstance(value, str) else value


Digits = Annotated[str, form("[0-9]{0,15}", "digits")]
Prefix = Annotated[
    str,
    BeforeValidator(without_plus),
    form("[0-9]{1,15}", 'the leading digits of numbers with their country code, such as "44"'),
]
