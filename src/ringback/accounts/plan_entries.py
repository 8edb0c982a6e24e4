"""What a setup file may say of a charging plan."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from ringback.accounts.callback import NotNegative, Text
from ringback.accounts.names import ADMINISTRATOR, Name
from ringback.accounts.times import When
from ringback.amounts import ZERO
from ringback.charging import decks
from ringback.charging.rating import Rate
from ringback.faults import Fault, Faults, Section, twice
from ringback.prefixes import AnyPrefix, Prefix

LARGEST_RATES = 2000
"""Of a plan; a CSV file may have more."""


class PackageEntry(Section):
    """Free minutes of each calendar month."""

    prefix: Prefix
    """The numbers that they are for: leading digits, with country code and without `+`."""
    minutes: int = Field(ge=1, le=1_000_000)
    """Minutes a month, shared by all callerIDs that the plan prices."""


class RateEntry(Section):
    """What calls to the numbers with a prefix cost."""

    prefix: AnyPrefix
    """Leading digits of numbers, with country code and without `+`; `""` is every number."""
    setup: NotNegative = ZERO
    """An amount, charged once when the call is answered."""
    first_block: int = Field(60, ge=1, le=86400)
    """The length of the first block, in seconds. It is charged whole."""
    first_price: NotNegative | None = None
    """The price of the whole first block; if there is none, what its seconds cost at
    `price_per_minute`."""
    next_block: int = Field(10, ge=1, le=86400)
    """The length of each further block, in seconds. It is charged when it begins."""
    price_per_minute: NotNegative
    """The price of a minute in further blocks."""
    valid_from: When = None
    """A date or a time from which the rate is valid, in UTC unless it names a zone; `null` is no
    beginning."""
    valid_to: When = None
    """The date or time at which it is valid no more; `null` is no end."""

    @field_validator("valid_to")
    @classmethod
    def _after_from(cls, to: float | None, info: ValidationInfo) -> float | None:
        since = info.data.get("valid_from")
        if to is not None and since is not None and to <= since:
            raise ValueError("must be after valid_from")
        return to

    @model_validator(mode="after")
    def _can_be_paid(self) -> RateEntry:
        self.rate()
        return self

    def rate(self) -> Rate:
        """Raises ValueError where no amount could pay it."""
        return Rate(**{name: getattr(self, name) for name in decks.COLUMNS})


class PlanEntry(Section):
    """A charging plan: what calls cost those to whom it is given."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"kind": {"const": "postpaid"}}, "required": ["kind"]},
            "else": {"properties": {"limit": {"not": {"pattern": "[1-9]"}}}},
        }
    )

    name: Name
    """Unique among the plans of its account."""
    account: Text = ADMINISTRATOR
    """The account that makes the plan, by its name or path. It cannot be changed later."""
    kind: Literal["prepaid", "postpaid"] = "prepaid"
    """With `postpaid` the balance of an account that has the plan may go below zero."""
    limit: NotNegative = ZERO
    """How far it may go below zero: an amount, with `kind: postpaid` only."""
    special_prefixes: tuple[Prefix, ...] = ()
    """Premium-rate, shared-cost and satellite prefixes that may be called, such as `44900`."""
    packages: tuple[PackageEntry, ...] = ()
    """Free minutes."""
    rates: tuple[RateEntry, ...] = Field((), json_schema_extra={"maxItems": LARGEST_RATES})
    """All rates of the plan: they take the place of those it has. Leave them out if you use
    `ringback rates import`."""

    @field_validator("limit")
    @classmethod
    def _postpaid_only(cls, limit: Decimal, info: ValidationInfo) -> Decimal:
        if limit and info.data.get("kind") == "prepaid":
            raise ValueError("goes with kind: postpaid only")
        return limit

    @field_validator("packages")
    @classmethod
    def _one_a_prefix(cls, packages: tuple[PackageEntry, ...]) -> tuple[PackageEntry, ...]:
        found = [*twice(((i, "prefix"), each.prefix) for i, each in enumerate(packages))]
        if found:
            raise Faults(found)
        return packages

    @field_validator("rates")
    @classmethod
    def _one_at_a_time(cls, rates: tuple[RateEntry, ...]) -> tuple[RateEntry, ...]:
        if len(rates) > LARGEST_RATES:
            raise ValueError(
                f"write at most {LARGEST_RATES} rates here: more of them go into a CSV file, for "
                "`ringback rates import`"
            )
        found = [
            Fault(
                (after,),
                f"holds at a time when rates[{before}] of prefix {rates[after].prefix!r} does",
            )
            for before, after in decks.overlaps(rates)
        ]
        if found:
            raise Faults(found)
        return rates
