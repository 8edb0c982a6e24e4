"""The lock-out rule (spec section 4, step 5)."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection, func, select

from ringback.accounts import lockout
from ringback.accounts.lockout import Lock
from ringback.store import Store
from ringback.store.models import WrongClaimRow

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


HOTEL = "+442071234567"
DAY = 24 * 60 * MINUTE


def claims_from(tx: Connection, number: str = HOTEL) -> Lock:
    key = lockout.claims_from_key(number)
    return lockout.load(tx, [key])[key]


def rows(tx: Connection) -> int:
    return tx.execute(select(func.count()).select_from(WrongClaimRow)).scalar_one()


def test_five_distinct_wrong_claims_within_a_day_lock_claims_from_there(store: Store) -> None:
    def work(tx: Connection) -> None:
        for number in range(4):
            for _ in range(3):  # the same again is no further one
                lockout.claimed_wrongly(tx, HOTEL, f"c{number}", NOW + number)
        lockout.claimed_wrongly(tx, "+442071234568", "c4", NOW + 5)
        assert claims_from(tx) == Lock()
        lockout.claimed_wrongly(tx, HOTEL, "c4", NOW + 6)
        assert claims_from(tx) == Lock(0, 1, NOW + 6 + 15 * MINUTE)
        assert claims_from(tx, "+442071234568") == Lock()

    asyncio.run(store.run(work))


def test_the_count_begins_anew_with_a_lock_and_the_next_is_twice_as_long(store: Store) -> None:
    def work(tx: Connection) -> None:
        for number in range(5):
            lockout.claimed_wrongly(tx, HOTEL, f"c{number}", NOW)
        later = NOW + 16 * MINUTE
        for number in range(4):
            lockout.claimed_wrongly(tx, HOTEL, f"c{number}", later)
        assert not claims_from(tx).locked(later)
        lockout.claimed_wrongly(tx, HOTEL, "c9", later)
        assert claims_from(tx) == Lock(0, 2, later + 30 * MINUTE)

    asyncio.run(store.run(work))


def test_a_wrong_claim_counts_for_a_day(store: Store) -> None:
    def work(tx: Connection) -> None:
        lockout.claimed_wrongly(tx, HOTEL, "c0", NOW)
        for number in range(1, 4):
            lockout.claimed_wrongly(tx, HOTEL, f"c{number}", NOW + 60)
        lockout.claimed_wrongly(tx, HOTEL, "c4", NOW + DAY + 1)
        assert claims_from(tx) == Lock(), "the first is too long ago"
        lockout.claimed_wrongly(tx, HOTEL, "c0", NOW + DAY + 2)
        assert claims_from(tx).times == 1

    asyncio.run(store.run(work))


def test_few_rows_are_kept_and_none_for_longer_than_a_day(store: Store) -> None:
    def work(tx: Connection) -> None:
        for number in range(200):
            lockout.claimed_wrongly(tx, HOTEL, f"c{number}", NOW + number)
            assert rows(tx) < lockout.WRONG_CLAIMS_A_DAY
        for number in range(50):
            lockout.claimed_wrongly(tx, f"+4420712345{number:02}", "c", NOW + 300)
        lockout.claimed_wrongly(tx, HOTEL, "c", NOW + 301 + DAY)
        assert rows(tx) == 1

    asyncio.run(store.run(work))
