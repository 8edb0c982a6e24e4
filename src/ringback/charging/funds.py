"""The money of one session as a whole (spec section 6, "Reserve, then settle").

It owns the session's meter and changes it in one place, by units of work that run one after the
other: a step is worked out from what is held, so two must never be under way at once. Some the
session waits for (`change`), some nobody does: the next slice, and what a change of credit asks
for. Whatever fails in those reaches the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from ringback.charging.holds import Role
from ringback.charging.ledger import Shortage
from ringback.charging.meter import Meter
from ringback.charging.money import Money
from ringback.clock import Clock, Instant
from ringback.store import StoreError

T = TypeVar("T")


class UnitOfWork(Protocol):
    """How units of work are done: `Store.run`, or what a session puts around it."""

    def __call__(self, work: Callable[[Connection], T]) -> Awaitable[T]: ...


class Owner(Protocol):
    """Whose money it is: told, on the event loop, of what comes of it."""

    def funds_changed(self) -> None:
        """Something was reserved, given back or settled, or a leg was answered or ended."""
        ...

    def sliced(self) -> None:
        """The next slice that was asked for has been reserved, or nothing more could be."""
        ...

    def credit_looked_at(self) -> None:
        """What a change of credit asks for is done: what was asked for in vain may be had."""
        ...

    def funds_failed(self, error: Exception) -> None:
        """A step that nobody waits for has failed by a fault of Ringback."""
        ...

    def funds_troubled(self, what: str) -> None:
        """Something did not come about that an operator should know of."""
        ...


class Funds:
    """What is reserved for one session, how long that lasts, and every change of it."""

    def __init__(self, run: UnitOfWork, read: UnitOfWork, clock: Clock, owner: Owner) -> None:
        self._run = run
        self._read = read
        self._clock = clock
        self._owner = owner
        self._meter = Meter()
        self._in_doubt: set[str] = set()
        """Legs about whose money a commit failed, which may have been kept all the same: what is
        stored of them counts, not what the meter says."""
        self._turn = asyncio.Lock()
        self._background: set[asyncio.Task[None]] = set()

    # Changes

    async def change(self, work: Callable[[Money], T], run: UnitOfWork | None = None) -> T:
        """Do a unit of work that changes what is reserved, once it is its turn; by `run`, where it
        is done otherwise than the others. Raises StoreError: then it may have been kept or not, and
        the legs are settled by what is stored."""
        result = await self._change(work, run or self._run)
        self._owner.funds_changed()
        return result

    async def _change(self, work: Callable[[Money], T], run: UnitOfWork) -> T:
        async with self._turn:
            meter, now, in_doubt = self._meter, self._clock.now(), frozenset(self._in_doubt)

            def unit(tx: Connection) -> tuple[T, Meter]:
                money = Money(tx, meter.copy(), now, in_doubt)
                return work(money), money.meter

            try:
                result, after = await run(unit)
            except BaseException:
                self._in_doubt.update(self._meter.all_leg_ids())
                raise
            self._meter.adopt(after)
        return result

    async def read(self, work: Callable[[Money], T]) -> T:
        """Work out what the money comes to, without changing anything."""
        async with self._turn:
            meter, now = self._meter, self._clock.now()

            def unit(tx: Connection) -> T:
                return work(Money(tx, meter.copy(), now))

            return await self._read(unit)

    def slice_soon(self) -> None:
        """Reserve the next slice with every payer, or find that there is nothing more."""
        self._in_background(self._slice)

    def look_at_credit_soon(self) -> None:
        """The credit of somebody who pays has changed: whoever was unlimited and is no more pays no
        block that has not begun, and what was asked for in vain may be had."""
        self._in_background(self._look_at_credit)

    async def idle(self) -> None:
        """Wait until no step is under way."""
        while self._background:
            await asyncio.wait(self._background)

    # The course of the legs

    def answered(self, role: Role, at: Instant) -> None:
        """The leg's time begins."""
        self._meter.answered(role, at)
        self._owner.funds_changed()

    def ended(self, role: Role) -> None:
        """The leg is over, though not settled yet."""
        self._meter.ended(role)
        self._owner.funds_changed()

    # What it comes to

    def funded(self) -> Instant:
        """The last instant at which every payer covers both legs. math.inf while none has been
        answered."""
        return self._meter.funded()

    def funded_a(self) -> Instant:
        """Leg A's own instant: it must have ended by then. math.inf while it is not answered."""
        return self._meter.funded_a()

    def ledger_ids(self) -> list[str]:
        """The ledger accounts that pay for the open legs."""
        return self._meter.ledger_ids()

    # Steps that nobody waits for

    def _in_background(self, step: Callable[[], Awaitable[None]]) -> None:
        async def watched() -> None:
            try:
                await step()
            except Exception as error:  # noqa: BLE001  the session is told, and ends
                self._owner.funds_failed(error)

        task = asyncio.get_running_loop().create_task(watched())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _slice(self) -> None:
        try:
            shortage: Shortage | StoreError | None = await self._change(Money.slice, self._run)
        except StoreError as error:
            shortage = error
        if shortage is not None:
            # Another call may have taken the money meanwhile; the watch looks once more.
            self._owner.funds_troubled(f"no slice reserved: {shortage}")
        self._owner.sliced()

    async def _look_at_credit(self) -> None:
        try:
            await self._change(Money.curtail, self._run)
        except StoreError as error:
            self._owner.funds_troubled(f"a change of credit was not looked at: {error}")
        else:
            self._owner.credit_looked_at()
