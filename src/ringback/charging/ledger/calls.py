"""Money of calls: reserved before it is used, settled once (spec section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import Connection, bindparam, insert, select, update

from ringback.amounts import ZERO, format_amount
from ringback.charging.holds import Hold, Post
from ringback.charging.ledger.balances import Balance, balance, balances, enter
from ringback.charging.rating import Rate, charge_of_blocks, microseconds
from ringback.clock import Instant
from ringback.store import models


class InsufficientCredit(Exception):
    """A payer has not what is to be reserved. Nothing was reserved with anybody."""


class LedgerFault(Exception):
    """A fault of Ringback's own: more is to be posted than was reserved, or reserved for a leg
    that is settled. The ledger refuses it."""


_A, _R = models.LedgerAccount, models.Reservation

_TAKE = (
    update(_A)
    .where(
        _A.id == bindparam("ledger"),
        _A.balance + _A.credit_limit - _A.reserved >= bindparam("more"),
    )
    .values(reserved=_A.reserved + bindparam("more"))
)
_HELD = select(_R.id, _R.amount, _R.free, _R.settled).where(
    _R.id.in_(bindparam("ids", expanding=True))
)
_GROW = (
    update(_R)
    .where(_R.id == bindparam("reservation"))
    .values(amount=_R.amount + bindparam("paid"), free=_R.free + bindparam("granted"))
)
_SETTLE = (
    update(_R)
    .where(_R.id == bindparam("reservation"), ~_R.settled)
    .values(settled=True)
    .returning(_R.amount, _R.free)
)
_POST = (
    update(_A)
    .where(_A.id == bindparam("ledger"))
    .values(balance=_A.balance - bindparam("used"), reserved=_A.reserved - bindparam("held"))
    .returning(_A.balance)
)
_OPEN_OF_LEG = select(_R.ledger_id, _R.payer, _R.amount, _R.free, _R.rate).where(
    _R.leg_id == bindparam("leg"), ~_R.settled
)


def reserve(tx: Connection, holds: Sequence[Hold]) -> None:
    """Reserve all of the holds or none. Raises InsufficientCredit, and LedgerFault for a leg that
    has been settled."""
    held = {
        row.id: row for row in tx.execute(_HELD, {"ids": [hold.reservation_id for hold in holds]})
    }
    added: list[Decimal] = []
    needed: dict[str, Decimal] = {}
    for hold in holds:
        row = held.get(hold.reservation_id)
        if row is not None and row.settled:
            raise LedgerFault(f"reservation {hold.reservation_id} is settled already")
        more = max(ZERO, hold.total - (ZERO if row is None else row.amount + row.free))
        added.append(more)
        needed[hold.ledger_id] = needed.get(hold.ledger_id, ZERO) + more

    found = balances(tx, needed)
    for hold in holds:
        if needed[hold.ledger_id] > found[hold.ledger_id].available:
            raise _insufficient(hold.payer, needed[hold.ledger_id], found[hold.ledger_id])
    for ledger_id, more in needed.items():
        if found[ledger_id].unlimited or not more:
            continue
        # Conditional all the same: where writers are not one at a time, the balance may have
        # changed since it was read.
        if tx.execute(_TAKE, {"ledger": ledger_id, "more": more}).rowcount == 0:
            raise _insufficient(ledger_id, more, balance(tx, ledger_id))

    for hold, more in zip(holds, added, strict=True):
        paid, granted = (ZERO, more) if found[hold.ledger_id].unlimited else (more, ZERO)
        if hold.reservation_id not in held:
            _open_reservation(tx, hold, paid, granted)
        elif more:
            growth = {"reservation": hold.reservation_id, "paid": paid, "granted": granted}
            tx.execute(_GROW, growth)


def trim(tx: Connection, holds: Sequence[Hold]) -> None:
    """Give back what is reserved beyond the total of each hold. One that is less already, or
    settled, stays as it is."""
    for hold in holds:
        row = tx.execute(_HELD, {"ids": [hold.reservation_id]}).one_or_none()
        if row is None or row.settled:
            continue
        less = max(ZERO, row.amount + row.free - hold.total)
        paid = min(less, row.amount)
        change = {"reservation": hold.reservation_id, "paid": -paid, "granted": paid - less}
        tx.execute(_GROW, change)
        tx.execute(_POST, {"ledger": hold.ledger_id, "used": ZERO, "held": paid})


def settle(tx: Connection, posts: Sequence[Post], now: Instant) -> None:
    """Post what was used of each reservation, once, release the rest, and write the charge of
    each leg that was answered. A reservation that is settled already stays as it is.

    Raises LedgerFault when more was used than was reserved.
    """
    for post in posts:
        held = tx.execute(_SETTLE, {"reservation": post.reservation_id}).one_or_none()
        if held is None:
            continue
        reserved = held.amount + held.free
        if post.price > reserved:
            raise LedgerFault(
                f"reservation {post.reservation_id}: {format_amount(post.price)} used of "
                f"{format_amount(reserved)} reserved"
            )
        used = max(ZERO, post.price - held.free)
        left = tx.execute(
            _POST, {"ledger": post.ledger_id, "used": used, "held": held.amount}
        ).scalar_one()
        if post.answered:
            _charge(tx, post, used, left, now)


def settle_interrupted(
    tx: Connection, leg_id: str, answered: Instant | None, alive: Instant, now: Instant
) -> int | None:
    """Settle what a crash left reserved for a leg: an answered one is charged by its stored rate
    up to `alive`, the last sign of life, and never more than was reserved.

    Returns the billed seconds; None for a leg never answered, or settled already.
    """
    posts: list[Post] = []
    for row in tx.execute(_OPEN_OF_LEG, {"leg": leg_id}):
        if answered is None:
            posts.append(Post(leg_id, row.ledger_id, row.payer, answered=False))
            continue
        rate = Rate.from_json(row.rate)
        blocks = rate.blocks(microseconds(alive) - microseconds(answered))
        paid = rate.affordable(row.amount + row.free)
        charged = charge_of_blocks(rate, blocks if paid is None else min(blocks, paid))
        posts.append(
            Post(
                leg_id,
                row.ledger_id,
                row.payer,
                answered=True,
                price=charged.amount,
                billed_seconds=charged.billed_seconds,
                explanation=charged.explanation,
            )
        )
    settle(tx, posts, now)
    return max((post.billed_seconds for post in posts if post.answered), default=None)


def _insufficient(payer: str, needed: Decimal, found: Balance) -> InsufficientCredit:
    return InsufficientCredit(
        f"{payer}: {format_amount(needed)} is to be reserved, "
        f"{format_amount(found.available)} is available"
    )


def _open_reservation(tx: Connection, hold: Hold, paid: Decimal, granted: Decimal) -> None:
    tx.execute(
        insert(_R),
        {
            "id": hold.reservation_id,
            "ledger_id": hold.ledger_id,
            "leg_id": hold.leg_id,
            "payer": hold.payer,
            "amount": paid,
            "free": granted,
            "settled": False,
            "rate": hold.rate.as_json(),
        },
    )


def _charge(tx: Connection, post: Post, used: Decimal, left: Decimal, now: Instant) -> None:
    """The entry and the charge of an answered leg."""
    explanation = post.explanation
    if used < post.price:
        explanation += f"; unlimited credit pays {format_amount(post.price - used)} of it"
    enter(
        tx,
        post.ledger_id,
        post.reservation_id,
        "call",
        -used,
        post.price,
        left,
        now,
        None,
        explanation,
    )
    tx.execute(
        insert(models.Charge),
        {
            "leg_id": post.leg_id,
            "ledger_id": post.ledger_id,
            "payer": post.payer,
            "amount": used,
            "explanation": explanation,
        },
    )
