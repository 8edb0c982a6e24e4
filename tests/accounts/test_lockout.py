"""The lock-out rule (spec section 4, step 5)."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection

from ringback.accounts import lockout
from ringback.accounts.lockout import Lock
from ringback.store import Store

NOW = 1_800_000_000.0
MINUTE = 60.0


def wrong(lock: Lock, times: int, now: float) -> Lock:
    for _ in range(times):
        lock = lock.after_wrong(now)
    return lock


def test_five_wrong_in_a_row_lock_for_fifteen_minutes() -> None:
    lock = wrong(Lock(), 4, NOW)
    assert not lock.locked(NOW)
    lock = lock.after_wrong(NOW)
    assert lock.locked(NOW)
    assert lock.locked(NOW + 15 * MINUTE - 0.001)
    assert not lock.locked(NOW + 15 * MINUTE)


def test_each_lock_out_doubles_the_next_up_to_a_day() -> None:
    lock, now, minutes = Lock(), NOW, []
    for _ in range(10):
        assert not wrong(lock, 4, now).locked(now)
        lock = wrong(lock, 5, now)
        assert lock.until is not None
        minutes.append((lock.until - now) / MINUTE)
        now = lock.until
    assert minutes == [15, 30, 60, 120, 240, 480, 960, 1440, 1440, 1440]


def test_rows_are_kept_and_lifted(store: Store) -> None:
    keys = [lockout.pin_key("c1"), lockout.claim_key("c1")]

    def work(tx: Connection) -> None:
        assert lockout.load(tx, keys) == {key: Lock() for key in keys}
        first = Lock().after_wrong(NOW)
        lockout.save(tx, keys[0], first)
        second = wrong(first, 4, NOW)
        lockout.save(tx, keys[0], second)
        assert lockout.load(tx, keys) == {keys[0]: second, keys[1]: Lock()}
        lockout.lift(tx, keys[0])
        lockout.lift(tx, keys[1])
        assert lockout.load(tx, keys)[keys[0]] == Lock()
        assert lockout.load(tx, []) == {}

    asyncio.run(store.run(work))


def test_what_is_locked_is_never_mixed_up() -> None:
    number = "+447700900123"
    keys = {
        lockout.pin_key("a"),
        lockout.claim_key("a"),
        lockout.claims_from_key(number),
        lockout.password_key("a", number),
        lockout.password_key("b", number),
    }
    assert len(keys) == 5
