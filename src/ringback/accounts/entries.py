"""What may stand in a setup file, entry by entry (spec section 11).

Money, numbers and secrets are written as strings: YAML makes of 0042 the number 34. A key that an
entry does not have is left as it is when the entry is applied to what is there already.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ringback.accounts.account_entry import AnyAccountEntry
from ringback.accounts.callback import (
    E164,
    SOUND_NAME,
    SOUND_PATH,
    Language,
    NotNegative,
    Secret,
    Text,
    parse_money,
)
from ringback.accounts.callback_entry import CallbackEntry
from ringback.accounts.guarded import GuardedEntry, Unlimited
from ringback.accounts.names import ADMINISTRATOR
from ringback.accounts.number_entries import NumberEntry
from ringback.accounts.plan_entries import PlanEntry
from ringback.accounts.times import When
from ringback.faults import Check, Fault, Faults, Section, form, twice, whole
from ringback.guards.settings import UNLIMITED
from ringback.sounds.paths import check_new_sound
from ringback.trunks.entries import RouteEntry, TrunkEntry

OF_THE_TOP = frozenset({"parent", "level", "country", "balance"})
"""What cannot be said of the account `admin`."""


def _credit(value: object) -> object:
    return value if value == UNLIMITED else parse_money(value)


OwnPath = Annotated[str, Check(check_new_sound, SOUND_PATH | {"pattern": whole(f"/{SOUND_NAME}")})]
Credit = Annotated[Decimal | Unlimited, BeforeValidator(_credit)]
Note = Annotated[str, form(r"[^\x00-\x09\x0b-\x1f\x7f]{1,2000}", "a text of 1 to 2000 characters")]
SpeedDial = Annotated[str, form("[0-9]{1,2}", "speed dials as one or two digits, in quotes")]


class AccountEntry(AnyAccountEntry):
    """A provider, an organization or a user."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"name": {"const": ADMINISTRATOR}}, "required": ["name"]},
            "then": {"properties": dict.fromkeys(sorted(OF_THE_TOP), False)},
        }
    )

    parent: Text = ADMINISTRATOR
    """The account above, by its name or path. It cannot be changed later."""
    level: Literal["provider", "organization", "user"] = "organization"
    """It must be below the level of the parent. It cannot be changed later."""

    @model_validator(mode="after")
    def _top_is_given(self) -> AccountEntry:
        if self.name == ADMINISTRATOR:
            given = sorted(OF_THE_TOP & self.model_fields_set)
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
    """A phone number that may use the extension."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {
                "properties": {"credit": {"type": "string", "not": {"const": UNLIMITED}}},
                "required": ["credit"],
            },
            "then": {
                "properties": {"order_number": {"type": "string"}},
                "required": ["order_number"],
            },
        }
    )

    number: E164
    """With `+` and its country code; once in an extension."""
    name: Text | None = None
    """Whose number it is."""
    reference: Text | None = None
    """What another system calls it."""
    note: Note | None = None
    """Free text, of several lines."""
    enabled: bool | None = True
    """Whether it may call; a disabled one is refused."""
    expires: When = None
    """A date or a time, from which on it may not call; without a zone it is UTC."""
    pin: Secret | None = Field(None, repr=False)
    """4 to 12 digits, in quotes; `null` is none."""
    credit: Credit | None = None
    """A recharge, made once under its order number: an amount, which takes credit away if it is
    negative, or `unlimited`."""
    order_number: Annotated[Text | None, Field(validate_default=True)] = None
    """Of the recharge; required with an amount, so that applying the file again does not recharge
    again."""
    language: Language | None = None
    """Of prompts, as in BCP 47; `null` is that of the extension."""
    speed_dials: dict[SpeedDial, E164 | None] | None = Field(default_factory=dict)
    """One or two digits, in quotes, and the number that they dial; `null` takes one out."""
    low_credit: NotNegative | None = None
    """An amount: with less credit there is an event `credit.low`."""

    @field_validator("order_number")
    @classmethod
    def _goes_with_credit(cls, order: str | None, info: ValidationInfo) -> str | None:
        if order is None and isinstance(info.data.get("credit"), Decimal):
            raise ValueError(
                "is required with credit, so that applying the file again does not recharge again"
            )
        return order


class ExtensionEntry(AnyAccountEntry):
    """An extension whose access numbers trigger callbacks."""

    account: Text
    """The account that it belongs to, by its name or path."""
    access_numbers: tuple[E164, ...] = ()
    """All numbers that lead to it, with `+`; the first is shown to called parties."""
    callback: CallbackEntry = CallbackEntry()
    """How calls are returned."""
    caller_ids: tuple[CallerIdEntry, ...] = ()
    """Who may call. Those that are not named here stay."""

    @field_validator("caller_ids")
    @classmethod
    def _once_each(cls, entries: tuple[CallerIdEntry, ...]) -> tuple[CallerIdEntry, ...]:
        found = [*twice(((i, "number"), entry.number) for i, entry in enumerate(entries))]
        if found:
            raise Faults(found)
        return entries


class SoundEntry(Section):
    """A sound that is put into the folder of an account."""

    account: Text
    """By its name or path."""
    path: OwnPath
    """Where it is put, such as `/callback/bye.wav`. Under `/prompts/` it replaces a built-in
    prompt, for the account and all below it."""
    language: Language = "en"
    """As in BCP 47."""
    file: Annotated[str, Field(min_length=1)]
    """WAV, FLAC, OGG or MP3, up to 20 MB and 10 minutes; relative to the setup file."""


class SetupFile(Section):
    """The setup file of Ringback, for `ringback apply`. What is left out stays as it is."""

    accounts: tuple[AccountEntry, ...] = ()
    """Providers, organizations and users; each after the account above it."""
    access_numbers: tuple[NumberEntry, ...] = ()
    """Public numbers, the accounts that hold them, and what they are connected to."""
    extensions: tuple[ExtensionEntry, ...] = ()
    """Extensions, how they return calls, and who may call."""
    plans: tuple[PlanEntry, ...] = ()
    """Charging plans: what calls cost."""
    sounds: tuple[SoundEntry, ...] = ()
    """Sounds to be played in calls."""
    trunks: tuple[TrunkEntry, ...] = ()
    """Ways to the telephone network: carriers and telephone systems."""
    routes: tuple[RouteEntry, ...] = ()
    """Which trunks carry the calls to which numbers."""

    @model_validator(mode="after")
    def _once_each(self) -> SetupFile:
        found = [
            *twice(
                (("accounts", i, "name"), (each.parent, each.name))
                for i, each in enumerate(self.accounts)
            ),
            *twice(
                (("access_numbers", i, "number"), each.number)
                for i, each in enumerate(self.access_numbers)
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
