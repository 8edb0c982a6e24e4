"""Late answers: of an attempt whose trunk was given up, or more than 5 s after our CANCEL (spec
section 5).

The engine ends such a call. What is written of it changes the leg, the charges and the statements,
never how a session has ended.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from ringback.calls import records
from ringback.calls.chronicle import Chronicle
from ringback.calls.events import LateAnswer, LateAnswerUnpaid
from ringback.calls.insisting import Pauses, insist
from ringback.calls.party import EndedLeg, write_end
from ringback.charging.holds import Shortage
from ringback.charging.late import charge_late
from ringback.clock import Clock, Instant


@dataclass(frozen=True, slots=True)
class _Written:
    """What was written of a late answer."""

    unpaid: str | None
    """Why nobody pays; None where all do."""


async def write_late_answer(chronicle: Chronicle, clock: Clock, leg: EndedLeg) -> None:
    """Charge one first block to everybody who would have paid for the leg, or record that nobody
    does. `leg` is as it is from now on: answered and ended at once."""
    chronicle.tell(LateAnswer(leg.role, leg.number))

    async def write() -> _Written | None:
        now = clock.now()
        return await chronicle.run(lambda tx: _write(tx, leg, now))

    what, pauses = f"a late answer of {leg.number}", Pauses()
    while (written := await insist(chronicle, clock, what, write)) is None:
        await clock.sleep_until(clock.now() + pauses.next())
    if written.unpaid is not None:
        chronicle.tell(LateAnswerUnpaid(written.unpaid))
        chronicle.trouble(
            f"{leg.number} answered late, by {leg.trunk}, which may charge it: nobody pays: "
            f"{written.unpaid}"
        )
        await insist(chronicle, clock, what, lambda: chronicle.run(lambda tx: None))


def _write(tx: Connection, leg: EndedLeg, now: Instant) -> _Written | None:
    """None: the end of the attempt has not been written yet, and so its reservation stands."""
    row = records.leg(tx, leg.id)
    if row["ended"] is None:
        return None
    if row["answered"] is not None:  # written, though the commit seemed to fail
        return _Written(
            None if row["billed_seconds"] is not None else "not enough was left when it came"
        )
    assert leg.answered is not None
    charged = charge_late(tx, leg.id, leg.answered, now)
    if isinstance(charged, Shortage):
        write_end(tx, leg, None)
        return _Written(str(charged))
    write_end(tx, leg, charged)
    return _Written(None)
