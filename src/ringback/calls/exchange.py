"""The exchange: every session there is, from the triggers and commands that begin them to the end.

It starts sessions, hands them what concerns them from outside, and at start-up first brings to an
end what a crash has left (`recovery`).
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Collection, Coroutine
from dataclasses import dataclass
from typing import Any

from ringback.accounts import tree
from ringback.accounts.tree import ExtensionFacts
from ringback.calls import records
from ringback.calls.chronicle import Chronicle, next_place
from ringback.calls.course import CallbackSession, Course, Origin
from ringback.calls.events import EndOrdered, TakenUp
from ringback.calls.events.mending import without_numbers
from ringback.calls.heartbeat import Heartbeat
from ringback.calls.inbox import Credited, End, Inbox, SessionMessage, TriggeredAgain
from ringback.calls.insisting import insist
from ringback.calls.late import write_late_answer
from ringback.calls.live import LiveSession, live_state
from ringback.calls.party import EndedLeg
from ringback.calls.records import NewSession
from ringback.calls.recovery import (
    GivenUpAttempt,
    OpenAttempt,
    OpenRequest,
    give_up,
    met_before,
    recover,
)
from ringback.calls.requests import Again, CallbackRequest, prove_again, store_request, withdrawn
from ringback.calls.services import Services
from ringback.calls.session import run_session
from ringback.calls.supervision import Supervision
from ringback.calls.triggers import TriggerCall, told
from ringback.calls.verdict import Refused
from ringback.calls.waiting import Waiting
from ringback.ids import new_id
from ringback.store import StoreError
from ringback.telephony.calling import known
from ringback.telephony.port import Cause, Ended, Event, Leg, Rejection, TriggerLeg
from ringback.telephony.trunks import trunks_ever

CLOSING_SECONDS = 45.0
"""At the end, so long is waited for the last BYEs to be answered, which takes 32 s at most, and
for what is to be written."""


@dataclass(frozen=True, slots=True)
class _Running:
    """A session that is being run."""

    session: CallbackSession
    waiting: Waiting
    inbox: Inbox
    task: asyncio.Task[None]

    @property
    def calling(self) -> bool:
        """Whether a call is up or on its way."""
        return self.waiting.a is not None or self.session.course.answered


class Exchange:
    """All sessions of one node."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._running: dict[str, _Running] = {}
        self._triggers: set[asyncio.Task[None]] = set()
        self._late_answers: set[asyncio.Task[None]] = set()
        self._heartbeat = Heartbeat(services)
        self._supervision = Supervision(services, self._any_open, self._hand)
        self._recovered = asyncio.Event()
        """What a crash has left is in order: triggers may be decided."""
        self._closing = False

    # Beginning and end

    async def start(self) -> None:
        """End the legs that a crash has left, put the rows in order, then take triggers, and take
        up the requests left open."""
        services = self._services
        answered = await services.store.read(records.saved_answered)
        await services.engine.start(self._on_trigger)
        # Their BYEs leave before they are written off: who is killed meanwhile sends them again.
        for saved in answered:
            services.engine.resume(saved, lambda leg, event: None)
        now = services.clock.now()
        trunks = trunks_ever(services.trunks)
        recovered = await services.store.run(lambda tx: recover(tx, services.node, now, trunks))
        await self._heartbeat.start()
        self._supervision.start()
        self._recovered.set()
        for session, why in recovered.damaged:
            services.journal.trouble(
                session, f"what is stored of it cannot be read ({why}): it is closed"
            )
        for attempt in recovered.attempts:
            self._beside(self._withdraw(attempt), attempt.session)
        for event in recovered.ended:
            services.journal.record(event)
        for request in recovered.requests:
            await self._watched(self._take_up(request), request.session["id"])
        for given_up in recovered.given_up:
            self._resume(given_up)

    async def close(self, grace: float) -> None:
        """Take no more triggers, let live calls finish for `grace` seconds, end the rest, and
        settle everything. Requests not yet dialled stay in the store for the next start."""
        self._closing = True
        for running in self._running.values():
            running.waiting.stop()
        for trigger in self._triggers:
            trigger.cancel()
        if self._running:
            await asyncio.wait(self._tasks(), timeout=grace)
        self.end_all()
        left = [*self._tasks(), *self._triggers, *self._late_answers]
        if left:
            _, left_open = await asyncio.wait(left, timeout=CLOSING_SECONDS)
            await self._leave_open(left_open)
        self._supervision.stop()
        self._heartbeat.stop()
        await self._services.engine.close()

    def live(self) -> int:
        """How many sessions have a call up or on its way."""
        return sum(running.calling for running in self._running.values())

    def state_of(self, session: str) -> LiveSession | None:
        """What a session is at just now; None where none of that id is being run here."""
        running = self._running.get(session)
        return None if running is None else live_state(running.session, running.waiting)

    def end_all(self) -> None:
        """End every session, because the server stops."""
        for running in self._running.values():
            running.inbox.put(End(EndOrdered("shutdown")))

    def _any_open(self) -> bool:
        """Whether there is a session or request here."""
        return bool(self._running or self._services.waiting)

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [running.task for running in self._running.values()]

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

    # From outside

    def end(self, session: str, by: str) -> bool:
        """End a live session or withdraw a request; False where none of that id is here."""
        return self._hand(session, End(EndOrdered(by)))

    async def standing_changed(self) -> None:
        """Something was suspended, disabled or deleted, or has another expiry: end the sessions
        that use what is out of use now. Raises StoreError."""
        await self._supervision.look()

    def credited(self, ledger_ids: Collection[str]) -> None:
        """The credit of these ledger accounts has changed: their live calls look at it."""
        for running in self._running.values():
            if not set(ledger_ids).isdisjoint(running.waiting.funds.ledger_ids()):
                running.inbox.put(Credited())

    async def call_me_back(
        self, extension: str, number: str, destination: str | None = None
    ) -> tuple[str, Refused | None]:
        """Begin a session without a trigger call: by the same decision, guards and records.

        `number` and `destination` are E.164. Returns the session's id, and why it was refused.
        """
        services, now = self._services, self._services.clock.now()
        row = NewSession(
            id=new_id(now, services.chance),
            extension_id=extension,
            access_number=None,
            calling=known(number),
            caller_name=None,
            caller_id=None,
            return_number=None,
            destination=destination,
            started=now,
            proven=True,
            due=now,
        )
        chronicle = services.chronicle(row.id)
        stored = await chronicle.run(
            lambda tx: store_request(tx, services.guards, row),
            telling=lambda stored: told(stored.result),
        )
        if isinstance(stored.result, Refused):
            return row.id, stored.result
        self._begin(CallbackRequest(stored.row, stored.extension, chronicle, now))
        return row.id, None

    def _hand(self, session: str, message: SessionMessage) -> bool:
        """Put something before a session or request; False where there is none of that id, or it
        has just come to its end."""
        running = self._running.get(session)
        inbox = self._services.waiting.get(session) if running is None else running.inbox
        if inbox is not None:
            inbox.put(message)
        return inbox is not None

    # Triggers

    def _on_trigger(self, leg: TriggerLeg) -> None:
        if self._closing:
            self._out_of_service(leg, "the server is stopping: it can be tried again")
            return
        trunk = self._services.trunks.by_name[leg.trigger.trunk]  # just now: it may be removed soon
        self._beside(self._trigger(TriggerCall(self._services, leg, trunk), leg))

    def _out_of_service(self, leg: TriggerLeg, why: str) -> None:
        trunk = leg.trigger.trunk
        self._services.journal.trouble(
            None,
            f"trigger refused with 503: {why}",
            alike=("out of service", trunk, without_numbers(why)),
            trunk=trunk,
        )
        leg.reject(Rejection.OUT_OF_SERVICE)

    def _beside(self, work: Coroutine[Any, Any, None], request: str | None = None) -> None:
        """Do what leads to a session, or does not; a server that stops cancels it."""
        self._in_background(work, self._triggers, request)

    def _in_background(
        self,
        work: Coroutine[Any, Any, None],
        among: set[asyncio.Task[None]],
        request: str | None = None,
    ) -> None:
        """Where it fails by a fault of ours, the `request` it is about is closed, or its number
        could not trigger until the next start."""

        task = asyncio.get_running_loop().create_task(self._watched(work, request))
        among.add(task)
        task.add_done_callback(among.discard)

    async def _watched(self, work: Coroutine[Any, Any, None], request: str | None) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001
            trace = "".join(traceback.format_exception(error))
            self._services.journal.trouble(request, f"ended by a fault of Ringback: {trace}")
            if request is not None:
                await self._give_up(request)

    async def _give_up(self, request: str) -> None:
        services = self._services
        place = await services.store.read(lambda tx: next_place(tx, request))
        chronicle, now = services.chronicle(request, first=place), services.clock.now()
        trunks = trunks_ever(services.trunks)
        await insist(
            chronicle,
            services.clock,
            "the end of the request",
            lambda: chronicle.run(
                lambda tx: give_up(tx, request, now, trunks),
                telling=lambda ended: [] if ended is None else [ended],
            ),
        )

    async def _trigger(self, call: TriggerCall, leg: TriggerLeg) -> None:
        await self._recovered.wait()
        try:
            result = await call.run()
        except StoreError as error:
            self._out_of_service(leg, str(error))
            return
        except BaseException as error:
            # The server is stopping, or a fault of ours: a caller must not ring for ever.
            leg.reject(Rejection.OUT_OF_SERVICE)
            if isinstance(error, Exception) and call.request is not None:
                await self._give_up(call.request)
            raise
        match result:
            case CallbackRequest():
                self._begin(result)
            case Again(session=session, ended=ended):
                self._hand(session, TriggeredAgain(ended))

    # Sessions

    async def _take_up(self, open_request: OpenRequest) -> None:
        """A request from before a crash: wait for its proof where that has not come."""
        services = self._services
        row = records.as_session_row(open_request.session)
        extension, (answered, met) = await services.store.read(
            lambda tx: (
                tree.load_extension(tx, row.extension_id),
                met_before(tx, row.id),
            )
        )
        chronicle = services.chronicle(row.id, first=open_request.first_event)
        chronicle.tell(TakenUp(row.return_number or ""))
        if open_request.due is None:
            self._beside(self._prove(row, extension, chronicle), row.id)
            return
        due, attempts = open_request.due, open_request.attempts
        self._begin(CallbackRequest(row, extension, chronicle, due, attempts, answered, met))
        if open_request.triggered_again is not None:
            self._hand(row.id, TriggeredAgain(open_request.triggered_again))

    def _resume(self, given_up: GivenUpAttempt) -> None:
        """Have an attempt from before a crash withdrawn, which may be answered late."""

        def listener(leg: Leg, event: Event) -> None:
            if isinstance(event, Ended) and event.ending.cause is Cause.NORMAL:
                answered = given_up.answered_late(event.at)
                writing = self._answered_late(given_up.leg["session_id"], answered)
                self._in_background(writing, self._late_answers)

        self._services.engine.resume(given_up.leg["saved"], listener)

    async def _answered_late(self, session: str, leg: EndedLeg) -> None:
        """Of an attempt from before a crash. A session that waits for another one of its own to be
        withdrawn learns of it when it is taken up."""
        services, clock = self._services, self._services.clock
        while session in services.waiting:
            await clock.sleep_until(clock.now() + 1.0)
        running = self._running.get(session)
        if running is None:
            place = await services.store.read(lambda tx: next_place(tx, session))
            chronicle = services.chronicle(session, first=place)
        else:
            chronicle = running.session.chronicle
            if leg.role == "A":
                running.waiting.answered_before()
        await write_late_answer(chronicle, clock, leg)

    async def _withdraw(self, attempt: OpenAttempt) -> None:
        chronicle = self._services.chronicle(attempt.session, first=attempt.first_event)
        open_request = await withdrawn(self._services, attempt, chronicle)
        if open_request is not None:
            await self._take_up(open_request)

    async def _prove(
        self, row: NewSession, extension: ExtensionFacts, chronicle: Chronicle
    ) -> None:
        request = await prove_again(self._services, row, extension, chronicle)
        if request is not None:
            self._begin(request)

    def _begin(self, request: CallbackRequest) -> None:
        row, services = request.session, self._services
        assert row.return_number is not None  # an accepted request has one
        session = CallbackSession(
            row.id,
            Origin(row.access_number, row.calling, row.caller_name, row.destination, row.started),
            row.return_number,
            request.extension,
            Course(
                due=request.due,
                attempts=request.attempts,
                met=request.met,
                answered=request.answered,
            ),
            request.chronicle,
        )
        inbox = Inbox(services.clock)

        def answered_late(leg: EndedLeg) -> None:
            writing = write_late_answer(request.chronicle, services.clock, leg)
            self._in_background(writing, self._late_answers)

        waiting = Waiting(session, inbox, services.clock, answered_late)
        task = asyncio.get_running_loop().create_task(
            run_session(session, waiting, services), name=f"session {row.id}"
        )
        self._running[row.id] = _Running(session, waiting, inbox, task)
        task.add_done_callback(lambda done: self._over(row.id, done))

    def _over(self, session: str, task: asyncio.Task[None]) -> None:
        del self._running[session]
        if not task.cancelled() and (error := task.exception()) is not None:
            # A fault of ours: the row stays open, and the next start settles it as interrupted.
            self._services.journal.trouble(session, f"session failed: {error!r}")
