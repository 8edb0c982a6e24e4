"""The lock-out: five wrong entries in a row lock for 15 minutes, doubling to a day (spec section
4, step 5).

A claim gives the PIN of a callerID on another phone. Wrong ones lock claims of that callerID; and
where five distinct callerIDs were claimed wrongly within a day, listed or not, claims from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from ringback.clock import Instant
from ringback.store import models
from ringback.store.prepared import Prepared

WRONG_IN_A_ROW = 5
WRONG_CLAIMS_A_DAY = 5
"""Distinct callerIDs claimed wrongly from one return number."""
DAY_SECONDS = 24 * 3600
FIRST_SECONDS = 15 * 60
LONGEST_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class Lock:
    """What is known of one thing that can be locked."""

    failures: int = 0
    times: int = 0
    until: Instant | None = None

    def locked(self, now: Instant) -> bool:
        return self.until is not None and now < self.until

    def after_wrong(self, now: Instant) -> Lock:
        """One more wrong entry, which was not empty."""
        if self.failures + 1 < WRONG_IN_A_ROW:
            return Lock(self.failures + 1, self.times, self.until)
        return self.again(now)

    def again(self, now: Instant) -> Lock:
        """Locked, for twice as long as the last time."""
        seconds = min(FIRST_SECONDS * 2**self.times, LONGEST_SECONDS)
        return Lock(0, self.times + 1, now + seconds)


def pin_key(caller_id: str) -> str:
    """PINs typed on the callerID's own phone."""
    return f"pin/{caller_id}"


def claim_key(caller_id: str) -> str:
    """Claims of that callerID from other phones."""
    return f"claim/{caller_id}"


def claims_from_key(number: str) -> str:
    """Claims made on the phone of that number."""
    return f"claims-from/{number}"


def password_key(extension: str, number: str) -> str:
    """Passwords typed on the phone of that number, for one extension."""
    return f"password/{extension}/{number}"


_LOAD = Prepared(
    select(models.LockRow.__table__).where(
        models.LockRow.key.in_(bindparam("keys", expanding=True))
    )
)
_LIFT = Prepared(delete(models.LockRow).where(models.LockRow.key == bindparam("key")))

_W = models.WrongClaimRow

_FORGET = Prepared(delete(_W).where(_W.at < bindparam("a_day_ago")))
_CLAIMED = Prepared(
    insert(_W).on_conflict_do_update(
        index_elements=[_W.return_number, _W.claimed], set_={"at": insert(_W).excluded.at}
    )
)
_COUNT = Prepared(
    select(func.count().label("count"))
    .select_from(_W)
    .where(_W.return_number == bindparam("return_number"))
)
_BEGIN_ANEW = Prepared(delete(_W).where(_W.return_number == bindparam("return_number")))


def load(tx: Connection, keys: Sequence[str]) -> dict[str, Lock]:
    """The locks of those keys; one that never failed is there too."""
    locks = dict.fromkeys(keys, Lock())
    for row in _LOAD.rows(tx, keys=keys):
        locks[row.key] = Lock(row.failures, row.times, row.until)
    return locks


def save(tx: Connection, key: str, lock: Lock) -> None:
    values = {"failures": lock.failures, "times": lock.times, "until": lock.until}
    if (
        tx.execute(update(models.LockRow).where(models.LockRow.key == key).values(values)).rowcount
        == 0
    ):
        tx.execute(insert(models.LockRow), {"key": key, **values})


def lift(tx: Connection, key: str) -> None:
    """A right entry, or an operator, takes the lock away and forgets the failures."""
    _LIFT.run(tx, key=key)


def claimed_wrongly(tx: Connection, return_number: str, claimed: str, now: Instant) -> None:
    """One more wrong claim on the phone of `return_number`; `claimed` stands for the callerID. The
    fifth distinct one of a day locks further claims from there."""
    _FORGET.run(tx, a_day_ago=now - DAY_SECONDS)
    _CLAIMED.run(tx, return_number=return_number, claimed=claimed, at=now)
    if _COUNT.value(tx, return_number=return_number) >= WRONG_CLAIMS_A_DAY:
        key = claims_from_key(return_number)
        save(tx, key, load(tx, [key])[key].again(now))
        _BEGIN_ANEW.run(tx, return_number=return_number)
