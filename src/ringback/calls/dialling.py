"""Reaching a number: trunk after trunk, each attempt reserved and stored before its INVITE leaves
(spec sections 4 and 5)."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ringback.calls import records
from ringback.calls.course import CallbackSession
from ringback.calls.events import CallNotMade, NotAnswered, OutgoingDialled, Rang, ReturnDialled
from ringback.calls.inbox import LegEvent, TriggeredAgain
from ringback.calls.insisting import insist
from ringback.calls.party import Party, settle, settle_undialled
from ringback.calls.records import NewLeg
from ringback.calls.routing import trunks_for
from ringback.calls.services import Services
from ringback.calls.verdict import Refused
from ringback.calls.waiting import LeftOpen, Waiting
from ringback.charging.holds import Role
from ringback.charging.money import Money
from ringback.clock import Instant
from ringback.guards.fixed import forbidden_form
from ringback.ids import new_id
from ringback.numbering import Number
from ringback.store import StoreError
from ringback.telephony.port import (
    Answered,
    Cause,
    EarlyMedia,
    Ended,
    Ending,
    NoRoom,
    Order,
    Ringing,
    Shown,
)
from ringback.telephony.trunks import Trunk

UNTIL_RINGING_SECONDS = 30.0
"""Over all trunks, a call may take so long until it rings."""

CANCEL_SECONDS = 5.0
"""A far end that has not confirmed our CANCEL by then is left to the engine."""

P = TypeVar("P")

Reserve = Callable[[Money, str, Instant], P | Refused]
"""Decides and reserves, within a unit of work, what a leg of that id needs if it is answered at
the given instant at the latest; what it returns is handed on once that is committed."""

NextMessage = Callable[[Instant], Awaitable[LegEvent | TriggeredAgain | None]]
"""See `Waiting.next`."""


@dataclass(frozen=True, slots=True)
class Dialled:
    """A number to be reached."""

    role: Role
    e164: str
    received: str
    """As it was typed, or what stood for it."""


class Dialler:
    """Reaches numbers for one session."""

    def __init__(
        self,
        session: CallbackSession,
        waiting: Waiting,
        services: Services,
        next_message: NextMessage,
    ) -> None:
        self._session = session
        self._waiting = waiting
        self._services = services
        self._next_message = next_message

    async def dial(
        self,
        to: Dialled,
        shown: Callable[[Trunk], Shown],
        reserve: Reserve[P],
        permitted: Callable[[P], None] = lambda permitted: None,
        on_early_media: Callable[[Party], None] = lambda party: None,
        keeps: float = math.inf,
    ) -> Party | Ending | Refused:
        """The party, answered, or why nobody did. Refused: nothing was dialled.

        `permitted` is told what `reserve` returned for each attempt; `keeps` is as for
        `Funds.change`. Raises Over as `Waiting.next` does, and StoreError.
        """
        services, waiting = self._services, self._waiting
        rings_by = services.clock.now() + UNTIL_RINGING_SECONDS
        ending = Ending(Cause.FAILED, trunk_failed=True)
        trunks = trunks_for(to.e164, services.trunks.routes, services.chance)
        tried, attempts = False, list[Party]()
        for name in trunks:
            if services.clock.now() >= rings_by or self._answered_late(to, attempts):
                break
            if not services.engine.usable(name):
                continue  # by now: a trunk before it may have taken seconds to fail
            tried = True
            trunk = services.trunks.by_name[name]
            if self._misdials(to, trunk):
                continue
            try:
                party = await self._prepare(to, trunk, shown)
            except NoRoom as error:
                self._not_made(to, f"no call to {to.e164}", str(error))
                break
            latest_answer = rings_by + self._session.setup.answer_timeout_seconds
            first = attempts[0].id if attempts else None
            refused = await self._store(party, first, latest_answer, reserve, permitted, keeps)
            if refused is not None:
                return refused
            if self._answered_late(to, attempts):  # while this one was being stored
                await self._leave(party)
                break
            if waiting.stopping and to.role == "A":
                await self._leave(party)
                raise LeftOpen
            attempts.append(party)
            self._send(party)
            if to.role == "B":
                waiting.watch_ringing(latest_answer)
            unanswered = await self._until_answered(party, rings_by, on_early_media)
            if unanswered is None:
                return party
            await self._give_up(party, unanswered)
            ending = unanswered
            if not ending.trunk_failed:
                break
        if not tried:
            self._no_trunk(to, trunks)
        return ending

    def _answered_late(self, to: Dialled, attempts: Sequence[Party]) -> bool:
        """Whether an attempt that was given up has been answered: no further one begins."""
        before = to.role == "A" and self._session.course.answered
        return before or any(attempt.answered_late for attempt in attempts)

    def _misdials(self, to: Dialled, trunk: Trunk) -> bool:
        """Whether the number would be a forbidden one in the form that the trunk gets."""
        form, dialled = trunk.called, trunk.called.write(to.e164)
        reason = forbidden_form(to.e164, dialled, form.country, form.prepend)
        if reason is not None:
            no_call = f"no call to {to.e164} by {trunk.name}"
            self._not_made(to, no_call, f"{dialled} would be {reason}")
        return reason is not None

    def _no_trunk(self, to: Dialled, trunks: Sequence[str]) -> None:
        why = f"{', '.join(trunks)} down or full" if trunks else "no route has its prefix"
        self._not_made(to, f"no trunk can take a call to {to.e164}", why)

    def _not_made(self, to: Dialled, what: str, why: str) -> None:
        """Nothing is dialled: the log has it as a trouble, the record as an event."""
        self._session.chronicle.trouble(f"{what}: {why}")
        self._session.tell(CallNotMade(to.role, to.e164, why))

    async def _prepare(self, to: Dialled, trunk: Trunk, shown: Callable[[Trunk], Shown]) -> Party:
        """An attempt by one trunk, which has sent nothing yet. Raises NoRoom."""
        waiting, services = self._waiting, self._services
        number = Number(to.received, to.e164, trunk.called.write(to.e164))
        order = Order(trunk.name, number.dialled, shown(trunk))
        bridges_with = waiting.a.leg if to.role == "B" and waiting.a is not None else None
        leg = await services.engine.prepare(order, waiting.listen, bridges_with)
        now = services.clock.now()
        leg_id = new_id(now, services.chance)
        return Party(leg_id, to.role, number, trunk.name, trunk.cost_plan, leg, started=now)

    async def _store(
        self,
        party: Party,
        attempt: str | None,
        latest_answer: Instant,
        reserve: Reserve[P],
        permitted: Callable[[P], None],
        keeps: float,
    ) -> Refused | None:
        """Decide, reserve and store the leg, all in one; it may be dialled then. `attempt` is the
        first leg of the attempt, where another trunk has failed."""
        session, course = self._session, self._session.course
        undialled = tuple(course.undialled)
        row = NewLeg(
            id=party.id,
            session_id=session.id,
            leg=party.role,
            received=party.number.received,
            e164=party.number.e164,
            dialled=party.number.dialled,
            trunk=party.trunk,
            started=party.started,
            saved=party.leg.saved(),
            failover_of=attempt,
        )

        def work(money: Money) -> P | Refused:
            settle_undialled(money.tx, undialled, money.now)
            reserved = reserve(money, party.id, latest_answer)
            if not isinstance(reserved, Refused):
                records.insert_leg(money.tx, row)
            return reserved

        try:
            reserved = await self._waiting.funds.change(work, keeps=keeps)
        except BaseException as error:
            party.leg.hang_up()  # never dialled: gives its port and channel back
            if isinstance(error, StoreError):
                course.undialled.append(party.id)
            raise
        course.undialled.clear()
        if isinstance(reserved, Refused):
            party.leg.hang_up()
            return reserved
        permitted(reserved)
        return None

    async def _leave(self, party: Party) -> None:
        """The attempt was stored and is not made. Where the server stops the next start makes a
        return call."""
        party.leg.hang_up()
        session, now = self._session, self._services.clock.now()
        leg, attempts = party.as_ended(now), session.course.attempts

        def work(money: Money) -> None:
            settle(money, leg)
            if party.role == "A":
                records.session_due(money.tx, session.id, now, attempts)

        try:
            await self._waiting.funds.change(work)
        except StoreError:
            session.course.undialled.append(party.id)
            raise

    def _send(self, party: Party) -> None:
        """The INVITE leaves, unless the caller has gone while the attempt was being stored."""
        waiting, number = self._waiting, party.number.e164
        if party.role == "A":
            waiting.a = party
            self._session.tell(ReturnDialled(number, party.trunk))
        else:
            waiting.b = party
            self._session.tell(OutgoingDialled(number, party.trunk))
        if party.role == "B" and waiting.caller_gone:
            party.leg.hang_up()
        else:
            party.leg.dial()

    async def _until_answered(
        self, party: Party, rings_by: Instant, on_early_media: Callable[[Party], None]
    ) -> Ending | None:
        """None once answered, else why not."""
        session, clock = self._session, self._services.clock
        until = rings_by
        while True:
            message = await self._next_message(until)
            match message:
                case None if party.withdrawn:
                    return Ending(Cause.NO_ANSWER, by_us=True)
                case None:
                    self._waiting.withdraw(party)
                    until = clock.now() + CANCEL_SECONDS
                case TriggeredAgain(at=at):
                    session.course.triggered_again = at
                case LegEvent(leg=leg) if leg is not party.leg:
                    continue
                case LegEvent(event=Ringing()) if not party.withdrawn:
                    until = clock.now() + session.setup.answer_timeout_seconds
                    if party.role == "B":
                        self._waiting.watch_ringing(until)
                    session.tell(Rang(party.role, party.number.e164))
                case LegEvent(event=EarlyMedia()) if not party.withdrawn:
                    on_early_media(party)
                case LegEvent(event=Answered(at=at)):
                    await self._answered(party, at)
                    if not party.withdrawn:
                        return None
                    until = math.inf  # the engine is ending it; its Ended will come
                case LegEvent(event=Ended(ending=ending)):
                    if party.withdrawn:
                        return Ending(Cause.NO_ANSWER, ending.code, by_us=True)
                    return ending
                case _:
                    continue

    async def _answered(self, party: Party, at: Instant) -> None:
        saved, ringing = party.leg.saved(), party.ringing
        course = self._session.course
        course.answered = course.answered or party.role == "A"
        await self._session.chronicle.run(
            lambda tx: records.leg_answered(tx, party.id, ringing, at, saved)
        )
        party.leg.confirm()

    async def _give_up(self, party: Party, ending: Ending) -> None:
        """Write the end of an attempt and release what was reserved for it."""
        party.ending = ending
        self._waiting.give_up(party)
        waiting, funds = self._waiting, self._waiting.funds
        leg = party.as_ended(self._services.clock.now())

        async def write() -> None:
            await funds.change(lambda money: settle(money, leg))

        if party is waiting.b:
            waiting.watch_alone()
            await write()
            waiting.b = None
        else:
            await insist(
                self._session.chronicle,
                self._services.clock,
                "the end of the return call",
                write,
            )
            waiting.a = None
        self._session.tell(NotAnswered(party.role, party.number.e164, party.code))
