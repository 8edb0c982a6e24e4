"""The facts that the verdict on a call depends on, read within a unit of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from ringback.accounts import lockout, standing, tree
from ringback.accounts.callback import ReturnCalls
from ringback.accounts.hours import are_open
from ringback.accounts.tree import CallerIdFacts, ExtensionFacts
from ringback.calls import records, spending
from ringback.calls.spending import SpendGuard
from ringback.calls.verdict import Facts, NumberFacts, TriggerFacts, returns_to
from ringback.charging.money import opening_a, shortage_a
from ringback.charging.payers import NoRate, PayerRate, payers, who_pays
from ringback.clock import Instant
from ringback.guards import counts, destinations, fixed, return_numbers
from ringback.guards.counts import Count
from ringback.guards.limits import Limits
from ringback.guards.reached import Reached
from ringback.guards.settings import Subject
from ringback.numbering import is_of_country, matches_prefix
from ringback.telephony.calling import CallingNumber


@dataclass(frozen=True, slots=True)
class ReturnCallFacts:
    """The facts of a return call, and who would pay it."""

    facts: Facts
    payers: list[PayerRate] = field(default_factory=list)
    counts: Mapping[str, Count] = field(default_factory=dict)
    """Of all whose guards it counts for, by their ids: locked, to be added to."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An outgoing call that somebody wants to make."""

    number: str
    """E.164."""
    calling: CallingNumber
    """The triggering number of the session."""
    returned_to: str
    """Where its return call went."""
    triggering: CallerIdFacts | None
    """The callerID of the triggering number, which may have another number by now."""
    identified: CallerIdFacts | None
    """The callerID on whose credit it is made."""


def of_return_call(
    tx: Connection,
    guards: Limits,
    extension: ExtensionFacts,
    session: str,
    calling: CallingNumber,
    now: Instant,
    *,
    trigger: TriggerFacts | None = None,
    accepted_for: str | None = None,
    counted: bool = False,
) -> ReturnCallFacts:
    """The facts of a return call for a triggering number.

    `accepted_for` is where an accepted request is to be returned to, which has its place among the
    sessions; without it, whether another one is open is a fact too. `counted`: the attempt has
    begun by another trunk, and its place among the calls of this hour.
    """
    listed = _listed(tx, extension, calling.e164)
    facts = replace(
        _of_caller(extension, calling, listed, None, now),
        trigger=trigger,
        accepted_for=accepted_for,
    )
    number = facts.returns_to
    if number is None:
        return ReturnCallFacts(facts)
    paying: list[PayerRate] = []
    spend_guards: list[SpendGuard] = []
    no_rate: str | None = None
    try:
        paying = payers(tx, extension.levels, _id(listed), number, now)
        spend_guards = spending.spend_guards(session, extension, listed, now)
        paying = spending.counted(paying, spend_guards)
    except NoRate as error:
        no_rate = str(error)
    shortage = shortage_a(tx, paying, extension.setup.minimum_credit) if paying else None
    guarded = _guarded(extension, listed)
    found = counts.load(tx, guarded, lock=True)
    reached = None if accepted_for else counts.sessions_reached(guarded, found)
    if not counted:
        reached = (
            reached
            or counts.calls_reached(guarded, found, now)
            or return_numbers.refusal(return_numbers.calls_to(tx, number, now), number, now, guards)
        )
    if spend_guards and reached is None:
        needed = {hold.ledger_id: hold.total for hold in opening_a(tx, paying)}
        reached = spending.too_little(spending.remaining(tx, spend_guards), needed)
    of_number = NumberFacts(
        forbidden=_named(number, _forbidden_return(tx, guards, extension, listed, number)),
        out_of_hours=_out_of_hours(extension, now),
        locked_out=_locked_out(tx, extension, facts, number, now),
        open_session=None if accepted_for else records.open_session(tx, extension.id, number),
        over_limit=reached,
        no_rate=no_rate,
        no_credit=None if shortage is None else str(shortage),
    )
    return ReturnCallFacts(replace(facts, number=of_number), paying, found)


@dataclass(frozen=True, slots=True)
class SessionGuards:
    """What guards say of a request whose source is proven now."""

    counts: Mapping[str, Count]
    """Of all whose guards the session counts for from now on, by their ids: locked."""
    reached: Reached | None
    """The guard that leaves no room for it."""


def of_proven_request(
    tx: Connection,
    guards: Limits,
    extension: ExtensionFacts,
    caller: str | None,
    number: str,
    now: Instant,
) -> SessionGuards:
    """Whether a request that was accepted for `number` has room among the sessions. It is asked
    when the source is proven: forged triggers must not take the places of others."""
    guarded = _guarded(extension, _listed(tx, extension, caller))
    found = counts.load(tx, guarded, lock=True)
    reached = counts.sessions_reached(guarded, found)
    calls = return_numbers.calls_to(tx, number, now)
    return SessionGuards(found, reached or return_numbers.refusal(calls, number, now, guards))


