"""A session's money within one unit of work: what may be reserved, given back and settled.

Each verb works a step out, has the ledger do it, and keeps what is then held in a meter of its
own. So a unit may run twice: each run begins with what was held before. What the unit leaves is
taken over by `Funds` once it is committed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from sqlalchemy import Connection

from ringback.amounts import ZERO, format_amount
from ringback.charging import ledger
from ringback.charging.holds import Hold, Role, Shortage
from ringback.charging.means import Means
from ringback.charging.meter import Meter
from ringback.charging.packages import allowances_of
from ringback.charging.payers import PayerRate
from ringback.charging.steps import Step, Terms
from ringback.clock import Instant

NOTICE_SECONDS = 0.25
"""A block that begins so soon counts as begun: the BYE could not leave before it does."""

Limits = Callable[[Connection, Collection[str], Instant], Mapping[str, Decimal]]
"""What these ledger accounts may still reserve for a session by its price, whatever they have,
where something limits that (spec section 8, `spend_per_day` and `spend_per_call`): the least of
what any guard leaves. What is reserved counts as spent."""


def no_limits(tx: Connection, ledger_ids: Collection[str], now: Instant) -> Mapping[str, Decimal]:
    """Only their credit limits them."""
    return MappingProxyType({})


class Money:
    """What one session has reserved, as a unit of work sees and changes it."""

    def __init__(
        self,
        tx: Connection,
        meter: Meter,
        now: Instant,
        in_doubt: Collection[str] = (),
        keeps: Instant = math.inf,
        limits: Limits = no_limits,
    ) -> None:
        """`now` is when the unit was handed to the store. `in_doubt` are the legs whose stored
        reservations may be other than the meter says. Up to `keeps` leg A gives nothing back: it
        may be under way until then, however long the store takes."""
        self.tx = tx
        self.meter = meter
        self.now = now
        self._in_doubt = in_doubt
        self._keeps = keeps
        self._limits = limits
        meter.lapse(now)

    def open_a(
        self, leg_id: str, payers: Sequence[PayerRate], least: Decimal = ZERO
    ) -> Shortage | None:
        """Reserve leg A's setup and first block with every payer, or nothing with anybody and say
        who lacks what. `least` as for `shortage_a`."""
        means = self._means(payers)
        step = self.meter.open_a(leg_id, payers, means.left)
        return _shortage(means.available, step.holds, least) or self._reserve(step)

    def open_b(self, leg_id: str, terms: Terms, latest_answer: Instant) -> Shortage | None:
        """Reserve what leg B needs if it is answered at `latest_answer`, or else at the latest
        instant that there is enough for (`Meter.latest_answer`), and leg A to the end of B's first
        block and the tail; or nothing, and say who lacks what."""
        means = self._means(terms.payers)
        return self._take(
            self.meter.open_b(leg_id, terms, self.now, latest_answer, means, self._keeps)
        )

    def extend_ringing(self, latest_answer: Instant) -> Shortage | None:
        """Let leg B ring on, at most until `latest_answer`, or say who lacks what for that."""
        return self._take(self.meter.extend_ringing(latest_answer, self._means()))

    def outlook(self, terms: Terms) -> Callable[[Instant], float]:
        """What tells for how many seconds leg B would last that is answered at a given instant.
        math.inf where nobody's credit limits it; 0 where leg B could not even be dialled then."""
        meter, means = self.meter.copy(), self._means(terms.payers)
        return lambda answer: meter.longest(terms, answer, means)

    def slice(self) -> Shortage | None:
        """Reserve the next 60 s for all answered legs, or what there is."""
        return self._reserve(self.meter.slice(self._means()))

    def change_payers_a(self, payers: Sequence[PayerRate], until: Instant) -> Shortage | None:
        """Others pay leg A from its answer, up to `until` at first: what they may have is not
        enough for all that was reserved with those before."""
        return self._reserve(self.meter.change_payers_a(payers, max(until, self._keeps)))

    def revoked(self) -> set[str]:
        """The ledger accounts that were unlimited when they paid, and are no more."""
        return ledger.revoked(self.tx, self.meter.leg_ids())

    def curtail(self, ledger_ids: Collection[str], at: Instant) -> None:
        """Whoever was unlimited and is no more pays no block that has not begun at `at` (spec
        section 6, "Credit of a callerID")."""
        self._reserve(self.meter.curtail(self.revoked().intersection(ledger_ids), at))

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
        until = self.time_ended(role, ended)
        stored = settle_stored(self.tx, leg_id, answered, until, self.now)
        return billed if stored is None else stored  # None: it is settled already

    def time_ended(self, role: Role, ended: Instant) -> Instant:
        """When the time of a leg ended that is over: it is no longer for going on unpaid."""
        return self.meter.time_ended(role, ended)

    def _take(self, step: Step | Shortage) -> Shortage | None:
        return step if isinstance(step, Shortage) else self._reserve(step)

    def _reserve(self, step: Step) -> Shortage | None:
        """Have the ledger do the whole step, or nothing of it."""
        if step.holds or step.trims:
            shortage = ledger.reserve(self.tx, step.holds, step.trims)
            if shortage is not None:
                return shortage
        if step.releases:
            ledger.settle(self.tx, step.releases, self.now)
        self.meter.applied(step)
        return None

    def _means(self, payers: Sequence[PayerRate] = ()) -> Means:
        """What those who pay for the open legs have left, and these payers."""
        ids = dict.fromkeys([*(payer.ledger_id for payer in payers), *self.meter.ledger_ids()])
        return Means(
            limited(ledger.available(self.tx, ids), self._limits(self.tx, list(ids), self.now)),
            ledger.free_left(self.tx, [*self.meter.allowances(), *allowances_of(payers)]),
        )


def limited(
    available: Mapping[str, Decimal], limits: Mapping[str, Decimal]
) -> Mapping[str, Decimal]:
    """What each has, where that is less than its limit, or its limit, which is not below 0."""
    if not limits:
        return available
    return {
        id_: min(amount, max(ZERO, limits.get(id_, amount))) for id_, amount in available.items()
    }


def opening_a(tx: Connection, payers: Sequence[PayerRate]) -> Sequence[Hold]:
    """What the first block of a leg A with these payers holds."""
    left = ledger.free_left(tx, allowances_of(payers))
    return Meter().open_a("", payers, left).holds


def shortage_a(tx: Connection, payers: Sequence[PayerRate], least: Decimal) -> Shortage | None:
    """Who lacks what for the first block of a leg A with these payers. `least` is asked of who is
    nearest, the callerID or else the account (`minimum_credit`)."""
    holds = opening_a(tx, payers)
    return _shortage(ledger.available(tx, [hold.ledger_id for hold in holds]), holds, least)


def _shortage(
    available: Mapping[str, Decimal], holds: Iterable[Hold], least: Decimal
) -> Shortage | None:
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


def available(tx: Connection, ledger_id: str) -> Decimal:
    """What somebody can still reserve; Infinity without a limit."""
    return ledger.available(tx, [ledger_id])[ledger_id]


def spent(tx: Connection, ids: Sequence[str]) -> Mapping[str, Decimal]:
    """What is spent and reserved of each of these guarded budgets; one of which nothing is, is not
    there."""
    return ledger.spent(tx, ids)
