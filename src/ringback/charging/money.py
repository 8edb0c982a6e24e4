"""A session's money within one unit of work: what may be reserved, given back and settled.

Each verb works a step out, has the ledger do it, and keeps what is then held in a meter of its
own. So a unit may run twice: each run begins with what was held before. What the unit leaves is
taken over by `Funds` once it is committed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal

from sqlalchemy import Connection

from ringback.amounts import ZERO, format_amount
from ringback.charging import ledger
from ringback.charging.holds import Hold, Role
from ringback.charging.ledger import Shortage
from ringback.charging.meter import Meter, Step
from ringback.charging.packages import allowances_of
from ringback.charging.payers import PayerRate
from ringback.clock import Instant

NOTICE_SECONDS = 0.25
"""A block that begins so soon counts as begun: the BYE could not leave before it does."""


class Money:
    """What one session has reserved, as a unit of work sees and changes it."""

    def __init__(
        self, tx: Connection, meter: Meter, now: Instant, in_doubt: Collection[str] = ()
    ) -> None:
        """`now` is when the unit was handed to the store. `in_doubt` are the legs whose stored
        reservations may be other than the meter says."""
        self.tx = tx
        self.meter = meter
        self.now = now
        self._in_doubt = in_doubt

    def open_a(
        self, leg_id: str, payers: Sequence[PayerRate], least: Decimal = ZERO
    ) -> Shortage | None:
        """Reserve leg A's setup and first block with every payer, or nothing with anybody and say
        who lacks what. `least` as for `shortage_a`."""
        step = self.meter.open_a(leg_id, payers, self._free_left(payers))
        return _shortage(self.tx, step.holds, least) or self._reserve(step)

    def open_b(
        self,
        leg_id: str,
        payers: Sequence[PayerRate],
        latest_answer: Instant,
        tail: float,
    ) -> Shortage | None:
        """Reserve what leg B needs if it is answered at `latest_answer`, and leg A to the end of
        B's first block and `tail` seconds more; or nothing, and say who lacks what."""
        left = self._free_left(payers)
        return self._reserve(self.meter.open_b(leg_id, payers, latest_answer, tail, left))

    def lasts(self, payers: Sequence[PayerRate], latest_answer: Instant, tail: float) -> float:
        """For how many seconds a leg B with these payers, answered now, could go on. math.inf
        where nobody's credit limits it; 0 where leg B could not even be reserved."""
        ids = {payer.ledger_id for payer in payers}.union(self.meter.ledger_ids())
        available, left = ledger.available(self.tx, ids), self._free_left(payers)
        opening = self.meter.open_b("", payers, latest_answer, tail, left)
        if not self.meter.affords(opening, available):
            return 0.0
        return self.meter.longest(payers, self.now, tail, available, left)

    def slice(self) -> Shortage | None:
        """Reserve the next 60 s for all answered legs, or what there is: after giving back what
        leg A does not need to outlast leg B, or the credit would end for B while A still held some
        of it."""
        self._give_back(self.meter.trim())
        available = ledger.available(self.tx, self.meter.ledger_ids())
        return self._reserve(self.meter.slice(available, self._free_left()))

    def change_payers_a(self, payers: Sequence[PayerRate], until: Instant) -> Shortage | None:
        """Others pay leg A from its answer, up to `until` at first: what they may have is not
        enough for all that was reserved with those before."""
        step = self.meter.change_payers_a(payers, until)
        shortage = ledger.reserve(self.tx, step.holds)
        if shortage is None:
            ledger.trim(self.tx, step.trims)
            ledger.settle(self.tx, step.releases, self.now)
            self.meter.applied(step)
        return shortage

    def curtail(self) -> None:
        """Whoever was unlimited and is no more pays no block that has not begun (spec section 6,
        "Credit of a callerID")."""
        revoked = ledger.revoked(self.tx, self.meter.leg_ids())
        self._give_back(self.meter.curtail(revoked, self.now + NOTICE_SECONDS))

    def settle(
        self, role: Role, leg_id: str, answered: Instant | None, ended: Instant
    ) -> int | None:
        """Post what was used of the leg's reservations and release the rest. A leg that was not
        answered costs nothing. Returns the billed seconds, None where nothing is charged."""
        posts = self.meter.settle(role, ended)
        billed = max((post.billed_seconds for post in posts if post.answered), default=None)
        if leg_id not in self._in_doubt:
            ledger.settle(self.tx, posts, self.now)
            return billed
        stored = settle_stored(self.tx, leg_id, answered, ended, self.now)
        return billed if stored is None else stored  # None: it is settled already

    def _reserve(self, step: Step) -> Shortage | None:
        shortage = ledger.reserve(self.tx, step.holds)
        if shortage is None:
            self.meter.applied(step)
        return shortage

    def _give_back(self, step: Step) -> None:
        ledger.trim(self.tx, step.trims)
        self.meter.applied(step)

    def _free_left(self, payers: Sequence[PayerRate] = ()) -> dict[str, int]:
        """The free minutes that the open legs and these payers may use."""
        return ledger.free_left(self.tx, [*self.meter.allowances(), *allowances_of(payers)])


def shortage_a(tx: Connection, payers: Sequence[PayerRate], least: Decimal) -> Shortage | None:
    """Who lacks what for the first block of a leg A with these payers. `least` is asked of who is
    nearest, the callerID or else the account (`minimum_credit`)."""
    left = ledger.free_left(tx, allowances_of(payers))
    return _shortage(tx, Meter().open_a("", payers, left).holds, least)


def _shortage(tx: Connection, holds: Sequence[Hold], least: Decimal) -> Shortage | None:
    available = ledger.available(tx, [hold.ledger_id for hold in holds])
    for hold in holds:
        needed = max(least, hold.total)
        if available[hold.ledger_id] < needed:
            reason = f"less than {format_amount(needed)} is left"
            return Shortage(hold.payer, hold.ledger_id, reason)
        least = ZERO
    return None


def settle_stored(
    tx: Connection, leg_id: str, answered: Instant | None, ended: Instant, now: Instant
) -> int | None:
    """Settle a leg by what is stored of it alone: after a crash, or where a failed commit left in
    doubt what is reserved. Returns the billed seconds; None for a leg never answered, or settled
    already."""
    return ledger.settle_interrupted(tx, leg_id, answered, ended, now)


def spendable(tx: Connection, ledger_id: str) -> Decimal | None:
    """What is left to somebody; None without a limit. What is reserved for calls under way is not
    taken off, or a caller would hear less each time they ask."""
    found = ledger.balance(tx, ledger_id)
    return None if found.unlimited else found.spendable
