"""How often somebody may try: some times at once, then one more with each interval.

What is stored is one instant a key: when all tries will be forgotten, if no more come. Each try
moves it on by one interval; a try that would move it beyond what is allowed is refused, and moves
nothing, so that refused tries lock nobody out for longer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, update
from sqlalchemy.dialects.postgresql import insert

from ringback.clock import Instant
from ringback.store.models import ThrottleRow
from ringback.store.prepared import Prepared


@dataclass(frozen=True, slots=True)
class Allowed:
    """How much is allowed."""

    at_once: int
    interval: float
    """Seconds until one more is allowed."""

    def after(self, until: Instant, now: Instant) -> Instant | None:
        """The instant to be stored after one more try; None if it is not allowed."""
        moved = max(until, now) + self.interval
        return moved if moved <= now + self.at_once * self.interval else None


@dataclass(frozen=True, slots=True)
class Counter:
    """What is counted, and how much of it is allowed."""

    key: str
    allowed: Allowed


SIGN_IN_ADDRESS = Allowed(at_once=10, interval=300)
SIGN_IN_SOURCE = Allowed(at_once=50, interval=30)
RESET_ADDRESS = Allowed(at_once=3, interval=1200)
RESET_SOURCE = Allowed(at_once=20, interval=180)


def counter(what: str, who: str, allowed: Allowed) -> Counter:
    """A counter of what somebody typed, of which no more than a hash is kept."""
    return Counter(f"{what}/{hashlib.sha256(who.encode()).hexdigest()}", allowed)


_FORGET = Prepared(delete(ThrottleRow).where(ThrottleRow.until < bindparam("now")))
_LOCKED = Prepared(
    insert(ThrottleRow)
    .on_conflict_do_update(
        index_elements=[ThrottleRow.key], set_={"key": insert(ThrottleRow).excluded.key}
    )
    .returning(ThrottleRow.until)
)
_SET = Prepared(
    update(ThrottleRow)
    .where(ThrottleRow.key == bindparam("of_key"))
    .values(until=bindparam("moved"))
)


def take(tx: Connection, counters: Sequence[Counter], now: Instant) -> bool:
    """Count one try. False: one of the counters does not allow it, and none has counted it.

    It does the same whether it is allowed or not. The rows are locked first, so that of tries at
    the same time each sees the one before.
    """
    _FORGET.run(tx, now=now - 3600)  # rows that nobody works on
    before = [_LOCKED.value(tx, key=each.key, until=now) for each in counters]
    after = [each.allowed.after(until, now) for each, until in zip(counters, before, strict=True)]
    allowed = all(until is not None for until in after)
    for each, old, new in zip(counters, before, after, strict=True):
        _SET.run(tx, of_key=each.key, moved=new if allowed else old)
    return allowed


def give_back(tx: Connection, counters: Sequence[Counter], now: Instant) -> None:
    """Take one try off again: it was a right one."""
    for each in counters:
        until = _LOCKED.value(tx, key=each.key, until=now)
        _SET.run(tx, of_key=each.key, moved=max(until - each.allowed.interval, now))


def forget(tx: Connection, each: Counter) -> None:
    """Begin anew."""
    tx.execute(delete(ThrottleRow).where(ThrottleRow.key == each.key))
