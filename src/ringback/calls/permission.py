"""What may be dialled, asked of the store: the guards, the locks, the rate and the credit."""

from __future__ import annotations

from sqlalchemy import Connection

from ringback.accounts import lockout, tree
from ringback.accounts.callback import ReturnCalls
from ringback.accounts.tree import ExtensionFacts
from ringback.amounts import ZERO, format_amount
from ringback.calls.decision import Accepted, Refused
from ringback.calls.outcome import Outcome
from ringback.calls.services import Services
from ringback.charging import ledger
from ringback.charging.meter import Meter
from ringback.charging.packages import allowances_of
from ringback.charging.payers import NoRate, payers, who_pays
from ringback.clock import Instant
from ringback.guards import fixed, return_numbers
from ringback.numbering import is_of_country


def trigger_refusal(
    tx: Connection,
    services: Services,
    extension: ExtensionFacts,
    accepted: Accepted,
    now: Instant,
) -> Refused | None:
    """Why a trigger that the setup accepts is refused all the same."""
    number = accepted.number
    refused = return_refusal(tx, services, extension, accepted, number, now)
    if refused is not None:
        return refused
    try:
        paying = payers(tx, extension.id, _caller_id(accepted), number, now)
    except NoRate as error:
        return Refused(Outcome.REFUSED_NO_RATE, str(error), number)
    meter, least = Meter(), extension.setup.minimum_credit
    opening = meter.open_a("", paying, ledger.free_left(tx, allowances_of(paying)))
    available = ledger.available(tx, [hold.ledger_id for hold in opening.holds])
    for hold in opening.holds:
        needed = max(least, hold.total)
        if available[hold.ledger_id] < needed:
            return Refused(
                Outcome.REFUSED_NO_CREDIT,
                f"{hold.payer} has less than {format_amount(needed)} left",
                number,
            )
        least = ZERO  # `minimum_credit` is asked of who is nearest: the callerID, else the account
    return None


def return_refusal(
    tx: Connection,
    services: Services,
    extension: ExtensionFacts,
    accepted: Accepted,
    number: str,
    now: Instant,
) -> Refused | None:
    """Why the return call must not be dialled now: locks and guards, without the money."""
    keys = [lockout.password_key(extension.id, number)] if extension.password_mac else []
    if accepted.caller_id is not None and extension.setup.require_caller_pin:
        keys.append(lockout.pin_key(accepted.caller_id.id))
    if any(lock.locked(now) for lock in lockout.load(tx, keys).values()):
        return Refused(
            Outcome.REFUSED_LOCKED_OUT, "locked out after too many wrong entries", number
        )
    reason = forbidden_reason(tx, services, extension, _caller_id(accepted), number, number)
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
    typed: str,
) -> str | None:
    """Why the fixed guards forbid a number, None when they do not."""

    def allowed_special() -> set[str]:
        try:
            paying = who_pays(tx, extension.id, caller_id)
        except NoRate:
            return set()
        return set.intersection(*(set(payer.plan.special_prefixes) for payer in paying))

    return fixed.forbidden(
        e164,
        typed,
        extension.country,
        is_access_number=tree.is_access_number(tx, e164),
        allowed_special=allowed_special,
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
