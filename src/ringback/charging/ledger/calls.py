"""Money of calls: reserved before it is used, settled once (spec section 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from ringback.amounts import ZERO, format_amount
from ringback.charging.holds import Hold, Post, Shortage
from ringback.charging.ledger import minutes
from ringback.charging.ledger.balances import CALL, balance, enter
from ringback.charging.ledger.closing import take_rest
from ringback.charging.ledger.spending import spend
from ringback.charging.rating import Free, Rate, charge_of_blocks, microseconds
from ringback.clock import Instant
from ringback.store import models
from ringback.store.prepared import Prepared


class LedgerFault(Exception):
    """A fault of Ringback's own: more is to be posted than was reserved, or reserved for a leg
    that is settled. The ledger refuses it."""


_A, _R = models.LedgerAccountRow, models.ReservationRow

_TAKE = Prepared(
    update(_A)
    .where(
        _A.id == bindparam("id"),
        ~_A.unlimited,
        _A.balance + _A.credit_limit - _A.reserved >= bindparam("more"),
    )
    .values(reserved=_A.reserved + bindparam("more"))
)
_HELD = Prepared(
    select(_R.id, _R.amount, _R.free, _R.free_blocks, _R.below_id, _R.settled)
    .where(_R.id.in_(bindparam("ids", expanding=True)))
    .order_by(_R.id)
    .with_for_update()
)
"""Locked are a reservation, then its account, then free minutes, here and where it is settled."""
_CHANGE = Prepared(
    update(_R)
    .where(_R.id == bindparam("id"))
    .values(
        amount=bindparam("amount"),
        free=bindparam("free"),
        free_blocks=bindparam("free_blocks"),
        below_id=bindparam("below_id"),
    )
)
_SETTLE = Prepared(
    update(_R)
    .where(_R.id == bindparam("id"), ~_R.settled)
    .values(settled=True)
    .returning(
        _R.amount,
        _R.free,
        _R.free_first,
        _R.free_blocks,
        _R.allowance_id,
        _R.rate,
        _R.below_id,
        _R.spends,
    )
)
_POST = Prepared(
    update(_A)
    .where(_A.id == bindparam("id"))
    .values(balance=_A.balance - bindparam("used"), reserved=_A.reserved - bindparam("held"))
    .returning(_A.balance, _A.reserved, _A.closed)
)
_REVOKED = Prepared(
    select(_R.ledger_id)
    .join(_A, _A.id == _R.ledger_id)
    .where(
        _R.leg_id.in_(bindparam("leg_ids", expanding=True)),
        ~_R.settled,
        ~_A.unlimited,
        _R.free > ZERO,
        _R.amount == ZERO,  # something paid since then was had within the limit
    )
)
_OPEN_OF_LEG = Prepared(
    select(
        _R.ledger_id, _R.payer, _R.amount, _R.free, _R.free_first, _R.free_blocks, _R.rate
    ).where(_R.leg_id == bindparam("leg_id"), ~_R.settled)
)
_OPEN, _CHARGE = Prepared(insert(_R)), Prepared(insert(models.ChargeRow))


@dataclass(slots=True)
class _Held:
    """What is reserved for one leg with one payer, and what is to be."""

    row: Any
    """As it is stored; None where nothing is reserved."""
    amount: Decimal = ZERO
    free: Decimal = ZERO
    free_blocks: int = 0

    @classmethod
    def stored(cls, row: Any) -> _Held:
        return cls(row, row.amount, row.free, row.free_blocks)

    @property
    def total(self) -> Decimal:
        return self.amount + self.free

    def lower(self, hold: Hold) -> Decimal:
        """It is to be no more than the hold: the money that this gives back, which goes before
        what was granted."""
        less = max(ZERO, self.total - hold.total)
        paid = min(less, self.amount)
        self.amount, self.free = self.amount - paid, self.free - (less - paid)
        self.free_blocks = min(self.free_blocks, hold.free.blocks)
        return paid


def reserve(tx: Connection, holds: Sequence[Hold], trims: Sequence[Hold] = ()) -> Shortage | None:
    """Give back what is reserved beyond the total of each of `trims`, free minutes included, and
    reserve all of the holds; or change nothing, and say who lacks what. What is more than a hold
    already, or less than a trim, stays as it is. No two of either are of one reservation.

    Raises LedgerFault for a leg that has been settled.
    """
    held = {hold.reservation_id: _Held(None) for hold in (*trims, *holds)}
    for row in _HELD.rows(tx, ids=list(held)):
        if row.settled:
            raise LedgerFault(f"reservation {row.id} is settled already")
        held[row.id] = _Held.stored(row)
    trims = [hold for hold in trims if held[hold.reservation_id].row is not None]
    every = {hold.reservation_id: hold for hold in (*trims, *holds)}
    needed = dict.fromkeys((hold.ledger_id for hold in every.values()), ZERO)
    for hold in trims:
        needed[hold.ledger_id] -= held[hold.reservation_id].lower(hold)
    added = dict.fromkeys(every, ZERO)
    for hold in holds:
        added[hold.reservation_id] = more = max(ZERO, hold.total - held[hold.reservation_id].total)
        needed[hold.ledger_id] += more

    taken = _take(tx, needed, {hold.ledger_id: hold.payer for hold in every.values()})
    if isinstance(taken, Shortage):
        return taken
    shortage = _take_minutes(tx, holds, trims, held)
    if shortage is not None:
        _give_back(tx, taken)
        return shortage
    for id_, hold in every.items():
        to, more = held[id_], added[id_]
        if taken[hold.ledger_id] is None:
            to.free += more
        else:
            to.amount += more
        _store(tx, hold, to)
    return None


def _take(
    tx: Connection, needed: Mapping[str, Decimal], payers: Mapping[str, str]
) -> dict[str, Decimal | None] | Shortage:
    """Reserve so much with each account, or give it back where it is below 0; or nothing with any.
    None in place of the amount for an account that has no limit."""
    taken: dict[str, Decimal | None] = {}
    for ledger_id in sorted(needed):
        more = needed[ledger_id]
        # Most often there is enough: one statement takes it where it is, and locks the row.
        if not more or _TAKE.run(tx, id=ledger_id, more=more):
            taken[ledger_id] = more
            continue
        found = balance(tx, ledger_id, lock=True)
        if not found.unlimited:
            _give_back(tx, taken)
            return Shortage.of(payers[ledger_id], ledger_id, more, found.available)
        taken[ledger_id] = None
    return taken


def _give_back(tx: Connection, taken: Mapping[str, Decimal | None]) -> None:
    """Undo what `_take` reserved: a refusal leaves no trace, and is no exception, which would make
    the store do every other unit of the batch again."""
    for ledger_id, amount in taken.items():
        if amount:
            _POST.value(tx, id=ledger_id, used=ZERO, held=amount)


def revoked(tx: Connection, leg_ids: Sequence[str]) -> set[str]:
    """The ledger accounts that were granted what they hold for these legs while they had no
    limit, and have one now."""
    return set(_REVOKED.values(tx, leg_ids=leg_ids))


def settle(tx: Connection, posts: Sequence[Post], now: Instant) -> None:
    """Post what was used of each reservation, once, release the rest, and write the charge of
    each leg that was answered. A reservation that is settled already stays as it is.

    Raises LedgerFault when more was used than was reserved.
    """
    prices = {(post.leg_id, post.ledger_id): post.price for post in posts}
    # In the order of accounts, which are locked one after the other.
    for post in sorted(posts, key=lambda post: post.ledger_id):
        held = _SETTLE.row(tx, id=post.reservation_id)
        if held is None:
            continue
        reserved = held.amount + held.free
        free = Free(held.free_first, held.free_blocks)
        if post.price > reserved or post.free.blocks > free.blocks:
            raise LedgerFault(
                f"reservation {post.reservation_id}: {format_amount(post.price)} used of "
                f"{format_amount(reserved)} reserved, {post.free.blocks} free blocks of "
                f"{free.blocks}"
            )
        used = max(ZERO, post.price - held.free)
        left = _POST.row(tx, id=post.ledger_id, used=used, held=held.amount)
        spend(tx, held.spends, post.price - reserved)
        if held.allowance_id is not None:
            rate = Rate.from_json(held.rate)
            spent = rate.free_seconds(post.free) if post.answered else 0
            minutes.use(tx, held.allowance_id, rate.free_seconds(free), spent)
        if post.answered:
            income = prices.get((post.leg_id, held.below_id))
            _charge(tx, post, used, income, left.balance, now)
        if left.closed is not None:
            take_rest(tx, post.ledger_id, f"closing/{post.reservation_id}", left, now)


def settle_interrupted(
    tx: Connection, leg_id: str, answered: Instant | None, alive: Instant, now: Instant
) -> int | None:
    """Settle what a crash left reserved for a leg: an answered one is charged by its stored rate
    up to `alive`, the last sign of life, and never more than was reserved.

    Returns the billed seconds; None for a leg never answered, or settled already.
    """
    posts: list[Post] = []
    for row in _OPEN_OF_LEG.rows(tx, leg_id=leg_id):
        if answered is None:
            posts.append(Post(leg_id, row.ledger_id, row.payer, answered=False))
            continue
        rate, free = Rate.from_json(row.rate), Free(row.free_first, row.free_blocks)
        blocks = rate.blocks(microseconds(alive) - microseconds(answered))
        paid = rate.affordable(row.amount + row.free, free)
        charged = charge_of_blocks(rate, blocks if paid is None else min(blocks, paid), free)
        posts.append(
            Post(
                leg_id,
                row.ledger_id,
                row.payer,
                answered=True,
                price=charged.amount,
                free=charged.free,
                billed_seconds=charged.billed_seconds,
                explanation=charged.explanation,
            )
        )
    settle(tx, posts, now)
    return max((post.billed_seconds for post in posts if post.answered), default=None)


def _store(tx: Connection, hold: Hold, to: _Held) -> None:
    row = to.row
    if row is None:
        _OPEN.run(
            tx,
            id=hold.reservation_id,
            ledger_id=hold.ledger_id,
            leg_id=hold.leg_id,
            payer=hold.payer,
            below_id=hold.below_id,
            amount=to.amount,
            free=to.free,
            free_first=hold.free.first,
            free_blocks=hold.free.blocks,
            allowance_id=None if hold.allowance is None else hold.allowance.id,
            settled=False,
            rate=hold.rate.as_json(),
            spends=list(hold.spends),
        )
        spend(tx, hold.spends, to.total)
        return
    before = (row.amount, row.free, row.free_blocks, row.below_id)
    if (to.amount, to.free, to.free_blocks, hold.below_id) != before:
        _CHANGE.run(
            tx,
            id=hold.reservation_id,
            amount=to.amount,
            free=to.free,
            free_blocks=to.free_blocks,
            below_id=hold.below_id,
        )
        spend(tx, hold.spends, to.total - (row.amount + row.free))


def _take_minutes(
    tx: Connection, holds: Sequence[Hold], trims: Sequence[Hold], held: Mapping[str, _Held]
) -> Shortage | None:
    """Free the minutes that are to be held no more and reserve what the holds have more of them;
    or change nothing."""
    moved: list[tuple[str, int]] = []
    for hold in trims:
        to = held[hold.reservation_id]
        fewer = to.row.free_blocks - to.free_blocks
        if hold.allowance is not None and fewer:
            seconds = fewer * hold.rate.next_block
            minutes.use(tx, hold.allowance.id, seconds, 0)
            moved.append((hold.allowance.id, -seconds))
    for hold in holds:
        to = held[hold.reservation_id]
        if hold.allowance is None:
            to.free_blocks = max(to.free_blocks, hold.free.blocks)
            continue
        had = Free() if to.row is None else Free(hold.free.first, to.free_blocks)
        more = hold.free_seconds - hold.rate.free_seconds(had)
        if more <= 0 and to.row is not None:
            continue
        to.free_blocks = hold.free.blocks
        if minutes.take(tx, hold.allowance, more):
            moved.append((hold.allowance.id, more))
            continue
        for allowance_id, seconds in moved:
            minutes.use(tx, allowance_id, seconds, 0)
        return Shortage(
            hold.payer,
            hold.ledger_id,
            f"its free minutes to +{hold.allowance.prefix} have just been taken",
        )
    return None


def _charge(
    tx: Connection, post: Post, used: Decimal, income: Decimal | None, left: Decimal, now: Instant
) -> None:
    """The entry and the charge of an answered leg."""
    explanation = post.explanation
    if used < post.price:
        explanation += f"; unlimited credit pays {format_amount(post.price - used)} of it"
    enter(
        tx,
        post.ledger_id,
        post.reservation_id,
        CALL,
        -used,
        post.price,
        left,
        now,
        None,
        explanation,
    )
    _CHARGE.run(
        tx,
        leg_id=post.leg_id,
        ledger_id=post.ledger_id,
        payer=post.payer,
        amount=used,
        income=income,
        explanation=explanation,
    )
