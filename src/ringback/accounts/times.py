"""Dates and times, as files write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from ringback.charging import decks
from ringback.clock import utc_text
from ringback.faults import whole

_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = "[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?"
_FORM_OF_DATE = re.compile(_DATE, re.ASCII)
_FORM_OF_MOMENT = re.compile(f"{_DATE}([T ]{_TIME})?", re.ASCII)


def _date(value: object) -> object:
    if isinstance(value, date):
        return value
    try:
        text = value if isinstance(value, str) and _FORM_OF_DATE.fullmatch(value) else ""
        return date.fromisoformat(text)
    except ValueError as error:
        raise ValueError('write a date, such as "2026-12-25"') from error


def _instant(value: object) -> object:
    if value is None:
        return None
    try:
        text = value if isinstance(value, str) and _FORM_OF_MOMENT.fullmatch(value) else ""
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("write a date or a time, such as 2026-12-31, or null") from error
    return decks.instant_of(read if read.tzinfo is not None else read.replace(tzinfo=UTC))


def _written(instant: float | None) -> str | None:
    return None if instant is None else utc_text(instant)


Date = Annotated[date, BeforeValidator(_date)]
When = Annotated[
    float | None,
    BeforeValidator(_instant),
    PlainSerializer(_written, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": whole(_FORM_OF_MOMENT.pattern)},
                {"type": "null"},
            ],
            "examples": ["2026-12-31", "2026-12-31T18:00:00Z"],
        }
    ),
]
"""A date or a time; without a zone it is UTC."""
