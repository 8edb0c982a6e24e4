"""One attempt to reach a party: its leg, and what its record will say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from ringback.calls import records
from ringback.charging import ledger
from ringback.charging.meter import Meter
from ringback.clock import Instant
from ringback.numbering import Number
from ringback.telephony.port import Answered, CallLeg, Cause, Ended, Event, Ringing

Role = Literal["A", "B"]


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
    cause: Cause | None = None
    withdrawn: bool = False
    """We gave it up before it answered; an answer that crosses that is ended at once."""

    def note(self, event: Event, now: Instant) -> None:
        """Take from an event what the record needs."""
        match event:
            case Ringing():
                self.ringing = now
            case Answered(at=at):
                self.answered = at
            case Ended(cause=cause, at=at):
                self.cause, self.ended = cause, at

    @property
    def talking(self) -> bool:
        return self.answered is not None and self.ended is None

    def settle(self, tx: Connection, meter: Meter, now: Instant) -> None:
        """Write the end of the leg: what was used is posted, the rest of what was reserved is
        released. A leg without an answer costs nothing."""
        ended = self.ended if self.ended is not None else now
        posts = meter.settle(self.role, ended)
        ledger.settle(tx, posts, now)
        records.leg_ended(
            tx,
            self.id,
            ringing=self.ringing,
            answered=self.answered,
            at=ended,
            cause=None if self.cause is None else self.cause.code,
            billed_seconds=max((post.billed_seconds for post in posts), default=None)
            if self.answered is not None
            else None,
        )
