"""One attempt to reach somebody: its leg, and what its record will say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ringback.calls import records
from ringback.charging.holds import Role
from ringback.charging.money import Money, settle_stored
from ringback.clock import Instant
from ringback.numbering import Number
from ringback.telephony.port import Answered, CallLeg, Cause, Ended, Ending, Event, Ringing


@dataclass(frozen=True, slots=True)
class EndedLeg:
    """What is written of a leg that is over."""

    id: str
    role: Role
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
    leg: CallLeg
    started: Instant
    ringing: Instant | None = None
    answered: Instant | None = None
    ended: Instant | None = None
    ending: Ending | None = None
    withdrawn: bool = False
    """We gave it up before it answered; an answer that crosses that is ended at once."""

    def note(self, event: Event, now: Instant) -> None:
        """Take from an event what the record needs."""
        match event:
            case Ringing():
                self.ringing = now
            case Answered(at=at):
                self.answered = at
            case Ended(ending=ending, at=at):
                self.ending, self.ended = ending, at

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
        return EndedLeg(self.id, self.role, self.ringing, self.answered, ended, self.ending)


def settle(money: Money, leg: EndedLeg) -> None:
    """Write the end of a leg: what was used is posted, the rest of what was reserved is released.
    Part of a unit of work."""
    billed = money.settle(leg.role, leg.id, leg.answered, leg.ended)
    records.leg_ended(
        money.tx,
        leg.id,
        ringing=leg.ringing,
        answered=leg.answered,
        ended=money.time_ended(leg.role, leg.ended),
        ending=leg.ending,
        billed_seconds=billed,
    )


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
