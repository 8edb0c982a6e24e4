"""When calls are returned: weekly hours in the account's time zone, and days that are closed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ringback.accounts.hours import Hours, are_open

LONDON = "Europe/London"
CHRISTMAS = date(2026, 12, 25)  # a Friday


def hours(days: str, from_: str, to: str) -> Hours:
    return Hours.model_validate({"days": tuple(days.split()), "from": from_, "to": to})


def at(text: str, zone: str = LONDON, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


OFFICE = (hours("mon tue", "08:00", "18:00"),)
NIGHT = (hours("fri", "22:00", "02:00"),)


@pytest.mark.parametrize(
    ("week", "when", "expected"),
    [
        ((), "2026-11-26 03:00", True),  # without hours: always
        (OFFICE, "2026-11-23 07:59:59.9", False),  # a Monday
        (OFFICE, "2026-11-23 08:00", True),
        (OFFICE, "2026-11-24 17:59:59.9", True),
        (OFFICE, "2026-11-24 18:00", False),
        (OFFICE, "2026-11-25 12:00", False),
        (NIGHT, "2026-11-27 21:59", False),  # a Friday
        (NIGHT, "2026-11-27 22:00", True),
        (NIGHT, "2026-11-28 01:59", True),
        (NIGHT, "2026-11-28 02:00", False),
        (NIGHT, "2026-11-27 01:00", False),  # Thursday night is none of it
        ((hours("sun", "20:00", "00:00"),), "2026-11-29 23:59", True),
        ((hours("sun", "20:00", "00:00"),), "2026-11-30 00:00", False),
        ((hours("sun", "00:00", "24:00"),), "2026-11-29 23:59:59", True),
        ((hours("sun", "22:00", "06:00"),), "2026-11-30 05:00", True),  # over the week's end
        ((*OFFICE, *NIGHT), "2026-11-28 01:00", True),
    ],
)
def test_weekly_hours(week: tuple[Hours, ...], when: str, expected: bool) -> None:
    assert are_open(week, (), LONDON, at(when)) is expected


def test_they_are_of_the_accounts_time_zone() -> None:
    noon = at("2026-11-23 12:00")
    assert are_open(OFFICE, (), LONDON, noon)
    assert not are_open(OFFICE, (), "Pacific/Auckland", noon)  # Tuesday, 01:00


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-12-24 23:59:59", True),
        ("2026-12-25 00:00", False),  # nor what began the evening before
        ("2026-12-25 23:59:59", False),
        ("2026-12-26 00:00", True),
    ],
)
def test_a_closed_day_is_closed_from_midnight_to_midnight(when: str, expected: bool) -> None:
    always: tuple[Any, ...] = (hours("mon tue wed thu fri sat sun", "12:00", "11:59"),)
    for week in ((), always):
        assert are_open(week, (CHRISTMAS,), LONDON, at(when)) is expected


def test_daylight_saving() -> None:
    night = (hours("sun", "00:30", "01:30"),)
    # In spring 01:00 is followed by 02:00: half an hour is left.
    spring = at("2026-03-29 00:30")
    assert [are_open(night, (), LONDON, spring + 60 * m) for m in (-1, 0, 29, 30)] == [
        False,
        True,
        True,
        False,
    ]
    # In autumn 01:59 is followed by 01:00: the half hour from 01:00 comes twice.
    autumn = at("2026-10-25 00:30")
    assert [
        are_open(night, (), LONDON, autumn + 60 * m) for m in (0, 59, 60, 89, 90, 119, 120)
    ] == [
        True,
        True,
        False,
        False,
        True,
        True,
        False,
    ]
    # Noon is noon before and after.
    day = (hours("sat sun mon", "12:00", "13:00"),)
    for text in ("2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25"):
        assert are_open(day, (), LONDON, at(f"{text} 12:00"))
        assert not are_open(day, (), LONDON, at(f"{text} 11:59"))
