"""A whole server on virtual time: real store (in memory), real rules, simulated telephony."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, func, select
from tests.calls.stopping import StoppableClock
from tests.calls.stores import BrittleStore, MortalStore, at_once

from ringback.accounts import tree
from ringback.accounts.entries import SetupFile
from ringback.accounts.secrets import Secrets
from ringback.calls.events import Happening, SessionEvent
from ringback.calls.exchange import Exchange
from ringback.calls.services import Services
from ringback.charging.ledger import UNLIMITED
from ringback.clock import Instant, LoopClock
from ringback.engines.simulated import FarCall, Network, SimulatedEngine, run_virtual
from ringback.guards.limits import Limits
from ringback.management import recharges
from ringback.management.actor import command_line
from ringback.management.desk import Desk
from ringback.management.naming import find_place
from ringback.management.recharges import Recharge
from ringback.management.verbs import Act, Done
from ringback.setup import apply_setup
from ringback.sounds.convert import convert
from ringback.sounds.library import SoundLibrary
from ringback.sounds.speech import BUILT_IN
from ringback.store.models import (
    ChargeRow,
    GuardCountRow,
    LedgerAccountRow,
    LedgerEntryRow,
    LegRow,
    LockRow,
    ReservationRow,
    SessionRow,
)
from ringback.telephony.trunks import Route, Trunk, TrunkTable

CALLER = "+447700900123"
OTHER_CALLER = "+447700900124"
CALLEE = "+442079460000"
ACCESS = "+442071838750"
PIN = "0042"
CALM_SECONDS = 150.0
"""Longer than any trigger rings."""
EPOCH = 1_700_000_000.0

RATE = {
    "prefix": "",
    "setup": "0.00",
    "first_block": 10,
    "first_price": "0.05",
    "next_block": 5,
    "price_per_minute": "0.60",
}


T = TypeVar("T", bound=Happening)


class Told:
    """A journal that keeps what it is told."""

    def __init__(self, reached: Callable[[str], None]) -> None:
        self._reached = reached
        self.events: list[SessionEvent] = []
        self.troubles: list[str] = []

    def record(self, event: SessionEvent) -> None:
        self.events.append(event)
        self._reached(event.happening.type)

    def trouble(self, session: str | None, what: str, **facts: object) -> None:
        self.troubles.append(what)

    def of(self, kind: type[T]) -> list[T]:
        """What has happened of one kind."""
        return [each.happening for each in self.events if isinstance(each.happening, kind)]

    def when(self, kind: type[Happening]) -> list[Instant]:
        return [each.at for each in self.events if isinstance(each.happening, kind)]


class World:
    """One server and everything around it. `restart` gives it another life after `die`.

    It passes named points: the types of the events, and "before" and "after" each unit of work.
    With `dies_at` set it dies at a point, so that nothing of what follows is done.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self.outside = asyncio.all_tasks()
        """The tasks that are no part of the server."""
        self.chance = random.Random(seed)
        self.clock = LoopClock(asyncio.get_running_loop(), EPOCH)
        self.server_clock = StoppableClock(self.clock)
        self.engine_clock = StoppableClock(self.clock, lag=0.05)  # its workers tell it of limits
        self.network = Network(self.clock, random.Random(self.chance.random()))
        self.network.deliver = self.server_clock.deliver
        self.store = BrittleStore()
        self.delay: Callable[[], float] = lambda: 0.0
        """How long the server waits for each unit of work."""
        self.points: list[str] = []
        self.dies_at: Callable[[str], bool] = lambda point: False
        self.died = asyncio.Event()
        self.secrets = Secrets(b"k" * 32)
        self.folder = folder
        self.journal = Told(self._reached)
        self.trunks = TrunkTable(
            [Trunk(name, "192.0.2.1") for name in ("trunk", "second")], [Route("", ("trunk",))]
        )
        self.engine = SimulatedEngine(self.network, self.trunks, self.engine_clock)
        self.exchange = self._make_exchange()

    def _reached(self, point: str) -> None:
        if not self.died.is_set():
            self.points.append(point)
            if self.dies_at(point):
                self.die()

    def _make_exchange(self) -> Exchange:
        self.life = MortalStore(self.store, self.server_clock, lambda: self.delay(), self._reached)
        self.services = services = Services(
            node="node",
            clock=self.server_clock,
            chance=random.Random(self.chance.random()),
            store=self.life,
            engine=self.engine,
            sounds=SoundLibrary(
                self.folder / "sounds", lambda name: self.journal.trouble(None, f"missing {name}")
            ),
            secrets=self.secrets,
            journal=self.journal,
            trunks=self.trunks,
            guards=Limits(),
            currency="GBP",
        )
        return Exchange(services)

    async def setup(
        self,
        callback: dict[str, Any] | None = None,
        *,
        credit: str | None = "5.00",
        pin: str | None = PIN,
        caller_ids: list[dict[str, Any]] | None = None,
        rates: list[dict[str, Any]] | None = None,
        balance: str = "100.00",
        plan: dict[str, Any] | None = None,
        start: bool = True,
    ) -> None:
        """The example setup, with some things otherwise, and the server started."""
        listed: dict[str, Any] = {"number": CALLER, "pin": pin}
        if credit is not None:
            listed |= {"credit": credit, "order_number": "A-1"}
        await self.apply(
            {
                "accounts": [
                    {
                        "name": "acme",
                        "contact_name": "Acme Travel",
                        "country": "GB",
                        "plan": "retail",
                        "balance": balance,
                    }
                ],
                "extensions": [
                    {
                        "name": "travellers",
                        "account": "acme",
                        "access_numbers": [ACCESS],
                        "callback": {"callback_delay_seconds": 1, **(callback or {})},
                        "caller_ids": [listed] if caller_ids is None else caller_ids,
                    }
                ],
                "plans": [{"name": "retail", "rates": rates or [RATE], **(plan or {})}],
            }
        )
        if start:
            await self.exchange.start()

    async def apply(self, document: dict[str, Any]) -> list[str]:
        """Apply a setup document, and tell the exchange of it."""
        setup = SetupFile.model_validate(document)
        applied = await apply_setup(
            setup,
            self.store,
            self.secrets,
            self.clock.now(),
            random.Random(self.chance.random()),
            currency="GBP",
            home_country="GB",
            folder=BUILT_IN,
            sounds_folder=self.folder / "sounds",
            convert=convert,
        )
        self.exchange.credited(applied.credited)
        return applied.changes

    async def recharge(self, payer: str, amount: str, order: str = "B-1") -> None:
        """Recharge an account or extension, and tell the exchange of it."""

        def deed(act: Act) -> Done[Recharge]:
            place = find_place(act.tx, act.actor, payer)
            values = {"amount": amount, "order_number": order}
            return recharges.recharge_account(act, place.id, values=values)

        desk = Desk(self.store, self.secrets, self.clock.now, random.Random(self.chance.random()))
        self.exchange.credited((await desk.run(command_line, deed)).credited)

    def die(self) -> None:
        """The server dies at once, at whatever it is doing."""
        self.engine.crash()
        self.life.dead = True
        self.died.set()

    async def restart(self, after: float = 1.0) -> None:
        """Another life begins on the same store. It may die while it starts."""
        for task in asyncio.all_tasks() - self.network.tasks - self.outside:
            task.cancel()
        await self.sleep(after)
        self.died.clear()
        self.engine = SimulatedEngine(self.network, self.trunks, self.engine_clock)
        self.exchange = self._make_exchange()
        loop = asyncio.get_running_loop()
        starting, dying = (
            loop.create_task(self.exchange.start()),
            loop.create_task(self.died.wait()),
        )
        await asyncio.wait({starting, dying}, return_when=asyncio.FIRST_COMPLETED)
        dying.cancel()
        if starting.done():
            starting.result()

    async def crash_and_restart(self, after: float = 1.0) -> None:
        self.die()
        await self.restart(after)

    def stop(self, seconds: float) -> None:
        """The server's process is stopped for so long, and then goes on."""
        self.server_clock.stop(seconds)
        self.engine_clock.stop(seconds)

    def slow(self, seconds: float) -> None:
        """From now on each unit of work takes so long."""
        self.delay = lambda: seconds

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep_until(self.clock.now() + seconds)

    async def quiet(self, longest: float = 20_000.0) -> None:
        """Wait until no session is open and no call is up."""
        until = self.clock.now() + longest
        calm_since = self.clock.now()
        while self.clock.now() < until:
            await self.sleep(1.0)
            if self.network.live() or self.open_sessions():
                calm_since = self.clock.now()
            elif self.clock.now() - calm_since > CALM_SECONDS:
                return
        raise AssertionError(f"not quiet: {self.network.live()} {self.open_sessions()}")

    async def until(self, kind: type[Happening], longest: float = 300.0) -> None:
        """Wait until something of a kind has happened."""
        until = self.clock.now() + longest
        while self.clock.now() < until:
            if self.journal.of(kind):
                return
            await self.sleep(0.1)
        raise AssertionError(f"never came to {kind.type!r}: {self.journal.events}")

    # Looking

    def funded(self) -> Instant:
        """The funded instant of the only live session."""
        (running,) = self.exchange._running.values()
        return running.waiting.funds.funded()

    def rows(self, model: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._read(
            lambda tx: [dict(row) for row in tx.execute(select(model.__table__)).mappings()]
        )
        return found

    async def extension(self) -> str:
        """The id of the only extension there is."""
        found = await self.store.read(lambda tx: tree.find_by_name(tx, None))
        assert found is not None
        return found.id

    def session(self) -> dict[str, Any]:
        """The only session there is."""
        (row,) = self.rows(SessionRow)
        return row

    def rows_of_sessions(self) -> list[dict[str, Any]]:
        """Every session, in the order in which they came."""
        return sorted(self.rows(SessionRow), key=lambda row: row["started"])

    def rows_of_legs(self) -> list[dict[str, Any]]:
        return self.rows(LegRow)

    def rows_of_charges(self) -> list[dict[str, Any]]:
        return self.rows(ChargeRow)

    def legs(self, role: str) -> list[dict[str, Any]]:
        return [row for row in self.rows(LegRow) if row["leg"] == role]

    def charges(self, payer: str = CALLER) -> list[Decimal]:
        """What one payer was charged."""
        return [row["amount"] for row in self.rows(ChargeRow) if row["payer"] == payer]

    def locks(self) -> dict[str, dict[str, Any]]:
        return {row["key"]: row for row in self.rows(LockRow)}

    def open_sessions(self) -> list[str]:
        return [row["id"] for row in self.rows(SessionRow) if row["outcome"] is None]

    def said(self, number: str = CALLER) -> list[str]:
        """What the phones of a number were told, over all calls."""
        return [
            words
            for call in self.network.calls.values()
            if call.number == number
            for _, words in call.said
        ]

    def calls(self, number: str) -> list[FarCall]:
        return [call for call in self.network.calls.values() if call.number == number]

    def _read(self, work: Callable[[Connection], Any]) -> Any:
        return at_once(self.store.read(work))

    def check(self) -> None:
        """What must hold once everything is quiet, whatever happened."""
        assert not self.network.live(), "a leg lives without a session"
        assert not self.open_sessions()
        for row in self.rows(ReservationRow):
            assert row["settled"], f"reservation {row['id']} was never settled"
        totals = self._read(
            lambda tx: dict(
                tx.execute(
                    select(LedgerEntryRow.ledger_id, func.sum(LedgerEntryRow.amount)).group_by(
                        LedgerEntryRow.ledger_id
                    )
                ).all()
            )
        )
        for account in self.rows(LedgerAccountRow):
            assert account["reserved"] == 0, account
            assert account["balance"] == totals.get(account["id"], 0), account
            available = account["balance"] + account["credit_limit"]
            assert account["unlimited"] or available >= 0, account
        for leg in self.rows(LegRow):
            assert leg["ended"] is not None, leg
        for count in self.rows(GuardCountRow):
            assert count["sessions"] == 0, count
        charged = [(row["leg_id"], row["ledger_id"]) for row in self.rows(ChargeRow)]
        assert len(charged) == len(set(charged)), "a leg was charged twice"
        faults = [what for what in self.journal.troubles if "fault of Ringback" in what]
        assert not faults, faults


def in_world(
    folder: Path, play: Callable[[World], Awaitable[None]], seed: int = 1, *, check: bool = True
) -> World:
    """Run a play in a new world to its end, and see that everything was left in order."""

    async def main() -> World:
        world = World(seed, folder)
        await play(world)
        if check:
            await world.quiet()
            world.check()
        return world

    return run_virtual(main())


__all__ = ["UNLIMITED", "World", "in_world"]
