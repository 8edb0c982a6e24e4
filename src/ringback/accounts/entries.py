"""What may stand in a setup file, entry by entry (spec section 11).

Money, numbers and secrets are written as strings: YAML makes of 0042 the number 34. A key that an
entry does not have is left as it is when the entry is applied to what is there already.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from ringback.accounts.callback import (
    E164,
    Amount,
    CallbackSetup,
    Language,
    Secret,
    Text,
    TimeZone,
    check_sound_path,
    parse_money,
)
from ringback.accounts.guarded import GuardedEntry
from ringback.amounts import ZERO
from ringback.charging import decks
from ringback.charging.rating import Rate
from ringback.countries import Country
from ringback.faults import Fault, Faults, Section, form, twice
from ringback.prefixes import AnyPrefix, Prefix
from ringback.trunks.entries import RouteEntry, TrunkEntry

ADMINISTRATOR = "admin"
"""Name of the account at the top, which every server has."""
LARGEST_RATES = 2000
"""Of a plan; a CSV file may have more."""


def _credit(value: object) -> object:
    return value if value == "unlimited" else parse_money(value)


def _instant(value: object) -> object:
    """A date or a time; without a zone it is UTC."""
    if value is None:
        return None
    try:
        read = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as error:
        raise ValueError("write a date or a time, such as 2026-12-31, or null") from error
    return decks.instant_of(read if read.tzinfo is not None else read.replace(tzinfo=UTC))


def _of_own_folder(path: str) -> str:
    if path.startswith("//"):
        raise ValueError("begins with one /: a sound is put into the folder of its own account")
    return check_sound_path(path)


Name = Annotated[
    Text, form("[^/:]*", "a name without / and :, which stand between the names of a path")
]
Credit = Annotated[Decimal | Literal["unlimited"], BeforeValidator(_credit)]
When = Annotated[float | None, BeforeValidator(_instant)]
SpeedDial = Annotated[str, form("[0-9]{1,2}", "speed dials as one or two digits, in quotes")]


class AccountEntry(GuardedEntry):
    name: Name
    parent: Text = ADMINISTRATOR
    level: Literal["provider", "organization", "user"] = "organization"
    contact_name: Text | None = None
    country: Country | None = None
    language: Language | None = None
    time_zone: TimeZone | None = None
    plan: Text | None = None
    balance: Amount = Field(ZERO, ge=0)
    """At creation only."""
    credit_limit: Amount | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _top_is_given(self) -> AccountEntry:
        if self.name == ADMINISTRATOR:
            given = sorted({"parent", "level", "country", "balance"} & self.model_fields_set)
            if given:
                raise Faults(
                    Fault(
                        (key,),
                        f"take it out: {ADMINISTRATOR} is there from the start, above all others "
                        "and in the home_country of ringback.toml",
                    )
                    for key in given
                )
        return self


class CallerIdEntry(GuardedEntry):
    number: E164
    enabled: bool = True
    pin: Secret | None = Field(None, repr=False)
    credit: Credit | None = None
    order_number: Annotated[Text | None, Field(validate_default=True)] = None
    language: Language | None = None
    speed_dials: dict[SpeedDial, E164] = Field(default_factory=dict)

    @field_validator("order_number")
    @classmethod
    def _goes_with_credit(cls, order: str | None, info: ValidationInfo) -> str | None:
        if order is None and isinstance(info.data.get("credit"), Decimal):
            raise ValueError(
                "is required with credit, so that applying the file again does not recharge again"
            )
        return order


class _Secretive(Section):
    password: Secret | None = Field(None, repr=False)
    """Of everyone on the return call; it is stored apart from the setup."""


if TYPE_CHECKING:
    CallbackEntry = _Secretive
else:

    def _or_null(field: FieldInfo) -> Any:
        kind = field.annotation
        return (Annotated[(kind, *field.metadata)] if field.metadata else kind) | None

    CallbackEntry = create_model(
        "CallbackEntry",
        __base__=_Secretive,
        **{name: (_or_null(field), None) for name, field in CallbackSetup.model_fields.items()},
    )
    """A change of a callback setup: what is left out stays, `null` is none or the default. What it
    comes to is judged with what is there."""


def changed_setup(before: CallbackSetup, entry: CallbackEntry) -> CallbackSetup:
    """The setup once an entry has been applied. Raises ValidationError where it contradicts
    itself."""
    values = {name: getattr(before, name) for name in CallbackSetup.model_fields}
    values |= {name: getattr(entry, name) for name in entry.model_fields_set - {"password"}}
    given = {name: value for name, value in values.items() if value is not None}
    return CallbackSetup.model_validate(given)


class ExtensionEntry(GuardedEntry):
    name: Name
    account: Text
    access_numbers: tuple[E164, ...] = ()
    callback: CallbackEntry = CallbackEntry()
    caller_ids: tuple[CallerIdEntry, ...] = ()

    @field_validator("caller_ids")
    @classmethod
    def _once_each(cls, entries: tuple[CallerIdEntry, ...]) -> tuple[CallerIdEntry, ...]:
        found = [*twice(((i, "number"), entry.number) for i, entry in enumerate(entries))]
        if found:
            raise Faults(found)
        return entries


class PackageEntry(Section):
    prefix: Prefix
    minutes: int = Field(ge=1, le=1_000_000)


class RateEntry(Section):
    prefix: AnyPrefix
    setup: Amount = Field(ZERO, ge=0)
    first_block: int = Field(60, ge=1, le=86400)
    first_price: Amount | None = Field(None, ge=0)
    next_block: int = Field(10, ge=1, le=86400)
    price_per_minute: Amount = Field(ge=0)
    valid_from: When = None
    valid_to: When = None

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
    name: Name
    account: Text = ADMINISTRATOR
    kind: Literal["prepaid", "postpaid"] = "prepaid"
    limit: Amount = Field(ZERO, ge=0)
    special_prefixes: tuple[Prefix, ...] = ()
    packages: tuple[PackageEntry, ...] = ()
    rates: tuple[RateEntry, ...] = ()

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


class SoundEntry(Section):
    account: Text
    path: Annotated[str, AfterValidator(_of_own_folder)]
    language: Language = "en"
    file: Annotated[str, Field(min_length=1)]
    """Relative to the setup file."""


class SetupFile(Section):
    accounts: tuple[AccountEntry, ...] = ()
    extensions: tuple[ExtensionEntry, ...] = ()
    plans: tuple[PlanEntry, ...] = ()
    sounds: tuple[SoundEntry, ...] = ()
    trunks: tuple[TrunkEntry, ...] = ()
    routes: tuple[RouteEntry, ...] = ()

    @model_validator(mode="after")
    def _once_each(self) -> SetupFile:
        found = [
            *twice(
                (("accounts", i, "name"), (each.parent, each.name))
                for i, each in enumerate(self.accounts)
            ),
            *twice(
                (("extensions", i, "name"), (each.account, each.name))
                for i, each in enumerate(self.extensions)
            ),
            *twice(
                (("extensions", i, "access_numbers", j), number)
                for i, each in enumerate(self.extensions)
                for j, number in enumerate(each.access_numbers)
            ),
            *twice(
                (("plans", i, "name"), (each.account, each.name))
                for i, each in enumerate(self.plans)
            ),
            *twice(
                (("sounds", i, "path"), (each.account, each.path, each.language))
                for i, each in enumerate(self.sounds)
            ),
            *twice((("trunks", i, "name"), each.name) for i, each in enumerate(self.trunks)),
            *twice((("routes", i, "prefix"), each.prefix) for i, each in enumerate(self.routes)),
        ]
        if found:
            raise Faults(found)
        return self
