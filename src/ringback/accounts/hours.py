"""When calls are returned: `hours` and `closed` of a callback setup (spec section 3).

Both are wall-clock times in the account's time zone. So an interval that the change to summer time
cuts in half is that much shorter, and an hour that comes twice in autumn belongs to it twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_validator

from ringback.clock import Instant
from ringback.faults import Section, form, not_empty

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TimeOfDay = Annotated[
    str, form("([01][0-9]|2[0-3]):[0-5][0-9]|24:00", 'a time of day in quotes, such as "08:00"')
]


class Hours(Section):
    """The same hours on several days of the week. `to` before `from` is on the next day."""

    days: Annotated[tuple[Day, ...], not_empty]
    """The days of the week on which they begin."""
    from_: TimeOfDay = Field(alias="from", json_schema_extra={"not": {"const": "24:00"}})
    """When they begin: a time of day in the account's time zone, in quotes."""
    to: TimeOfDay
    """When they end: a time of day, in quotes; `"24:00"` is midnight."""

    @field_validator("from_")
    @classmethod
    def _is_of_the_day(cls, from_: str) -> str:
        if from_ == "24:00":
            raise ValueError('is the end of the day: write "00:00" of the next one')
        return from_

    @field_validator("to")
    @classmethod
    def _after_from(cls, to: str, info: ValidationInfo) -> str:
        if to == info.data.get("from_"):
            raise ValueError('is the same as from: for a whole day write "00:00" to "24:00"')
        return to

    def include(self, day: date, time: str) -> bool:
        """Whether a time of a day, as `08:00`, is within them."""
        today = DAYS[day.weekday()] in self.days
        if self.from_ < self.to:
            return today and self.from_ <= time < self.to
        yesterday = DAYS[(day - timedelta(days=1)).weekday()] in self.days
        return (today and time >= self.from_) or (yesterday and time < self.to)


def are_open(
    hours: Sequence[Hours] | None, closed: Sequence[date] | None, time_zone: str, now: Instant
) -> bool:
    """Whether calls are returned at `now`: without `hours` always, but on days `closed`."""
    local = datetime.fromtimestamp(now, UTC).astimezone(ZoneInfo(time_zone))
    if local.date() in (closed or ()):
        return False
    return not hours or any(each.include(local.date(), f"{local:%H:%M}") for each in hours)
