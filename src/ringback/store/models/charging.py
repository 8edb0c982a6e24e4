"""Plans, balances and what changes them (spec section 6)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ringback.clock import Instant
from ringback.store.models.base import Base
from ringback.store.triggers import append_only
from ringback.store.types import SerialType


class PlanRow(Base):
    __tablename__ = "plans"
    __table_args__ = (
        CheckConstraint("kind IN ('prepaid', 'postpaid')", name="kind"),
        Index(
            "uq_plans_name",
            "account_id",
            "name",
            unique=True,
            sqlite_where=text("deleted IS NULL"),
            postgresql_where=text("deleted IS NULL"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    """The account that made it."""
    name: Mapped[str]
    kind: Mapped[str]
    limit: Mapped[Decimal]
    special_prefixes: Mapped[list[Any]]
    packages: Mapped[list[Any]]
    deck_id: Mapped[str | None] = mapped_column(ForeignKey("decks.id", use_alter=True))
    """The deck in force; None before the first one."""
    deleted: Mapped[Instant | None]
    """When it was taken out of use."""


class DeckRow(Base):
    """The rates of a plan, loaded together. A complete deck never changes: a new one is loaded
    beside it and takes its place."""

    __tablename__ = "decks"
    __table_args__ = (
        CheckConstraint("state IN ('loading', 'complete', 'condemned')", name="state"),
        CheckConstraint("size >= 0", name="size"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    plan_id: Mapped[str] = mapped_column(ForeignKey("plans.id"), index=True)
    source: Mapped[str]
    """Where the rates came from, as a text for people."""
    loaded: Mapped[Instant]
    """When the loading began."""
    state: Mapped[str]
    """condemned: its rates are being deleted."""
    size: Mapped[int]
    """How many rates have been loaded."""


class RateRow(Base):
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
    first_price: Mapped[Decimal | None]
    """None: what the seconds of the first block cost at `price_per_minute`."""
    next_block: Mapped[int]
    price_per_minute: Mapped[Decimal]
    valid_from: Mapped[Instant | None]
    valid_to: Mapped[Instant | None]


class LedgerAccountRow(Base):
    """A balance: an account's money or a callerID's credit.

    available = balance + credit_limit - reserved, which is never negative unless it is unlimited.
    """

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        CheckConstraint("unlimited OR balance + credit_limit - reserved >= 0", name="available"),
        CheckConstraint("reserved >= 0", name="reserved"),
        CheckConstraint("credit_limit >= 0", name="credit_limit"),
        Index(
            "ix_ledger_accounts_holder",
            *("holder_id", "unlimited", "balance", "id"),
            sqlite_where=text("holder_id IS NOT NULL"),
            postgresql_where=text("holder_id IS NOT NULL"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    balance: Mapped[Decimal]
    reserved: Mapped[Decimal]
    credit_limit: Mapped[Decimal]
    unlimited: Mapped[bool]
    holder_id: Mapped[str | None]
    """The extension whose callerID in use has this credit, so that these are sorted by it; None of
    all others."""
    closed: Mapped[Instant | None]
    """When what it held was taken off with its callerID: what its last calls give back is, too."""


class AllowanceRow(Base):
    """The free minutes that an account has in one month by a package of its plan."""

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
    """A month of the account's time zone, such as 2026-11."""
    seconds: Mapped[int]
    """The seconds of the package, as they were when last read."""
    reserved: Mapped[int]
    used: Mapped[int]


class LedgerEntryRow(Base):
    """One change of a balance. Append-only: triggers refuse UPDATE and DELETE."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        UniqueConstraint("ledger_id", "step"),
        Index(
            "ix_ledger_entries_recharges",
            *("ledger_id", "id"),
            sqlite_where=text("kind <> 'call'"),
            postgresql_where=text("kind <> 'call'"),
        ),
    )
    id: Mapped[int] = mapped_column(SerialType, primary_key=True, autoincrement=True)
    ledger_id: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"))
    step: Mapped[str]
    """The id that the step's author gave it; the same id again changes nothing."""
    kind: Mapped[str]
    """`call` or, for a recharge, its `RechargeKind`."""
    amount: Mapped[Decimal]
    """Added to the balance; negative for a charge."""
    price: Mapped[Decimal | None]
    """What a call cost, or what a recharge asked for. It differs from the amount only if the credit
    was unlimited."""
    balance_after: Mapped[Decimal]
    at: Mapped[Instant]
    who: Mapped[str | None]
    by_account_id: Mapped[str | None]
    """The account whose role allowed it; None: nobody's, or it was made before this was kept."""
    explanation: Mapped[str]
    """An explanation without people's numbers, since entries stay when those are removed everywhere
    else."""
    note: Mapped[str | None]


append_only(LedgerEntryRow.__table__)


class ReservationRow(Base):
    """What one payer has reserved for one leg: it grows in steps and is settled once.

    amount + free is the price of all that may be used, apart from the blocks of free minutes.
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
    """The ledger id of the payer below, whose charge for the leg is this payer's income."""
    amount: Mapped[Decimal]
    """Reserved money."""
    free: Mapped[Decimal]
    """Granted while the credit was unlimited, so that it takes no money."""
    free_first: Mapped[bool]
    """Whether free minutes pay the first block."""
    free_blocks: Mapped[int]
    """How many of the blocks after the first are paid by free minutes."""
    allowance_id: Mapped[str | None] = mapped_column(ForeignKey("allowances.id"))
    """The allowance from which the free minutes are reserved, if this payer has one."""
    settled: Mapped[bool]
    rate: Mapped[dict[str, Any]]
    """The rate that applies to the leg to its end, kept so that a restart can charge by it."""
    spends: Mapped[list[Any]] = mapped_column(server_default="[]")
    """Ids of the `spending` rows that count this leg: first what is reserved, then what was
    used."""


class ChargeRow(Base):
    """What one payer was charged for one leg."""

    __tablename__ = "charges"
    leg_id: Mapped[str] = mapped_column(ForeignKey("legs.id"), primary_key=True)
    ledger_id: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"), primary_key=True)
    payer: Mapped[str]
    """Name of the account, or number of the callerID."""
    amount: Mapped[Decimal]
    """What the leg cost the payer."""
    income: Mapped[Decimal | None]
    """What the next payer below was charged for the same leg. The payer's profit is this less the
    amount. None if nobody below pays."""
    explanation: Mapped[str]


class LegCostRow(Base):
    """What an answered leg costs the server administrator. It is only recorded, and limits
    nothing."""

    __tablename__ = "leg_costs"
    leg_id: Mapped[str] = mapped_column(ForeignKey("legs.id"), primary_key=True)
    trunk: Mapped[str]
    plan: Mapped[str]
    """The name of the trunk's `cost_plan` at that time."""
    amount: Mapped[Decimal | None]
    """None: the cost is not known, since the plan had no rate; the explanation says so."""
    explanation: Mapped[str]
