"""Who pays for a leg, and at which rate (spec section 6, "Who pays")."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Integer, bindparam, literal_column, select

from ringback.charging.rating import Rate, choose
from ringback.clock import Instant
from ringback.store import models


class NoRate(Exception):
    """Nobody can pay for this call: no payer, or a payer without a rate for the number. The
    message says which and how to mend it."""


@dataclass(frozen=True, slots=True)
class Payer:
    """A balance that pays, and the plan that prices it."""

    ledger_id: str
    name: str
    """Name of the account, or number of the callerID."""
    plan_id: str
    plan_name: str
    special_prefixes: tuple[str, ...]
    """Premium and satellite prefixes that the plan lets be called, without plus (spec section 8).
    Every payer must list one for it to be called."""


@dataclass(frozen=True, slots=True)
class PayerRate:
    """A payer with the rate that holds for one leg."""

    ledger_id: str
    name: str
    rate: Rate


_START = (
    select(
        models.Account.id, models.Account.parent_id, literal_column("0", Integer).label("height")
    )
    .join(models.Extension, models.Extension.account_id == models.Account.id)
    .where(models.Extension.id == bindparam("extension"))
    .cte("above", recursive=True)
)
_ABOVE = _START.union_all(
    select(models.Account.id, models.Account.parent_id, _START.c.height + 1).join(
        _START, models.Account.id == _START.c.parent_id
    )
)
_NEAREST_PLAN = (
    select(
        models.Account.ledger_id,
        models.Account.name,
        models.Plan.id.label("plan_id"),
        models.Plan.name.label("plan_name"),
        models.Plan.special_prefixes,
    )
    .join(_ABOVE, models.Account.id == _ABOVE.c.id)
    .join(models.Plan, models.Plan.id == models.Account.plan_id)
    .order_by(_ABOVE.c.height)
    .limit(1)
)
_CALLER_ID = select(models.CallerId.ledger_id, models.CallerId.number).where(
    models.CallerId.id == bindparam("caller_id")
)
_RATES = select(
    models.Rate.prefix,
    models.Rate.setup,
    models.Rate.first_block,
    models.Rate.first_price,
    models.Rate.next_block,
    models.Rate.price_per_minute,
    models.Rate.valid_from,
    models.Rate.valid_to,
).where(
    models.Rate.plan_id == bindparam("plan"),
    models.Rate.prefix.in_(bindparam("prefixes", expanding=True)),
)


def who_pays(tx: Connection, extension_id: str, caller_id: str | None) -> list[Payer]:
    """Everybody who pays in full for a call of that extension. `caller_id` is the id of the
    authorized callerID whose credit it is made on, None where the accounts alone pay.

    Until every account above the extension pays too, there is one payer: the callerID, priced by
    the nearest plan at or above the extension, else the nearest account that has a plan.
    Raises NoRate when there is none.
    """
    plan = tx.execute(_NEAREST_PLAN, {"extension": extension_id}).one_or_none()
    if plan is None:
        raise NoRate(
            "no payer: neither the extension's account nor one above it has a charging plan: "
            "give one to an account (`plan`)"
        )
    ledger_id, name = plan.ledger_id, plan.name
    if caller_id is not None:
        ledger_id, name = tx.execute(_CALLER_ID, {"caller_id": caller_id}).one()
    return [Payer(ledger_id, name, plan.plan_id, plan.plan_name, tuple(plan.special_prefixes))]


def payers(
    tx: Connection, extension_id: str, caller_id: str | None, number: str, at: Instant
) -> list[PayerRate]:
    """The payers of a leg to `number` (E.164 with its plus) dialled at `at`, each with the rate
    that then holds to the leg's end. Raises NoRate."""
    digits = number.removeprefix("+")
    prefixes = [digits[:length] for length in range(len(digits) + 1)]
    found = []
    for payer in who_pays(tx, extension_id, caller_id):
        rows = tx.execute(_RATES, {"plan": payer.plan_id, "prefixes": prefixes})
        rate = choose((Rate(*row) for row in rows), number, at)
        if rate is None:
            raise NoRate(
                f"{payer.name}: the plan {payer.plan_name!r} has no valid rate for {number}"
            )
        found.append(PayerRate(payer.ledger_id, payer.name, rate))
    return found
