"""The money of one session as a whole (spec section 6, "Reserve, then settle").

It owns the session's meter and changes it in one place, by units of work that run one after the
other: a step is worked out from what is held, so two must never be under way at once. Some the
session waits for (`change`), some nobody does: the next slice, and what a change of credit asks
for. Whatever fails in those reaches the session.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from ringback.charging.holds import Role, Shortage
from ringback.charging.meter import Meter
from ringback.charging.money import NOTICE_SECONDS, Limits, Money, no_limits
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

    def limits_changed(self) -> None:
        """The legs must end by themselves at other instants (`Funds.limit`)."""
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

    def __init__(
        self,
        run: UnitOfWork,
        read: UnitOfWork,
        clock: Clock,
        owner: Owner,
        limits: Callable[[], Limits] = lambda: no_limits,
    ) -> None:
        """`limits` gives what limits the session just then."""
        self._run = run
        self._read = read
        self._clock = clock
        self._owner = owner
        self._limits = limits
        self._meter = Meter()
        self._least: dict[Role, Instant] = {}
        """What a unit of work under way leaves of the legs at least. No leg outlasts it meanwhile:
        the store may take longer than what is left of the leg then."""
        self.shortage: Shortage | None = None
        """Who lacked what when more was last asked for in vain."""
        self._in_doubt: set[str] = set()
        """Legs about whose money a commit failed, which may have been kept all the same: what is
        stored of them counts, not what the meter says."""
        self._turn = asyncio.Lock()
        self._background: set[asyncio.Task[None]] = set()

    # Changes

    async def change(
        self,
        work: Callable[[Money], T],
        run: UnitOfWork | None = None,
        keeps: float = math.inf,
    ) -> T:
        """Do a unit of work that changes what is reserved, once it is its turn; by `run`, where it
        is done otherwise than the others. Of leg A it may give back what is beyond the next
        `keeps` seconds: leg A does not outlast them until the unit is done.

        Raises StoreError: then it may have been kept or not, and the legs are settled by what is
        stored."""
        async with self._turn:
            least: dict[Role, Instant] = {"A": self._clock.now() + keeps}
            result = await self._change(work, run or self._run, least)
        self._owner.funds_changed()
        return result

    async def _change(
        self, work: Callable[[Money], T], run: UnitOfWork, least: Mapping[Role, Instant]
    ) -> T:
        """The same, once it is its turn. `least` are the instants up to which the legs that it may
        shorten stay paid. They hold on where it fails, as it may have been kept."""
        meter, now, in_doubt = self._meter, self._clock.now(), frozenset(self._in_doubt)
        limits = self._limits()
        keeps = least.get("A", math.inf)

        def unit(tx: Connection) -> tuple[T, Meter]:
            money = Money(tx, meter.copy(), now, in_doubt, keeps, limits)
            return work(money), money.meter

        for role, at in least.items():
            self._least[role] = min(at, self._least.get(role, math.inf))
        self._owner.limits_changed()
        try:
            result, after = await run(unit)
        except BaseException:
            self._in_doubt.update(self._meter.all_leg_ids())
            raise
        self._meter.lapse(self._clock.now())
        self._meter.adopt(after)
        self._least.clear()
        self._owner.limits_changed()
        return result

    async def read(self, work: Callable[[Money], T]) -> T:
        """Work out what the money comes to, without changing anything."""
        async with self._turn:
            return await self._read_now(work)

    async def _read_now(self, work: Callable[[Money], T]) -> T:
        meter, now, limits = self._meter, self._clock.now(), self._limits()

        def unit(tx: Connection) -> T:
            return work(Money(tx, meter.copy(), now, limits=limits))

        return await self._read(unit)

    def slice_soon(self) -> None:
        """Reserve the next slice with every payer, or find that there is nothing more."""
        self._in_background(lambda: self._grow(Money.slice))

    def extend_ringing_soon(self, latest_answer: Instant) -> None:
        """Let leg B ring on, at most until `latest_answer`, or find that there is no money for
        that."""
        self._in_background(lambda: self._grow(lambda money: money.extend_ringing(latest_answer)))

    def look_at_credit_soon(self, latest_answer: Instant) -> None:
        """The credit of somebody who pays has changed: whoever was unlimited and is no more pays no
        block that has not begun, what was asked for in vain may be had, and a leg B that rings
        may do so at most until `latest_answer`."""
        self._in_background(lambda: self._look_at_credit(latest_answer))

    # The course of the legs

    def answered(self, role: Role, at: Instant) -> None:
        """The leg's time begins."""
        self._meter.answered(role, at)
        self._owner.funds_changed()

    def given_up(self, role: Role) -> None:
        """The leg is being withdrawn: it rings no more."""
        self._meter.given_up(role)
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

    def latest_answer(self) -> Instant:
        """The last instant at which an answer of the leg B that rings is funded. math.inf while
        none does."""
        return self._meter.latest_answer()

    def limit(self, role: Role) -> Instant:
        """When the leg must end by itself, whatever comes of what is under way."""
        funded = self.funded_a() if role == "A" else self.funded()
        return min(funded, self._least.get(role, math.inf))

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

    async def _grow(self, work: Callable[[Money], Shortage | None]) -> None:
        try:
            async with self._turn:
                self.shortage = await self._change(work, self._run, {"A": self._meter.least_a()})
        except StoreError as error:
            self._owner.funds_troubled(f"no slice reserved: {error}")
        self._owner.sliced()

    async def _look_at_credit(self, latest_answer: Instant) -> None:
        try:
            async with self._turn:
                await self._curtail()
                if self.latest_answer() < latest_answer:
                    self.shortage = await self._change(
                        lambda money: money.extend_ringing(latest_answer), self._run, {}
                    )
        except StoreError as error:
            self._owner.funds_troubled(f"a change of credit was not looked at: {error}")
        else:
            self._owner.credit_looked_at()

    async def _curtail(self) -> None:
        """Legs that somebody pays who was unlimited end with their last block begun, however long
        it takes to write that down."""
        revoked = await self._read_now(Money.revoked)
        if not revoked:
            return
        at, curtailed = self._clock.now() + NOTICE_SECONDS, self._meter.copy()
        curtailed.applied(curtailed.curtail(revoked, at))
        least: dict[Role, Instant] = {"A": curtailed.funded_a(), "B": curtailed.funded()}
        await self._change(lambda money: money.curtail(revoked, at), self._run, least)
