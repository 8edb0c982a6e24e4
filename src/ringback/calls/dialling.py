"""Reaching a number: trunk after trunk, each attempt reserved and stored before its INVITE leaves
(spec sections 4 and 5)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from ringback.calls import records
from ringback.calls.inbox import LegEvent, TriggeredAgain
from ringback.calls.insisting import insist
from ringback.calls.line import Line
from ringback.calls.party import Party, Role, settle_undialled
from ringback.calls.routing import trunks_for
from ringback.charging import ledger
from ringback.charging.meter import Step
from ringback.clock import Instant
from ringback.config import Trunk
from ringback.guards.fixed import forbidden_form
from ringback.ids import new_id
from ringback.numbering import Number, to_trunk
from ringback.store import StoreError
from ringback.telephony.port import (
    Answered,
    CallLeg,
    Cause,
    EarlyMedia,
    Ended,
    NoRoom,
    Order,
    Outcome,
    Ringing,
    Shown,
)

UNTIL_RINGING_SECONDS = 30.0
"""Over all trunks, a call may take so long until it rings."""

CANCEL_SECONDS = 5.0
"""A far end that has not confirmed our CANCEL by then is left to the engine."""

ROOM_SECONDS = 2.0
"""An engine without room for a further call may have some soon: a media worker is being started
again, or many calls begin at once."""
_LOOK_SECONDS = 0.05

Reserve = Callable[[Connection, str, Instant], Step]
"""Works out and reserves, within a unit of work, what a leg of that id needs if it is answered
at the given instant at the latest. Raises InsufficientCredit or NoRate."""


class Dialler:
    """One number dialled for one role."""

    def __init__(
        self,
        line: Line,
        role: Role,
        e164: str,
        received: str,
        shown: Callable[[Trunk], Shown],
        reserve: Reserve,
        on_early_media: Callable[[Party], None] = lambda party: None,
    ) -> None:
        self._line = line
        self._role = role
        self._e164 = e164
        self._received = received
        self._shown = shown
        self._reserve = reserve
        self._on_early_media = on_early_media

    async def dial(self) -> Party | Cause:
        """The party, answered, or why nobody did.

        Raises InsufficientCredit or NoRate when the leg cannot be reserved: nothing was dialled
        then; and Over as `Line.next` does.
        """
        line, services = self._line, self._line.services
        rings_by = line.now() + UNTIL_RINGING_SECONDS
        cause = Cause(Outcome.FAILED, trunk_failed=True)
        trunks = trunks_for(self._e164, services.routes, services.chance)
        tried = False
        for name in trunks:
            if line.now() >= rings_by:
                break
            if not services.engine.usable(name):
                continue  # by now: a trunk before it may have taken seconds to fail
            tried = True
            trunk = services.trunks[name]
            dialled = to_trunk(self._e164, trunk)
            reason = forbidden_form(self._e164, dialled, trunk.country, trunk.prepend)
            if reason is not None:
                services.journal.trouble(
                    line.id, f"no call to {self._e164} by {name}: {dialled} would be {reason}"
                )
                continue
            try:
                party = await self._attempt(trunk, rings_by)
            except NoRoom as error:
                services.journal.trouble(line.id, f"no call to {self._e164}: {error}")
                break
            unanswered = await self._until_answered(party, rings_by)
            if unanswered is None:
                return party
            await self._give_up(party)
            cause = unanswered
            if not cause.trunk_failed:
                break
        if not tried:
            self._no_trunk(trunks)
        return cause

    def _no_trunk(self, trunks: Sequence[str]) -> None:
        self._line.services.journal.trouble(
            self._line.id,
            f"no trunk can take a call to {self._e164}: "
            + (f"{', '.join(trunks)} down or full" if trunks else "no route has its prefix"),
        )

    async def _attempt(self, trunk: Trunk, rings_by: Instant) -> Party:
        line, services = self._line, self._line.services
        number = Number(self._received, self._e164, to_trunk(self._e164, trunk))
        leg = await self._prepare(Order(trunk.name, number.dialled, self._shown(trunk)))
        now = line.now()
        leg_id = new_id(now, services.chance)
        latest_answer = rings_by + line.setup.answer_timeout_seconds

        def work(tx: Connection) -> Step:
            settle_undialled(tx, line.undialled, now)
            step = self._reserve(tx, leg_id, latest_answer)
            ledger.reserve(tx, step.holds)
            records.insert_leg(
                tx,
                leg_id=leg_id,
                session=line.id,
                leg=self._role,
                number=number,
                trunk=trunk.name,
                started=now,
                saved=leg.saved(),
            )
            return step

        try:
            await line.sliced()
            step = await services.store.run(work)
        except BaseException as error:
            leg.hang_up()  # never dialled: gives its port and channel back
            if isinstance(error, StoreError):
                line.undialled.append(leg_id)
            raise
        line.undialled.clear()
        line.meter.applied(step)
        line.funds_changed()
        party = Party(leg_id, self._role, number, trunk.name, leg, started=now)
        if self._role == "A":
            line.a, line.caller_gone = party, False
        else:
            line.b = party
        if not line.caller_gone:  # while this was being stored
            leg.dial()
        line.step(
            "return call dialled" if self._role == "A" else "outgoing call dialled",
            number=self._e164,
            trunk=trunk.name,
        )
        return party

    async def _prepare(self, order: Order) -> CallLeg:
        """The leg, once the engine has room for it. Raises NoRoom where that takes too long."""
        line, services = self._line, self._line.services
        beside = line.a.leg if self._role == "B" and line.a is not None else None
        until = line.now() + ROOM_SECONDS
        while True:
            try:
                return services.engine.prepare(order, line.listen, beside)
            except NoRoom:
                if line.now() >= until:
                    raise
                await services.clock.sleep_until(line.now() + _LOOK_SECONDS)

    async def _until_answered(self, party: Party, rings_by: Instant) -> Cause | None:
        """None once answered, else why not."""
        line = self._line
        until = rings_by
        while True:
            message = await line.next(until)
            match message:
                case None if party.withdrawn:
                    return Cause(Outcome.NO_ANSWER, by_us=True)
                case None:
                    party.leg.hang_up()
                    party.withdrawn = True
                    until = line.now() + CANCEL_SECONDS
                case TriggeredAgain(at=at):
                    line.triggered_again = at
                case LegEvent(leg=leg, event=Ringing()) if leg is party.leg and not party.withdrawn:
                    until = line.now() + line.setup.answer_timeout_seconds
                    line.step("rings", number=self._e164)
                case LegEvent(leg=leg, event=EarlyMedia()) if (
                    leg is party.leg and not party.withdrawn
                ):
                    self._on_early_media(party)
                case LegEvent(leg=leg, event=Answered(at=at)) if leg is party.leg:
                    await self._answered(party, at)
                    if not party.withdrawn:
                        return None
                    until = math.inf  # the engine is ending it; its Ended will come
                case LegEvent(leg=leg, event=Ended(cause=cause)) if leg is party.leg:
                    if party.withdrawn:
                        return Cause(Outcome.NO_ANSWER, cause.code, by_us=True)
                    return cause
                case _:
                    continue

    async def _answered(self, party: Party, at: Instant) -> None:
        line = self._line
        saved = party.leg.saved()
        line.was_answered = line.was_answered or self._role == "A"
        await line.sliced()
        step = line.meter.trim() if self._role == "B" else None

        def work(tx: Connection) -> None:
            if step is not None:
                ledger.trim(tx, step.trims)
            records.leg_answered(tx, party.id, party.ringing, at, saved)

        await line.services.store.run(work)
        party.leg.confirm()
        if step is not None:
            line.meter.applied(step)

    async def _give_up(self, party: Party) -> None:
        """Write the end of an attempt and release what was reserved for it."""
        line = self._line
        await line.sliced()
        now = line.now()

        def work(tx: Connection) -> None:
            party.settle(tx, line.meter, now)

        if party is line.b:
            await line.services.store.run(work)
            line.b = None
            line.watch_alone()
        else:
            await insist(line.services, line.id, "the end of the return call", work)
            line.a = None
        line.step("not answered", number=self._e164, cause=party.cause and party.cause.code)