def of_outgoing_call(
    tx: Connection, guards: Limits, extension: ExtensionFacts, wanted: Outgoing, now: Instant
) -> Facts:
    """The facts of an outgoing call; who pays it is decided where it is reserved."""
    who = _as_now(tx, wanted.identified)
    listed = _listed(tx, extension, wanted.calling.e164, wanted.triggering)
    facts = replace(
        _of_caller(extension, wanted.calling, listed, who, now), accepted_for=wanted.returned_to
    )
    if facts.returns_to is None:
        return facts
    forbidden = _forbidden(tx, guards, extension, who, wanted.number)
    of_number = NumberFacts(
        forbidden=None if forbidden is None else f"it is {forbidden}",
        locked_out=_locked_out(tx, extension, facts, facts.returns_to, now),
    )
    return replace(facts, number=of_number)


def _of_caller(
    extension: ExtensionFacts,
    calling: CallingNumber,
    listed: CallerIdFacts | None,
    identified: CallerIdFacts | None,
    now: Instant,
) -> Facts:
    """What holds of who calls, whatever number is to be called."""
    setup, zone = extension.setup, extension.time_zone
    callers = [who for who in (listed, identified) if who is not None]
    found = (standing.of_caller_id(who, zone, now) for who in callers)
    return Facts(
        setup=setup,
        calling=calling,
        listed=listed,
        suspended=standing.of_extension(extension.levels, now),
        disabled=next((each for each in found if each is not None), None),
        returns_to=returns_to(setup, calling.e164, listed),
    )


def _as_now(tx: Connection, who: CallerIdFacts | None) -> CallerIdFacts | None:
    return None if who is None else tree.load_caller_id(tx, who.id)


def _id(who: CallerIdFacts | None) -> str | None:
    return None if who is None else who.id


def _listed(
    tx: Connection,
    extension: ExtensionFacts,
    caller: str | None,
    triggering: CallerIdFacts | None = None,
) -> CallerIdFacts | None:
    """The authorized callerID of a triggering number, where that counts. Once a return call was
    made for one, it stays the one, also with another number."""
    if caller is None or extension.setup.return_calls is ReturnCalls.FIXED:
        return None
    return _as_now(tx, triggering) or tree.find_caller_id(tx, extension.id, caller)


def _named(number: str, reason: str | None) -> str | None:
    return None if reason is None else f"{number} is {reason}"


def _locked_out(
    tx: Connection, extension: ExtensionFacts, facts: Facts, number: str, now: Instant
) -> str | None:
    """Whether whoever takes the return call could not authenticate."""
    keys = [lockout.password_key(extension.id, number)] if extension.password_mac else []
    if facts.listed is not None and extension.setup.require_caller_pin:
        keys.append(lockout.pin_key(facts.listed.id))
    if any(lock.locked(now) for lock in lockout.load(tx, keys).values()):
        return "locked out after too many wrong entries"
    return None


def _out_of_hours(extension: ExtensionFacts, now: Instant) -> str | None:
    setup = extension.setup
    if are_open(setup.hours, setup.closed, extension.time_zone, now):
        return None
    return "out of hours: see hours and closed"


def _guarded(extension: ExtensionFacts, caller_id: CallerIdFacts | None) -> Sequence[Subject]:
    """Everybody whose guards hold for a call, the nearest first."""
    return extension.guarded if caller_id is None else (caller_id.guarded, *extension.guarded)


def _forbidden_return(
    tx: Connection,
    guards: Limits,
    extension: ExtensionFacts,
    caller_id: CallerIdFacts | None,
    number: str,
) -> str | None:
    """Why a number must not be called back: in `caller` mode only those of the account's own
    country are, unless `destinations` allows them."""
    reason = _forbidden(tx, guards, extension, caller_id, number)
    if reason is not None or extension.setup.return_calls is not ReturnCalls.CALLER:
        return reason
    if is_of_country(number, extension.country) or destinations.allowed(
        _guarded(extension, caller_id), number
    ):
        return None
    return "not in the account's country: see destinations"


def _forbidden(
    tx: Connection,
    guards: Limits,
    extension: ExtensionFacts,
    caller_id: CallerIdFacts | None,
    e164: str,
) -> str | None:
    """Why the fixed guards or `destinations` forbid a number, None when they do not."""

    def listed_by_all() -> bool:
        try:
            paying = who_pays(tx, extension.levels, _id(caller_id))
        except NoRate:
            return False
        return all(matches_prefix(e164, payer.plan.special_prefixes) for payer in paying)

    return fixed.forbidden(
        e164,
        is_access_number=tree.is_access_number(tx, e164),
        listed_by_all=listed_by_all,
        extra_special=guards.special_prefixes,
    ) or destinations.refusal(_guarded(extension, caller_id), e164)
