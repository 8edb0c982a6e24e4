"""What may be dialled, asked of the store: the guards, the locks, the rate and the credit."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from ringback.accounts import lockout, tree
from ringback.accounts.callback import ReturnCalls
from ringback.accounts.tree import ExtensionFacts
from ringback.amounts import ZERO, format_amount
from ringback.calls.decision import Accepted, Refused, decide, decide_again
from ringback.calls.outcome import Outcome
from ringback.calls.services import Services
from ringback.charging import ledger
from ringback.charging.holds import Hold
from ringback.charging.meter import Meter
from ringback.charging.packages import allowances_of
from ringback.charging.payers import NoRate, payers, who_pays
from ringback.clock import Instant
from ringback.guards import fixed, return_numbers
from ringback.numbering import is_of_country, matches_prefix


def trigger_refusal(
    tx: Connection,
    services: Services,
    extension: ExtensionFacts,
    accepted: Accepted,
    now: Instant,
) -> Refused | None:
    """Why a trigger that the setup accepts is refused all the same."""
    number = accepted.number
    refused = _locked_out(tx, extension, accepted, now) or return_refusal(
        tx, services, extension, accepted, now
    )
    if refused is not None:
        return refused
    try:
        paying = payers(tx, extension.id, _caller_id(accepted), number, now)
    except NoRate as error:
        return Refused(Outcome.REFUSED_NO_RATE, str(error), number)
    opening = Meter().open_a("", paying, ledger.free_left(tx, allowances_of(paying)))
    lacking = lack_of_credit(tx, extension, opening.holds)
    return None if lacking is None else Refused(Outcome.REFUSED_NO_CREDIT, lacking, number)


def lack_of_credit(tx: Connection, extension: ExtensionFacts, holds: Sequence[Hold]) -> str | None:
    """Who has not what leg A's first block takes, or less than `minimum_credit`, which is asked of
    who is nearest: the callerID, else the account."""
    least = extension.setup.minimum_credit
    available = ledger.available(tx, [hold.ledger_id for hold in holds])
    for hold in holds:
        needed = max(least, hold.total)
        if available[hold.ledger_id] < needed:
            return f"{hold.payer} has less than {format_amount(needed)} left"
        least = ZERO
    return None


def decision(tx: Connection, extension: ExtensionFacts, caller: str | None) -> Accepted | Refused:
    """Whom the setup lets call back for a triggering number (E.164, None when hidden)."""
    return decide(extension.setup, caller, _listed(tx, extension, caller))


def decision_again(
    tx: Connection, extension: ExtensionFacts, caller: str | None, number: str, now: Instant
) -> Accepted | Refused:
    """The decision, taken again before a leg of a session that returns to `number` is dialled:
    mode, list, status and locks as they are now, in `extension` freshly loaded."""
    decided = decide_again(extension.setup, caller, _listed(tx, extension, caller), number)
    if isinstance(decided, Refused):
        return decided
    return _locked_out(tx, extension, decided, now) or decided


def _listed(
    tx: Connection, extension: ExtensionFacts, caller: str | None
) -> tree.CallerIdFacts | None:
    return None if caller is None else tree.find_caller_id(tx, extension.id, caller)


def _locked_out(
    tx: Connection, extension: ExtensionFacts, accepted: Accepted, now: Instant
) -> Refused | None:
    """Whether whoever takes the return call could not authenticate."""
    number = accepted.number
    keys = [lockout.password_key(extension.id, number)] if extension.password_mac else []
    if accepted.caller_id is not None and extension.setup.require_caller_pin:
        keys.append(lockout.pin_key(accepted.caller_id.id))
    if any(lock.locked(now) for lock in lockout.load(tx, keys).values()):
        return Refused(
            Outcome.REFUSED_LOCKED_OUT, "locked out after too many wrong entries", number
        )
    return None


def return_refusal(
    tx: Connection,
    services: Services,
    extension: ExtensionFacts,
    accepted: Accepted,
    now: Instant,
) -> Refused | None:
    """Why the return call must not be dialled now: the guards."""
    number = accepted.number
    reason = forbidden_reason(tx, services, extension, _caller_id(accepted), number)
    if reason is None and extension.setup.return_calls is ReturnCalls.CALLER:
        reason = _foreign(extension, number)
    if reason is not None:
        return Refused(Outcome.REFUSED_FORBIDDEN_NUMBER, f"{number} is {reason}", number)
    guards = services.guards
    reached = return_numbers.refusal(
        return_numbers.calls_to(tx, number, now),
        now,
        guards.return_calls_per_hour,
        guards.return_calls_per_day,
    )
    if reached is not None:
        return Refused(Outcome.REFUSED_OVER_LIMIT, reached, number)
    return None


def forbidden_reason(
    tx: Connection,
    services: Services,
    extension: ExtensionFacts,
    caller_id: str | None,
    e164: str,
) -> str | None:
    """Why the fixed guards forbid a number, None when they do not."""

    def listed_by_all() -> bool:
        try:
            paying = who_pays(tx, extension.id, caller_id)
        except NoRate:
            return False
        return all(matches_prefix(e164, payer.plan.special_prefixes) for payer in paying)

    return fixed.forbidden(
        e164,
        is_access_number=tree.is_access_number(tx, e164),
        listed_by_all=listed_by_all,
        extra_special=services.guards.special_prefixes,
    )


def _foreign(extension: ExtensionFacts, number: str) -> str | None:
    """In `caller` mode only numbers of the account's own country are called back, unless
    `destinations` allows them."""
    allowed = extension.setup.destinations.allow
    digits = number.removeprefix("+")
    if is_of_country(number, extension.country) or any(
        digits.startswith(prefix) for prefix in allowed
    ):
        return None
    return "not in the account's country: see destinations"


def _caller_id(accepted: Accepted) -> str | None:
    return None if accepted.caller_id is None else accepted.caller_id.id
