"""The exchange: every session there is, from the triggers and commands that begin them to the end.

It starts sessions, hands them what concerns them from outside, writes the sign of life, and at
start-up first brings to an end what a crash has left (`recovery`).
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Collection, Coroutine
from typing import Any

from sqlalchemy import Connection

from ringback.accounts import tree
from ringback.accounts.tree import ExtensionFacts
from ringback.calls import records
from ringback.calls.decision import Refused
from ringback.calls.inbox import Credited, End, TriggeredAgain
from ringback.calls.line import Line, Origin
from ringback.calls.outcome import Outcome
from ringback.calls.recovery import OpenAttempt, OpenRequest, recover
from ringback.calls.requests import Again, Request, prove_again, request_by_order, withdrawn
from ringback.calls.services import Services
from ringback.calls.session import run_session
from ringback.calls.triggers import TriggerCall
from ringback.ids import new_id
from ringback.store import StoreError
from ringback.telephony.port import Rejection, TriggerLeg
from ringback.telephony.trunks import Trunk

HEARTBEAT_SECONDS = 1.0
CLOSING_SECONDS = 45.0
"""At the end, so long is waited for the last BYEs to be answered, which takes 32 s at most, and
for what is to be written."""


class Exchange:
    """All sessions of one node."""

    def __init__(self, services: Services, node: str) -> None:
        self._services = services
        self._node = node
        self._lines: dict[str, tuple[Line, str]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._triggers: set[asyncio.Task[None]] = set()
        self._heartbeat: asyncio.Task[None] | None = None
        self._recovered = asyncio.Event()
        """What a crash has left is in order: triggers may be decided."""
        self._closing = False

    # Beginning and end

    async def start(self) -> None:
        """End the legs that a crash has left, put the rows in order, then take triggers, and take
        up the requests left open."""
        services = self._services
        left = await services.store.read(records.open_legs)
        await services.engine.start(self._on_trigger)
        # Their BYEs leave before they are written off: who is killed meanwhile sends them again.
        for leg in left:
            if leg["answered"] is not None:
                services.engine.resume(leg["saved"], lambda leg, event: None)
        now = services.clock.now()
        recovered = await services.store.run(lambda tx: recover(tx, self._node, now))
        await self._sign_of_life()
        self._heartbeat = asyncio.get_running_loop().create_task(self._beat())
        self._recovered.set()
        for attempt in recovered.attempts:
            self._beside(self._withdraw(attempt))
        for session in recovered.interrupted:
            services.journal.step(session, "ended", outcome=Outcome.INTERRUPTED.value)
        for request in recovered.requests:
            await self._take_up(request)

    async def close(self, grace: float) -> None:
        """Take no more triggers, let live calls finish for `grace` seconds, end the rest, and
        settle everything. Requests not yet dialled stay in the store for the next start."""
        self._closing = True
        for session, (line, _) in self._lines.items():
            if line.a is None and not line.was_answered:
                self._tasks[session].cancel()
        for trigger in self._triggers:
            trigger.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=grace)
        self.end_all()
        left = [*self._tasks.values(), *self._triggers]
        if left:
            _, left_open = await asyncio.wait(left, timeout=CLOSING_SECONDS)
            await self._leave_open(left_open)
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        await self._services.engine.close()

    def live(self) -> int:
        """How many sessions have a call up or on its way."""
        return sum(line.a is not None or line.was_answered for line, _ in self._lines.values())

    def end_all(self) -> None:
        """End every session, because the server stops."""
        for line, _ in self._lines.values():
            line.inbox.put(End("shutdown"))

    async def _leave_open(self, tasks: Collection[asyncio.Task[None]]) -> None:
        """Give up what cannot be written down: the next start settles it as after a crash."""
        if not tasks:
            return
        self._services.journal.trouble(
            None, f"{len(tasks)} sessions or triggers stay open: the next start settles them"
        )
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _beat(self) -> None:
        clock, journal = self._services.clock, self._services.journal
        failing = False
        while True:
            await clock.sleep_until(clock.now() + HEARTBEAT_SECONDS)
            try:
                await self._sign_of_life()
            except StoreError as error:
                if not failing:
                    journal.trouble(
                        None,
                        "nothing can be written: triggers are refused with 503, no call is "
                        f"dialled, live calls last as long as what is reserved for them: {error}",
                    )
                failing = True
            else:
                if failing:
                    journal.trouble(None, "the database takes what is written again")
                failing = False

    async def _sign_of_life(self) -> None:
        refusals, now = self._services.refusals, self._services.clock.now()
        counted = refusals.take_counted()

        def work(tx: Connection) -> None:
            records.sign_of_life(tx, self._node, now)
            records.refusals_counted(tx, counted)

        try:
            await self._services.store.run(work)
        except StoreError:
            refusals.give_back(counted)
            raise

    # From outside

    def end(self, session: str, by: str) -> bool:
        """End a live session or withdraw a request; False where none of that id is here."""
        if session not in self._lines:
            return False
        self._lines[session][0].inbox.put(End(by))
        return True

    def credited(self, ledger_ids: Collection[str]) -> None:
        """The credit of these ledger accounts has changed: their live calls look at it."""
        for line, _ in self._lines.values():
            if not set(ledger_ids).isdisjoint(line.meter.ledger_ids()):
                line.inbox.put(Credited())

    async def call_me_back(
        self, extension: str, number: str, destination: str | None = None
    ) -> tuple[str, Refused | None]:
        """Begin a session without a trigger call: by the same decision, guards and records.

        `number` and `destination` are E.164. Returns the session's id, and why it was refused.
        """
        services, now = self._services, self._services.clock.now()
        row = records.SessionRow(
            id=new_id(now, services.chance),
            extension_id=extension,
            access_number=None,
            caller=number,
            caller_name=None,
            caller_id=None,
            return_number=None,
            destination=destination,
            started=now,
            proven=True,
            due=now,
        )
        facts, decided = await services.store.run(lambda tx: request_by_order(tx, services, row))
        if isinstance(decided, Refused):
            services.journal.step(row.id, f"refused: {decided.reason}")
            return row.id, decided
        services.journal.step(row.id, "accepted", return_number=decided.number)
        self._begin(Request(row, facts, now))
        return row.id, None

    # Triggers

    def _on_trigger(self, leg: TriggerLeg) -> None:
        if self._closing:
            leg.reject(Rejection.OUT_OF_SERVICE)
            return
        trunk = self._services.trunks.by_name[leg.trigger.trunk]  # just now: it may be removed soon
        self._beside(self._trigger(leg, trunk))

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        """What leads to a session, or does not."""
        task = asyncio.get_running_loop().create_task(work)
        self._triggers.add(task)
        task.add_done_callback(self._triggers.discard)

    async def _trigger(self, leg: TriggerLeg, trunk: Trunk) -> None:
        await self._recovered.wait()
        try:
            result = await TriggerCall(self._services, leg, trunk).run()
        except StoreError as error:
            self._services.journal.trouble(None, f"trigger refused with 503: {error}")
            leg.reject(Rejection.OUT_OF_SERVICE)
            return
        except asyncio.CancelledError:
            leg.reject(Rejection.OUT_OF_SERVICE)  # the server stops: nobody is left ringing
            raise
        except Exception as error:  # noqa: BLE001  a fault of ours must not let a caller ring on
            trace = "".join(traceback.format_exception(error))
            self._services.journal.trouble(None, f"trigger ended by a fault of Ringback: {trace}")
            leg.reject(Rejection.OUT_OF_SERVICE)
            return
        match result:
            case Request():
                self._begin(result)
            case Again(session=session, ended=ended):
                line = self._lines.get(session)
                inbox = self._services.waiting.get(session) if line is None else line[0].inbox
                if inbox is not None:  # else it has just come to its end
                    inbox.put(TriggeredAgain(ended))

    # Sessions

    async def _take_up(self, request: OpenRequest) -> None:
        """A request from before a crash: wait for its proof where that has not come."""
        services = self._services
        row = records.as_session_row(request.session)
        extension = await services.store.read(lambda tx: tree.load_extension(tx, row.extension_id))
        services.journal.step(row.id, "taken up after a restart", number=row.return_number)
        if request.due is not None:
            self._begin(Request(row, extension, request.due), request.attempts)
            if request.triggered_again is not None:
                self._lines[row.id][0].inbox.put(TriggeredAgain(request.triggered_again))
            return
        self._beside(self._prove(row, extension))

    async def _withdraw(self, attempt: OpenAttempt) -> None:
        request = await withdrawn(self._services, attempt)
        if request is not None:
            await self._take_up(request)

    async def _prove(self, row: records.SessionRow, extension: ExtensionFacts) -> None:
        due = await prove_again(self._services, row, extension)
        if due is not None:
            self._begin(Request(row, extension, due))

    def _begin(self, request: Request, attempts: int = 0) -> None:
        row = request.session
        assert row.return_number is not None  # an accepted request has one
        origin = Origin(
            row.access_number, row.caller, row.caller_name, row.destination, row.started
        )
        line = Line(self._services, row.id, request.extension, origin)
        line.attempts = attempts
        line.due = request.due
        self._lines[row.id] = line, row.return_number
        task = asyncio.get_running_loop().create_task(
            run_session(line, row.return_number), name=f"session {row.id}"
        )
        self._tasks[row.id] = task
        task.add_done_callback(lambda done: self._over(row.id, done))

    def _over(self, session: str, task: asyncio.Task[None]) -> None:
        del self._lines[session], self._tasks[session]
        if not task.cancelled() and (error := task.exception()) is not None:
            # A fault of ours: the row stays open, and the next start settles it as interrupted.
            self._services.journal.trouble(session, f"session failed: {error!r}")
