"""Who pays for a leg, and at which rate (spec section 6, "Who pays")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from ringback.charging.decks import deck_for
from ringback.charging.packages import Allowance, allowance
from ringback.charging.rating import Rate
from ringback.clock import Instant
from ringback.levels import GivenPlan, Level
from ringback.store import models
from ringback.store.prepared import Prepared


class NoRate(Exception):
    """Nobody can pay for this call: no payer, or a payer without a rate for the number. The
    message says which and how to mend it."""


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
    spends: tuple[str, ...] = ()
    """The guarded spending that what this payer pays is part of."""


_CALLER_ID = Prepared(
    select(models.CallerIdRow.ledger_id, models.CallerIdRow.number).where(
        models.CallerIdRow.id == bindparam("id")
    )
)


def who_pays(tx: Connection, levels: Sequence[Level], caller_id: str | None) -> list[Payer]:
    """Everybody who pays in full for a call of an extension below these accounts, the nearest
    first: the callerID whose credit it is made on (None: the accounts alone pay), priced by the
    nearest plan, then every account that has a plan, by its own.

    Raises NoRate when there is none.
    """
    found = [
        Payer(level.ledger_id, level.name, level.plan) for level in levels if level.plan is not None
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
    tx: Connection, levels: Sequence[Level], caller_id: str | None, number: str, at: Instant
) -> list[PayerRate]:
    """The payers of a leg to `number` (E.164 with its plus) dialled at `at`, each with the rate
    that then holds to the leg's end. Raises NoRate."""
    rates: dict[str, Rate | None] = {}
    found: list[PayerRate] = []
    below: str | None = None
    for payer in who_pays(tx, levels, caller_id):
        plan = payer.plan
        if plan.id not in rates:
            rates[plan.id] = deck_for(tx, plan.id, number).choose(number, at)
        rate = rates[plan.id]
        if rate is None:
            raise NoRate(f"{payer.name}: the plan {plan.name!r} has no valid rate for {number}")
        free = allowance(plan.packages, number, plan.ledger_id, at, plan.time_zone)
        own = payer.holds_plan
        found.append(PayerRate(payer.ledger_id, payer.name, plan.id, rate, free, own, below))
        below = payer.ledger_id
    return found
