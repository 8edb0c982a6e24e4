"""The tables.

Ids are UUIDv7 texts unless a table says otherwise. Money is whole millionths, instants are whole
microseconds (see `types`). Nothing but `ringback.charging.ledger` writes the ledger tables.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    MetaData,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ringback.clock import Instant
from ringback.store.triggers import append_only
from ringback.store.types import AmountType, InstantType, JsonType, SerialType


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        Decimal: AmountType,
        Instant: InstantType,
        dict[str, Any]: JsonType,
        list[Any]: JsonType,
    }


# Accounts and their setups (spec sections 2 and 3)


class Account(Base):
    """One node of the tree: server administrator > provider > organization > user."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint(
            "level IN ('administrator', 'provider', 'organization', 'user')", name="level"
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    level: Mapped[str]
    name: Mapped[str] = mapped_column(unique=True)
    contact_name: Mapped[str]
    country: Mapped[str | None]
    """ISO 3166 alpha-2; None: that of the account above, at the top `home_country`."""
    language: Mapped[str | None]
    time_zone: Mapped[str | None]
    plan_id: Mapped[str | None] = mapped_column(ForeignKey("plans.id", use_alter=True))
    """The plan given to this account, which makes it a payer."""
    ledger_id: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"))


class Extension(Base):
    """A callback extension."""

    __tablename__ = "extensions"
    __table_args__ = (UniqueConstraint("account_id", "name"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    callback: Mapped[dict[str, Any]]
    """The callback setup of section 3 without its password; the defaults are not stored."""
    password_mac: Mapped[str | None]


class AccessNumber(Base):
    """A public number that leads to one extension; the lowest position is its public number."""

    __tablename__ = "access_numbers"
    number: Mapped[str] = mapped_column(primary_key=True)
    """E.164 with its plus."""
    extension_id: Mapped[str] = mapped_column(ForeignKey("extensions.id"), index=True)
    position: Mapped[int]


class CallerId(Base):
    """An authorized callerID of one extension."""

    __tablename__ = "caller_ids"
    __table_args__ = (UniqueConstraint("extension_id", "number"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    extension_id: Mapped[str] = mapped_column(ForeignKey("extensions.id"))
    number: Mapped[str]
    """E.164 with its plus."""
    enabled: Mapped[bool]
    pin_mac: Mapped[str | None]
    language: Mapped[str | None]
    speed_dials: Mapped[dict[str, Any]]
    """"1" to "99" -> E.164."""
    last_number: Mapped[str | None]
    """E.164 of the last number dialled, for redial."""
    ledger_id: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"))


class Sound(Base):
    """A sound in the folder of an account or of an extension, one row a language variant."""

    __tablename__ = "sounds"
    __table_args__ = (UniqueConstraint("owner_id", "path", "language"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[str]
    """Id of the account or extension whose folder holds it."""
    path: Mapped[str]
    """From the owner's folder, beginning with one `/`."""
    language: Mapped[str]
    file: Mapped[str]
    """Name of the converted WAV file in the data directory's `sounds` folder."""
    seconds: Mapped[float]


# Charging (spec section 6)


class Plan(Base):
    __tablename__ = "plans"
    __table_args__ = (CheckConstraint("kind IN ('prepaid', 'postpaid')", name="kind"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    """The account that made it."""
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    limit: Mapped[Decimal]
    special_prefixes: Mapped[list[Any]]
    packages: Mapped[list[Any]]
    deck_id: Mapped[str | None] = mapped_column(ForeignKey("decks.id", use_alter=True))
    """The deck in force; None before the first."""


class Deck(Base):
    """The rates of a plan as they were loaded at one time. A complete deck never changes: another
    is loaded beside it and takes its place."""

    __tablename__ = "decks"
    __table_args__ = (
        CheckConstraint("state IN ('loading', 'complete', 'condemned')", name="state"),
        CheckConstraint("size >= 0", name="size"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    plan_id: Mapped[str] = mapped_column(ForeignKey("plans.id"), index=True)
    source: Mapped[str]
    """Where the rates came from, for people."""
    loaded: Mapped[Instant]
    """When loading began."""
    state: Mapped[str]
    """condemned: its rates are being deleted."""
    size: Mapped[int]
    """How many rates have been put in."""


class Rate(Base):
    __tablename__ = "rates"
    __table_args__ = (
        Index("ix_rates_deck_prefix", "deck_id", "prefix"),
        CheckConstraint("first_block >= 1 AND next_block >= 1", name="blocks"),
        CheckConstraint("setup >= 0 AND first_price >= 0 AND price_per_minute >= 0", name="prices"),
    )
    id: Mapped[int] = mapped_column(SerialType, primary_key=True, autoincrement=True)
    deck_id: Mapped[str] = mapped_column(ForeignKey("decks.id"))
    prefix: Mapped[str]
    """Leading digits of E.164, without plus."""
    setup: Mapped[Decimal]
    first_block: Mapped[int]
    first_price: Mapped[Decimal]
    next_block: Mapped[int]
    price_per_minute: Mapped[Decimal]
    valid_from: Mapped[Instant | None]
    valid_to: Mapped[Instant | None]


class LedgerAccount(Base):
    """A balance: an account's money or a callerID's credit.

    available = balance + credit_limit - reserved, never negative unless unlimited.
    """

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        CheckConstraint("unlimited OR balance + credit_limit - reserved >= 0", name="available"),
        CheckConstraint("reserved >= 0", name="reserved"),
        CheckConstraint("credit_limit >= 0", name="credit_limit"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    balance: Mapped[Decimal]
    reserved: Mapped[Decimal]
    credit_limit: Mapped[Decimal]
    unlimited: Mapped[bool]


class Allowance(Base):
    """The free minutes that an account has by a package of its plan in one month."""

    __tablename__ = "allowances"
    __table_args__ = (
        CheckConstraint("reserved >= 0 AND used >= 0", name="taken"),
        CheckConstraint("reserved + used <= seconds", name="left"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    """`{ledger id}/{prefix}/{month}`."""
    ledger_id: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"))
    prefix: Mapped[str]
    month: Mapped[str]
    """In the account's time zone, as 2026-11."""
    seconds: Mapped[int]
    """What the package had when it was last asked."""
    reserved: Mapped[int]
    used: Mapped[int]


class LedgerEntry(Base):
    """One change of a balance. Append-only: triggers refuse UPDATE and DELETE."""

    __tablename__ = "ledger_entries"
    __table_args__ = (UniqueConstraint("ledger_id", "step"),)
    id: Mapped[int] = mapped_column(SerialType, primary_key=True, autoincrement=True)
    ledger_id: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"))
    step: Mapped[str]
    """The id its maker gave the step; the same id again changes nothing."""
    kind: Mapped[str]
    """One of opening, recharge, call."""
    amount: Mapped[Decimal]
    """Added to the balance; negative for a charge."""
    price: Mapped[Decimal | None]
    """Of a call what it cost, of a recharge what was asked for: both differ from the amount only
    where the credit was unlimited."""
    balance_after: Mapped[Decimal]
    at: Mapped[Instant]
    who: Mapped[str | None]
    explanation: Mapped[str]


append_only(LedgerEntry.__table__)


class Reservation(Base):
    """What one payer holds ready for one leg: grown in steps, settled once.

    amount + free is the price of all that may be used, beyond the blocks of free minutes.
    """

    __tablename__ = "reservations"
    __table_args__ = (
        CheckConstraint("amount >= 0 AND free >= 0 AND free_blocks >= 0", name="held"),
        Index(
            "ix_reservations_open",
            "ledger_id",
            sqlite_where=text("NOT settled"),
            postgresql_where=text("NOT settled"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    """`{leg id}/{ledger id}`."""
    ledger_id: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"))
    leg_id: Mapped[str] = mapped_column(index=True)
    payer: Mapped[str]
    """Name of the account, or number of the callerID."""
    below_id: Mapped[str | None]
    """Ledger id of the payer below, whose charge for the leg is this one's income."""
    amount: Mapped[Decimal]
    """Reserved money."""
    free: Mapped[Decimal]
    """Granted while the credit was unlimited: it takes no money."""
    free_first: Mapped[bool]
    """Free minutes pay the first block."""
    free_blocks: Mapped[int]
    """So many of the blocks after it are paid by free minutes."""
    allowance_id: Mapped[str | None] = mapped_column(ForeignKey("allowances.id"))
    """What they are reserved of, where this payer holds the plan that they belong to."""
    settled: Mapped[bool]
    rate: Mapped[dict[str, Any]]
    """The rate that holds for the leg to its end, so that a restart can charge by it."""


# Sessions (spec sections 4 and 9)


class Session(Base):
    """A session from trigger to goodbye; while it is open it is also the callback request."""

    __tablename__ = "sessions"
    __table_args__ = (
        # One open request or session per extension and return number (spec 4, step 3).
        Index(
            "uq_sessions_open",
            "extension_id",
            "return_number",
            unique=True,
            sqlite_where=text("outcome IS NULL"),
            postgresql_where=text("outcome IS NULL"),
        ),
        Index("ix_sessions_return_number_ended", "return_number", "ended"),
        Index(
            "ix_sessions_live",
            "id",
            sqlite_where=text("outcome IS NULL"),
            postgresql_where=text("outcome IS NULL"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    extension_id: Mapped[str | None] = mapped_column(ForeignKey("extensions.id"))
    access_number: Mapped[str | None]
    caller: Mapped[str | None]
    """The triggering number, E.164 where it is one; None when hidden."""
    caller_name: Mapped[str | None]
    caller_id: Mapped[str | None] = mapped_column(ForeignKey("caller_ids.id"))
    return_number: Mapped[str | None]
    destination: Mapped[str | None]
    """E.164 to dial without asking ("call me back" with a destination)."""
    outcome: Mapped[str | None]
    """None while live."""
    stage: Mapped[str]
    started: Mapped[Instant]
    ended: Mapped[Instant | None]
    proven: Mapped[bool]
    """The trigger's source is proven, or there was no trigger call."""
    rejection: Mapped[str | None]
    """`TriggerLeg.saved`, until the trigger call is over."""
    due: Mapped[Instant | None]
    """When the return call may be dialled next; None until the trigger call has ended."""
    attempts: Mapped[int]
    """Return calls dialled that count against `attempts` of the setup."""
    accepted: Mapped[bool | None]
    """Whether a person accepted or authenticated on the return call; None before an answer."""


class Leg(Base):
    """One attempt to reach a party. It is written before its INVITE leaves."""

    __tablename__ = "legs"
    __table_args__ = (
        CheckConstraint("leg IN ('A', 'B')", name="leg"),
        Index("ix_legs_e164_started", "e164", "started"),
        Index(
            "ix_legs_live",
            "session_id",
            sqlite_where=text("ended IS NULL"),
            postgresql_where=text("ended IS NULL"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"), index=True)
    leg: Mapped[str]
    received: Mapped[str]
    e164: Mapped[str]
    dialled: Mapped[str]
    trunk: Mapped[str]
    started: Mapped[Instant]
    ringing: Mapped[Instant | None]
    answered: Mapped[Instant | None]
    ended: Mapped[Instant | None]
    cause: Mapped[int | None]
    """SIP status of the final answer."""
    billed_seconds: Mapped[int | None]
    saved: Mapped[str]
    """`Leg.saved` of the telephony port: what is needed to end it after a crash."""


class Charge(Base):
    """What one payer was charged for one leg."""

    __tablename__ = "charges"
    leg_id: Mapped[str] = mapped_column(ForeignKey("legs.id"), primary_key=True)
    ledger_id: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"), primary_key=True)
    payer: Mapped[str]
    """Name of the account, or number of the callerID."""
    amount: Mapped[Decimal]
    """What it cost the payer."""
    income: Mapped[Decimal | None]
    """What the next payer below was charged for the same leg: the payer's profit is this less
    the amount. None where nobody below pays."""
    explanation: Mapped[str]


class Lock(Base):
    """Wrong entries in a row, and the lock-out that follows five of them (spec 4, step 5)."""

    __tablename__ = "locks"
    key: Mapped[str] = mapped_column(primary_key=True)
    """What is locked: `pin/{callerID}`, `claim/{callerID}`, `claims-from/{number}`,
    `password/{extension}/{number}`."""
    failures: Mapped[int]
    times: Mapped[int]
    """Lock-outs since the last right entry: each doubles the next."""
    until: Mapped[Instant | None]


class Heartbeat(Base):
    """One row a node, written every second: the sign of life of all its sessions."""

    __tablename__ = "heartbeats"
    node: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[Instant]


class Setting(Base):
    """What holds for the whole database, by name."""

    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
