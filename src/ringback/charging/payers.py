"""Who pays for a leg, and at which rate (spec section 6, "Who pays")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, literal_column, select

from ringback.charging.decks import deck_for
from ringback.charging.packages import FALLBACK_TIME_ZONE, Allowance, allowance
from ringback.charging.rating import Rate
from ringback.clock import Instant
from ringback.store import models
from ringback.store.prepared import Prepared


class NoRate(Exception):
    """Nobody can pay for this call: no payer, or a payer without a rate for the number. The
    message says which and how to mend it."""


@dataclass(frozen=True, slots=True)
class GivenPlan:
    """A charging plan and the account that it was given to."""

    id: str
    name: str
    special_prefixes: tuple[str, ...]
    """Premium and satellite prefixes that it lets be called, without plus (spec section 8). The
    plan of every payer must list one for it to be called."""
    packages: tuple[Mapping[str, Any], ...]
    ledger_id: str
    """Of the account."""
    zone: str
    """The account's time zone."""


@dataclass(frozen=True, slots=True)
class Payer:
    """A balance that pays, and the plan that prices it."""

    ledger_id: str
    name: str
    """Name of the account, or number of the callerID."""
    plan: GivenPlan

    @property
    def holds_plan(self) -> bool:
        """Not so for a callerID, who is priced by the plan of an account."""
        return self.ledger_id == self.plan.ledger_id


@dataclass(frozen=True, slots=True)
class PayerRate:
    """A payer with what holds for one leg to its end."""

    ledger_id: str
    name: str
    plan_id: str
    rate: Rate
    allowance: Allowance | None = None
    """The free minutes that pay for blocks before this payer does."""
    debited: bool = True
    """The allowance is this payer's own. (Where several share one it is debited once.)"""
    below_id: str | None = None
    """Ledger id of the payer below, whose charge is this one's income."""


_START = (
    select(
        models.Account.id, models.Account.parent_id, literal_column("0", Integer).label("height")
    )
    .join(models.Extension, models.Extension.account_id == models.Account.id)
    .where(models.Extension.id == bindparam("extension_id"))
    .cte("above", recursive=True)
)
_ABOVE = _START.union_all(
    select(models.Account.id, models.Account.parent_id, _START.c.height + 1).join(
        _START, models.Account.id == _START.c.parent_id
    )
)
_ABOVE_WITH_PLANS = Prepared(
    select(
        models.Account.ledger_id,
        models.Account.name,
        models.Account.time_zone,
        models.Plan.id.label("plan_id"),
        models.Plan.name.label("plan_name"),
        models.Plan.special_prefixes,
        models.Plan.packages,
    )
    .join(_ABOVE, models.Account.id == _ABOVE.c.id)
    .outerjoin(models.Plan, models.Plan.id == models.Account.plan_id)
    .order_by(_ABOVE.c.height)
)
_CALLER_ID = Prepared(
    select(models.CallerId.ledger_id, models.CallerId.number).where(
        models.CallerId.id == bindparam("id")
    )
)


def who_pays(tx: Connection, extension_id: str, caller_id: str | None) -> list[Payer]:
    """Everybody who pays in full for a call of that extension: the callerID whose credit it is
    made on (None: the accounts alone pay), priced by the nearest plan at or above the extension,
    then every account from there up that has a plan, by its own.

    Raises NoRate when there is none.
    """
    above = _ABOVE_WITH_PLANS.rows(tx, extension_id=extension_id)
    found = [
        Payer(row.ledger_id, row.name, _given_plan(row, above[height:]))
        for height, row in enumerate(above)
        if row.plan_id is not None
    ]
    if not found:
        raise NoRate(
            "no payer: neither the extension's account nor one above it has a charging plan: "
            "give one to an account (`plan`)"
        )
    if caller_id is None:
        return found
    row = _CALLER_ID.row(tx, id=caller_id)
    return [Payer(row.ledger_id, row.number, found[0].plan), *found]


def payers(
    tx: Connection, extension_id: str, caller_id: str | None, number: str, at: Instant
) -> list[PayerRate]:
    """The payers of a leg to `number` (E.164 with its plus) dialled at `at`, each with the rate
    that then holds to the leg's end. Raises NoRate."""
    rates: dict[str, Rate | None] = {}
    found: list[PayerRate] = []
    below: str | None = None
    for payer in who_pays(tx, extension_id, caller_id):
        plan = payer.plan
        if plan.id not in rates:
            rates[plan.id] = deck_for(tx, plan.id, number).choose(number, at)
        rate = rates[plan.id]
        if rate is None:
            raise NoRate(f"{payer.name}: the plan {plan.name!r} has no valid rate for {number}")
        free = allowance(plan.packages, number, plan.ledger_id, at, plan.zone)
        own = payer.holds_plan
        found.append(PayerRate(payer.ledger_id, payer.name, plan.id, rate, free, own, below))
        below = payer.ledger_id
    return found


def _given_plan(row: Any, above: Sequence[Any]) -> GivenPlan:
    """`above` begins with the account itself; its time zone may be that of one further up."""
    zones = (account.time_zone for account in above if account.time_zone)
    return GivenPlan(
        row.plan_id,
        row.plan_name,
        tuple(row.special_prefixes),
        tuple(row.packages),
        row.ledger_id,
        next(zones, FALLBACK_TIME_ZONE),
    )
