"""One attempt to reach a party: its leg, and what its record will say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from ringback.calls import records
from ringback.charging import ledger
from ringback.charging.meter import Meter
from ringback.clock import Instant
from ringback.numbering import Number
from ringback.telephony.port import Answered, CallLeg, Cause, Ended, Ending, Event, Ringing

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
    ending: Ending | None = None
    withdrawn: bool = False
    """We gave it up before it answered; an answer that crosses that is ended at once."""
    doubtful: bool = False
    """What is stored counts for its money, not what the meter says: see `doubt`."""

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

    def settle(self, tx: Connection, meter: Meter, now: Instant) -> None:
        """Write the end of the leg: what was used is posted, the rest of what was reserved is
        released. A leg without an answer costs nothing."""
        ended = self.ended if self.ended is not None else now
        posts = meter.settle(self.role, ended)
        billed = max((post.billed_seconds for post in posts if post.answered), default=None)
        if self.doubtful:
            stored = ledger.settle_interrupted(tx, self.id, self.answered, ended, now)
            billed = billed if stored is None else stored  # None: it is settled already
        else:
            ledger.settle(tx, posts, now)
        records.leg_ended(
            tx,
            self.id,
            ringing=self.ringing,
            answered=self.answered,
            at=ended,
            ending=self.ending,
            billed_seconds=billed,
        )


def doubt(*parties: Party | None) -> None:
    """A commit about the money of these legs failed, and may have been kept all the same."""
    for party in parties:
        if party is not None:
            party.doubtful = True


def settle_undialled(tx: Connection, leg_ids: Sequence[str], now: Instant) -> None:
    """Attempts that may be stored with their reservation, and were never dialled, as the commit
    seemed to have failed."""
    for leg_id in leg_ids:
        ledger.settle_interrupted(tx, leg_id, None, now, now)
        records.leg_ended(
            tx,
            leg_id,
            ringing=None,
            answered=None,
            at=now,
            ending=Ending(Cause.FAILED),
            billed_seconds=None,
        )
