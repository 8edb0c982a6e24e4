"""Applying a setup file: checked whole, then entry by entry, beside others."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection, func, select
from tests.accounts.helpers import (
    FIRST,
    Place,
    credit,
    extension_of,
    faults,
)
from tests.charging.helpers import check_books

from ringback.accounts.setupfile import SetupError
from ringback.setup import HalfApplied
from ringback.setup.caller_ids import BATCH
from ringback.store import Store, StoreFull
from ringback.store.models import (
    CallerIdRow,
)

T = TypeVar("T")


class Watched:
    """A store that counts its units of work, and fails at one of them."""

    def __init__(self, store: Store, fails_at: int = 0) -> None:
        self._store = store
        self.units = 0
        self.fails_at = fails_at
        self.caller_ids: list[int] = []
        """How many there are after each unit."""

    async def run(self, work: Callable[[Connection], T]) -> T:
        self.units += 1
        if self.units == self.fails_at:
            raise StoreFull("the disk is full")

        def counted(tx: Connection) -> tuple[T, int]:
            result = work(tx)
            query = select(func.count()).select_from(CallerIdRow)
            return result, tx.execute(query).scalar_one()

        result, found = await self._store.run(counted)
        self.caller_ids.append(found)
        return result

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self._store.read(work)

    async def close(self) -> None:
        await self._store.close()


def test_units_of_work_are_small_and_none_is_done_before_all_is_checked(
    place: Place,
) -> None:
    store = place.store = Watched(place.store)
    entries = extension_of(place)["caller_ids"]
    entries += [
        {"number": f"+4477009{number:05}", "credit": "1.00", "order_number": "A"}
        for number in range(200)
        if number != 123
    ]
    entries[-1]["credit"] = "-1.00"
    (fault,) = faults(place)
    assert "1.00 cannot be taken" in fault
    assert store.units == 0
    entries[-1]["credit"] = "1.00"
    assert len(place.apply()) == 398
    steps = [after - before for before, after in pairwise([1, *store.caller_ids])]
    assert (sum(steps), max(steps)) == (199, BATCH)


def test_what_fails_half_way_is_told_and_goes_on_when_applied_again(
    tmp_path: Path, store: Store
) -> None:
    """Whichever unit it is: what was told has been done, and the rest follows."""
    place = Place(tmp_path, store)
    (tmp_path / "bye.wav").write_bytes(b"bye")
    place.document["sounds"] = [{"account": "acme", "path": "/bye.wav", "file": "bye.wav"}]
    expected = [*FIRST, "created sound /bye.wav of acme"]
    told: list[str] = []
    failures = 0
    while True:
        place.store = Watched(store, fails_at=failures + 3 if failures < 10 else 0)
        try:
            place.apply(tell=told.append)
            break
        except SetupError as error:
            failures += 1
            half = isinstance(error, HalfApplied)
            assert ("what is printed above has been applied" in str(error)) == half
    assert failures == 10
    assert sorted(told) == sorted(expected)
    assert place.apply() == []
    place.read(check_books)


def test_two_at_once_are_told_and_not_mixed(place: Place) -> None:
    """Another apply enters the same callerID between the check and the step."""
    entry = {"number": "+447700900200", "credit": "1.00", "order_number": "A-1"}
    extension_of(place)["caller_ids"].append(entry)

    class Meddled(Watched):
        async def run(self, work: Callable[[Connection], T]) -> T:
            if self.units == 0:
                other = Place(place.folder, self._store)
                extension_of(other)["caller_ids"] = [{**entry, "credit": "2.00"}]
                await other.applied()
            return await super().run(work)

    place.store = Meddled(place.store)
    with pytest.raises(SetupError, match="order number 'A-1' has been entered already"):
        place.apply()
    assert credit(place, "+447700900200").balance == Decimal(2)
