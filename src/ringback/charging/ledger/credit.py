"""Money put in and taken out: opening, recharges, the credit limit (spec section 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, bindparam, insert, select, update

from ringback.amounts import ZERO, checked, format_amount
from ringback.charging.ledger.balances import Balance, RechargeKind, balance, balances, enter
from ringback.clock import Instant
from ringback.store import models
from ringback.store.prepared import Prepared


class RechargeRefused(Exception):
    """The recharge cannot be made; the message says why, and the most that is possible."""

    def __init__(self, why: str, *, by_order: bool = False) -> None:
        """`by_order`: the order number is what is wrong, else it is the amount."""
        super().__init__(why)
        self.by_order = by_order


class LimitRefused(Exception):
    """The credit limit is below what is used of it; the message names the least possible."""


@dataclass(frozen=True, slots=True)
class Recharged:
    """What came of a recharge."""

    changed: bool
    """False: this order number had been entered before, with the same amount."""
    credit: Balance


_AT_ONCE = 500
"""Ledger accounts named in one statement."""
_BY_ORDER = "recharge/"
"""Before the order number in the step of a recharge."""

_A, _E, _R = models.LedgerAccountRow, models.LedgerEntryRow, models.ReservationRow

_OPEN = Prepared(insert(_A))
_ENTERED = Prepared(
    select(_E.price).where(_E.ledger_id == bindparam("ledger_id"), _E.step == bindparam("step"))
)
_RECHARGE = Prepared(
    update(_A)
    .where(_A.id == bindparam("id"))
    .values(
        balance=_A.balance + bindparam("change"),
        reserved=bindparam("reserved"),
        unlimited=bindparam("unlimited"),
    )
)
_GRANT = Prepared(
    update(_R)
    .where(_R.ledger_id == bindparam("ledger_id"), ~_R.settled)
    .values(free=_R.free + _R.amount, amount=ZERO)
)
_SET_LIMIT = Prepared(
    update(_A)
    .where(_A.id == bindparam("id"), _A.balance + bindparam("credit_limit") - _A.reserved >= ZERO)
    .values(credit_limit=bindparam("credit_limit"))
)


def open_account(
    tx: Connection,
    ledger_id: str,
    now: Instant,
    *,
    balance: Decimal = ZERO,
    credit_limit: Decimal = ZERO,
    who: str | None = None,
    by_account_id: str | None = None,
) -> None:
    """Open a ledger account. An opening balance other than 0 is entered as such, with who gave it,
    and the account whose role allowed it."""
    tx.execute(
        insert(_A),
        {
            "id": ledger_id,
            "balance": balance,
            "reserved": ZERO,
            "credit_limit": credit_limit,
            "unlimited": False,
            "holder_id": None,
        },
    )
    if balance:
        kind = RechargeKind.OPENING
        entered_as = (kind, balance, None, balance, now, who, "opening", None, by_account_id)
        enter(tx, ledger_id, "opening", *entered_as)


def open_empty(tx: Connection, ledger_ids: Sequence[str], holder_id: str) -> None:
    """Open several ledger accounts with nothing in them, for new callerIDs of an extension."""
    _OPEN.run_many(
        tx,
        [
            {
                "id": id_,
                "balance": ZERO,
                "reserved": ZERO,
                "credit_limit": ZERO,
                "unlimited": False,
                "holder_id": holder_id,
            }
            for id_ in ledger_ids
        ],
    )


def recharge(
    tx: Connection,
    ledger_id: str,
    amount: Decimal | None,
    order_number: str,
    now: Instant,
    *,
    kind: RechargeKind = RechargeKind.PAYMENT,
    note: str | None = None,
    who: str | None = None,
    by_account_id: str | None = None,
) -> Recharged:
    """Add `amount`, which may be negative, or with None make the credit unlimited. An order
    number counts once for each ledger account; what the first time said beside it stays: `kind`,
    `note`, `who`, and the account whose role allowed it.

    Unlimited plus an amount of at least 0 stays unlimited; plus one below 0 it becomes 0.

    Raises RechargeRefused: more than is available would be taken, or the order number has been
    entered with another amount. BadAmount: more than an account can hold. KeyError: there is no
    such ledger account.
    """
    step = step_of(order_number)
    before = balance(tx, ledger_id, lock=True)  # first: the same order may be entered beside us
    entered = _ENTERED.row(tx, ledger_id=ledger_id, step=step)
    if entered is not None:
        if entered.price != amount:
            raise RechargeRefused(
                f"order number {order_number!r} has been entered already, with "
                f"{_asked(entered.price)}, not {_asked(amount)}: use a new order number",
                by_order=True,
            )
        return Recharged(False, before)
    if before.closed is not None:
        raise RechargeRefused("the callerID has just been deleted")
    unlimited = amount is None or (before.unlimited and amount >= 0)
    if amount is None or unlimited:
        change = ZERO
    elif before.unlimited:
        change = -before.balance
    elif before.available + amount < 0:
        raise RechargeRefused(
            f"{format_amount(-amount)} cannot be taken: at most "
            f"{format_amount(max(ZERO, before.available))} is available"
        )
    else:
        change = checked(amount)
    if unlimited and not before.unlimited:
        _GRANT.run(tx, ledger_id=ledger_id)
    after = Balance(
        checked(before.balance + change),
        ZERO if unlimited else before.reserved,
        before.credit_limit,
        unlimited,
    )
    _RECHARGE.run(tx, id=ledger_id, change=change, reserved=after.reserved, unlimited=unlimited)
    explanation = f"order {order_number}: {_asked(amount)}"
    entered_as = (kind, change, amount, after.balance, now, who, explanation, note, by_account_id)
    enter(tx, ledger_id, step, *entered_as)
    return Recharged(True, after)


def step_of(order_number: str) -> str:
    """The step of a recharge, which is its id within its ledger account."""
    return f"{_BY_ORDER}{order_number}"


def order_of(step: str) -> str | None:
    """The order number that an entry's step was made of; None where it is no recharge."""
    return step.removeprefix(_BY_ORDER) if step.startswith(_BY_ORDER) else None


def _asked(amount: Decimal | None) -> str:
    return "unlimited" if amount is None else format_amount(amount)


def set_credit_limit(tx: Connection, ledger_id: str, limit: Decimal) -> None:
    """Let the balance go so far below zero; 0 for prepaid. Raises LimitRefused when more than
    that is owed or reserved for calls already."""
    if _SET_LIMIT.run(tx, id=ledger_id, credit_limit=limit) == 0:
        raise LimitRefused(_too_low(limit, balance(tx, ledger_id)))


def set_credit_limits(
    tx: Connection, ledger_ids: Sequence[str], limit: Decimal
) -> Mapping[str, str]:
    """The same for many at once. Those for which it is too low keep theirs: returns why, by their
    ids."""
    refused = {}
    for start in range(0, len(ledger_ids), _AT_ONCE):
        some = balances(tx, ledger_ids[start : start + _AT_ONCE], lock=True)
        low = {
            id_: _too_low(limit, now)
            for id_, now in some.items()
            if not now.unlimited and now.balance + limit - now.reserved < 0
        }
        rest = [id_ for id_ in some if id_ not in low]
        tx.execute(update(_A).where(_A.id.in_(rest)).values(credit_limit=limit))
        refused.update(low)
    return refused


def _too_low(limit: Decimal, now: Balance) -> str:
    return (
        f"a limit of {format_amount(limit)} is too low: "
        f"{format_amount(now.reserved - now.balance)} is owed or reserved for calls already, "
        "which is the least possible"
    )
