"""The guards `spend_per_day` and `spend_per_call` (spec section 8): what each leaves, and whose
reservations it counts.

What somebody spends is the price by the nearest plan at or above, also where credit is unlimited:
for a callerID what it pays itself, for all others what the account pays that holds that plan. Where
there is none above it is the uppermost one below.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from ringback.accounts.tree import CallerIdFacts, ExtensionFacts
from ringback.amounts import ZERO, format_amount
from ringback.calls.course import CallbackSession
from ringback.charging.money import Limits, available, no_limits, spent
from ringback.charging.payers import NoRate, PayerRate, payers
from ringback.clock import Instant
from ringback.guards.reached import Reached
from ringback.guards.settings import Subject


@dataclass(frozen=True, slots=True)
class SpendGuard:
    """One limit of what may be spent."""

    subject: Subject
    guard: str
    limit: Decimal
    id: str
    """Of the spending that it limits."""
    ledger_id: str
    """Whose reservations are that spending."""


@dataclass(frozen=True, slots=True)
class Remaining:
    """What a guard leaves."""

    by: SpendGuard
    spent: Decimal

    @property
    def amount(self) -> Decimal:
        return max(ZERO, self.by.limit - self.spent)

    def reached(self) -> Reached:
        """That this is too little."""
        by = self.by
        return Reached.of(by.subject, by.guard, format_amount(self.spent), format_amount(by.limit))


def spend_guards(
    session: str, extension: ExtensionFacts, caller_id: CallerIdFacts | None, dialled: Instant
) -> list[SpendGuard]:
    """Those that hold for a leg of this session dialled then, paid by this callerID, the nearest
    first; of most there are none."""
    found: list[SpendGuard] = []
    for subject, zone, ledger_id in _subjects(extension, caller_id):
        if ledger_id is None:
            continue  # nobody pays, so no call is possible
        if subject.guards.spend_per_day is not None:
            day = datetime.fromtimestamp(dialled, UTC).astimezone(ZoneInfo(zone)).date()
            limit, id_ = subject.guards.spend_per_day, f"{subject.id}/{day}"
            found.append(SpendGuard(subject, "spend_per_day", limit, id_, ledger_id))
        if subject.guards.spend_per_call is not None:
            limit, id_ = subject.guards.spend_per_call, f"{subject.id}/{session}"
            found.append(SpendGuard(subject, "spend_per_call", limit, id_, ledger_id))
    return found


def _subjects(
    extension: ExtensionFacts, caller_id: CallerIdFacts | None
) -> list[tuple[Subject, str, str | None]]:
    """Everybody with time zone, and the ledger account that pays what they spend."""
    levels = extension.levels
    holders = [place for place, level in enumerate(levels) if level.plan is not None]

    def pays(place: int) -> str | None:
        holder = next((each for each in holders if each >= place), max(holders, default=None))
        return None if holder is None else levels[holder].ledger_id

    found = [
        (subject, level.time_zone, pays(place))
        for place, (subject, level) in enumerate(zip(extension.guarded, levels, strict=True))
    ]
    if caller_id is not None:
        found.insert(0, (caller_id.guarded, extension.time_zone, caller_id.ledger_id))
    return found


def counted(paying: Sequence[PayerRate], guards: Sequence[SpendGuard]) -> list[PayerRate]:
    """The payers, whose reservations are part of the spending that these guards limit."""
    if not guards:
        return list(paying)
    return [
        replace(
            payer, spends=tuple(each.id for each in guards if each.ledger_id == payer.ledger_id)
        )
        for payer in paying
    ]


def remaining(tx: Connection, guards: Sequence[SpendGuard]) -> list[Remaining]:
    """What each leaves, in one statement."""
    found = spent(tx, [each.id for each in guards])
    return [Remaining(each, found.get(each.id, ZERO)) for each in guards]


def too_little(left: Sequence[Remaining], needed: Mapping[str, Decimal]) -> Reached | None:
    """The first that leaves less than is needed, by ledger account."""
    for each in left:
        if each.amount < needed.get(each.by.ledger_id, ZERO):
            return each.reached()
    return None


def of_session(session: CallbackSession, dialled: Iterable[Instant]) -> list[SpendGuard]:
    """Those that hold for legs of a session which were dialled at these instants."""
    payer = session.course.identified or session.course.triggering
    found = [spend_guards(session.id, session.extension, payer, at) for at in dialled]
    return list(dict.fromkeys(guard for guards in found for guard in guards))


def limits_of(session: CallbackSession, dialled: Iterable[Instant]) -> Limits:
    """What a session may reserve: what the tightest guard leaves, of whichever day."""
    guards = of_session(session, dialled)
    if not guards:
        return no_limits

    def limits(tx: Connection, ledger_ids: Collection[str], now: Instant) -> Mapping[str, Decimal]:
        found: dict[str, Decimal] = {}
        for each in remaining(tx, [each for each in guards if each.ledger_id in ledger_ids]):
            id_ = each.by.ledger_id
            found[id_] = min(each.amount, found.get(id_, each.amount))
        return found

    return limits


def tightest(
    tx: Connection, session: CallbackSession, ledger_id: str, dialled: Iterable[Instant]
) -> Reached | None:
    """The guard that leaves a ledger account less than its credit does."""
    left = [
        each
        for each in remaining(tx, of_session(session, dialled))
        if each.by.ledger_id == ledger_id
    ]
    least = min(left, key=lambda each: each.amount, default=None)
    if least is None or least.amount >= available(tx, ledger_id):
        return None
    return least.reached()


def ended_by(
    tx: Connection, session: CallbackSession, legs: Iterable[tuple[str, Instant]]
) -> Reached | None:
    """The guard that leaves too little for a further block of these legs, numbers with the instants
    at which they were dialled."""
    needed: dict[str, Decimal] = {}
    dialled = []
    for number, at in legs:
        dialled.append(at)
        try:
            paying = payers(tx, session.extension.levels, session.payer_id, number, at)
        except NoRate:
            continue  # its plan was changed meanwhile
        for payer in paying:
            block = payer.rate.price(1) - payer.rate.price(0)
            needed[payer.ledger_id] = max(block, needed.get(payer.ledger_id, ZERO))
    return too_little(remaining(tx, of_session(session, dialled)), needed)
