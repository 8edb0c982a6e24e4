"""One attempt to reach somebody: its leg, and what its record will say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ringback.calls import records
from ringback.charging.holds import Role
from ringback.charging.money import Money, settle_stored
from ringback.charging.rating import microseconds
from ringback.charging.trunkcost import record_cost, trunk_cost
from ringback.clock import Instant
from ringback.numbering import Number
from ringback.telephony.port import Answered, CallLeg, Cause, Ended, Ending, Event, Ringing


@dataclass(frozen=True, slots=True)
class EndedLeg:
    """What is written of a leg that is over."""

    id: str
    role: Role
    number: str
    """E.164."""
    trunk: str
    cost_plan: str | None
    """Of the trunk, where it is known."""
    started: Instant
    ringing: Instant | None
    answered: Instant | None
    ended: Instant
    ending: Ending | None


@dataclass(slots=True)
class Party:
    """A leg that Ringback dials. The instants are None until they come."""

    id: str
    role: Role
    number: Number
    trunk: str
    cost_plan: str | None
    """Of the trunk, which may be removed before the leg has ended."""
    leg: CallLeg
    started: Instant
    ringing: Instant | None = None
    answered: Instant | None = None
    ended: Instant | None = None
    ending: Ending | None = None
    withdrawn: bool = False
    """We gave it up before it answered; an answer that crosses that is ended at once."""
    answered_late: bool = False
    """It was answered after the session had done with it."""
    limited_to: Instant | None = None
    """When whoever carries the leg ends it by itself."""

    def note(self, event: Event, now: Instant) -> None:
        """Take from an event what the record needs."""
        match event:
            case Ringing():
                self.ringing = now
            case Answered(at=at):
                self.answered = at
            case Ended(ending=ending, at=at):
                self.ending, self.ended = ending, at

    def limit(self, at: Instant | None) -> None:
        """Move the instant at which whoever carries the leg ends it by itself. None: no limit."""
        if at != self.limited_to:
            self.limited_to = at
            self.leg.limit(at)

    @property
    def talking(self) -> bool:
        return self.answered is not None and self.ended is None

    @property
    def code(self) -> int | None:
        """The engine's code of how it ended."""
        return None if self.ending is None else self.ending.code

    def as_ended(self, now: Instant) -> EndedLeg:
        """The leg, which is over: at the latest now."""
        ended = now if self.ended is None else self.ended
        return EndedLeg(
            self.id,
            self.role,
            self.number.e164,
            self.trunk,
            self.cost_plan,
            self.started,
            self.ringing,
            self.answered,
            ended,
            self.ending,
        )

    def as_answered_late(self, at: Instant) -> EndedLeg:
        """The leg, which was over and has been answered at `at`: it is ended at once."""
        ending = Ending(Cause.NORMAL, by_us=True)
        return replace(self.as_ended(at), answered=at, ended=at, ending=ending)


def settle(money: Money, leg: EndedLeg) -> None:
    """Write the end of a leg: what was used is posted, the rest of what was reserved is released.
    Part of a unit of work."""
    billed = money.settle(leg.role, leg.id, leg.answered, leg.ended)
    # What a stopped server learnt too late is no time of the leg's.
    ended = money.time_ended(leg.role, leg.ended)
    write_end(money.tx, replace(leg, ended=ended), billed)


def write_end(tx: Connection, leg: EndedLeg, billed: int | None) -> None:
    """Write the end of a leg that is settled, and what its trunk costs. Part of a unit of work."""
    records.leg_ended(
        tx,
        leg.id,
        ringing=leg.ringing,
        answered=leg.answered,
        ended=leg.ended,
        ending=leg.ending,
        billed_seconds=billed,
    )
    if leg.answered is not None and leg.cost_plan is not None:
        lasted = microseconds(leg.ended) - microseconds(leg.answered)
        cost = trunk_cost(tx, leg.cost_plan, leg.number, leg.started, lasted)
        record_cost(tx, leg.id, leg.trunk, cost)


def settle_undialled(tx: Connection, leg_ids: Sequence[str], now: Instant) -> None:
    """Write the end of attempts that may be stored with their reservation, and were never dialled,
    as the commit seemed to have failed. Part of a unit of work."""
    for leg_id in leg_ids:
        settle_stored(tx, leg_id, None, now, now)
        records.leg_ended(
            tx,
            leg_id,
            ringing=None,
            answered=None,
            ended=now,
            ending=Ending(Cause.FAILED),
            billed_seconds=None,
        )
