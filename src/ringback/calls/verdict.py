"""Whether a call may be made: one pure function of facts (spec section 4, step 2).

The same verdict is taken on a trigger, on a request without one, and before each leg is dialled.
To add a reason of refusal: name it in `outcome.Reason`, give its fact to `Facts` (`facts` collects
them), and put its check in its place in `_CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ringback.accounts.callback import CallbackSetup, CallerVerification, ReturnCalls
from ringback.accounts.standing import OutOfUse
from ringback.accounts.tree import CallerIdFacts
from ringback.calls.outcome import Reason
from ringback.guards.reached import Reached
from ringback.telephony.calling import CallingNumber


@dataclass(frozen=True, slots=True)
class TriggerFacts:
    """What only the trigger call can tell."""

    verification: str | None
    """What the carrier says of the caller's number (`Trigger.verification`)."""
    diverted: bool
    """The call was diverted here by a number that is not the account's."""


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """What holds of the number that is to be called: each fact is why not, None where nothing is
    in the way."""

    forbidden: str | None
    locked_out: str | None
    out_of_hours: str | None = None
    open_session: str | None = None
    """The id of another request or session of the same extension and return number."""
    over_limit: Reached | None = None
    no_rate: str | None = None
    no_credit: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the verdict depends on."""

    setup: CallbackSetup
    calling: CallingNumber
    """The triggering number."""
    listed: CallerIdFacts | None
    """The authorized callerID of that number."""
    suspended: OutOfUse | None
    """The extension or the account above it that may not be used now."""
    disabled: OutOfUse | None
    """The callerID that may not be used now: the listed one, or the one on whose credit leg B is
    made."""
    returns_to: str | None
    """Where calls of that caller are returned to now; None where they are not."""
    accepted_for: str | None = None
    """Of a request that was accepted: where its call is to be returned to."""
    trigger: TriggerFacts | None = None
    number: NumberFacts | None = None
    """None where the facts before have refused already: these are not asked for then."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check that was made."""

    reason: Reason
    """What it refuses for."""
    failed: str | None
    """Why it says no, with the mending; None: it says yes."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Call `number`; `caller_id` is whose number triggered, where that counts."""

    number: str
    caller_id: CallerIdFacts | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not."""

    reason: Reason
    why: str
    reached: Reached | None = field(default=None, kw_only=True)
    """The guard that was reached."""
    out_of_use: OutOfUse | None = field(default=None, kw_only=True)
    """What may not be used now: it ends a session that is under way."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A request or session of the same extension and return number is open: it is moved, not
    repeated."""

    session: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided, and every check that led to it, in their order."""

    result: Accepted | Refused | Duplicate
    checks: tuple[Check, ...]


_SEE_TRUNK = (
    "have the trunk send callers' numbers with + and country code, or see its country, strip and "
    "prepend"
)


def verdict(facts: Facts) -> Verdict:
    """The first check that fails decides."""
    checks: list[Check] = []
    for reason, check in _CHECKS:
        failed = check(facts)
        checks.append(Check(reason, failed))
        if failed is not None:
            return Verdict(_refusal(facts, reason, failed), tuple(checks))
    assert facts.returns_to is not None  # or a check had failed
    return Verdict(Accepted(facts.returns_to, facts.listed), tuple(checks))


def returns_to(
    setup: CallbackSetup, caller: str | None, listed: CallerIdFacts | None
) -> str | None:
    """The number that the calls of a caller are returned to, None where they are not."""
    match setup.return_calls:
        case ReturnCalls.FIXED:
            return setup.fixed_number
        case ReturnCalls.CALLER:
            return caller
        case ReturnCalls.AUTHORIZED:
            return None if listed is None else caller


def _refusal(facts: Facts, reason: Reason, failed: str) -> Refused | Duplicate:
    if reason is Reason.DUPLICATE:
        assert facts.number is not None and facts.number.open_session is not None
        return Duplicate(facts.number.open_session)
    match reason:
        case Reason.SUSPENDED:
            return Refused(reason, failed, out_of_use=facts.suspended)
        case Reason.DISABLED:
            return Refused(reason, failed, out_of_use=facts.disabled)
        case Reason.OVER_LIMIT:
            return Refused(reason, failed, reached=_of_number(facts).over_limit)
        case _:
            return Refused(reason, failed)


def _hidden(facts: Facts) -> str | None:
    if facts.setup.return_calls is not ReturnCalls.FIXED and facts.calling.hidden:
        return "the caller's number is hidden: see return_calls = fixed"
    return None


def _unlisted(facts: Facts) -> str | None:
    if facts.returns_to is None and facts.setup.return_calls is ReturnCalls.CALLER:
        return None  # it cannot be read: it is forbidden
    if facts.returns_to is None:
        unlisted = "not among the authorized callerIDs: add it, or see return_calls"
        if facts.calling.e164 is None:
            return f"{facts.calling.fault}: {_SEE_TRUNK}"
        doubt = facts.calling.fault
        return unlisted if doubt is None else f"{unlisted}; {doubt}: {_SEE_TRUNK}"
    if facts.accepted_for not in (None, facts.returns_to):
        return f"return_calls was changed: calls are returned to {facts.returns_to} now"
    return None


def _explained(found: OutOfUse | None) -> str | None:
    return None if found is None else found.explained()


def _unverified(facts: Facts) -> str | None:
    rule = facts.setup.caller_verification
    verification = None if facts.trigger is None else facts.trigger.verification
    if facts.trigger is None:
        return None  # only a trigger is signed
    if rule is CallerVerification.PREFER and verification == "failed":
        return "the carrier's check of the caller's number failed: see caller_verification"
    if rule is CallerVerification.REQUIRE and verification != "passed":
        return "the carrier did not confirm the caller's number: see caller_verification"
    return None


def _forbidden(facts: Facts) -> str | None:
    diverted = facts.trigger is not None and facts.trigger.diverted
    if diverted and facts.setup.return_calls is ReturnCalls.CALLER:
        return (
            "the call was diverted here by a number that is not the account's: let people ring the "
            "access number itself"
        )
    if facts.setup.return_calls is ReturnCalls.CALLER and facts.calling.fault is not None:
        return f"{facts.calling.fault}: {_SEE_TRUNK}"
    return _of_number(facts).forbidden


def _duplicate(facts: Facts) -> str | None:
    if _of_number(facts).open_session is None:
        return None
    return "its return call is already on its way"


def _over_limit(facts: Facts) -> str | None:
    reached = _of_number(facts).over_limit
    return None if reached is None else reached.explained()


def _of_number(facts: Facts) -> NumberFacts:
    assert facts.number is not None, "the checks before should have refused"
    return facts.number


_CHECKS: tuple[tuple[Reason, Callable[[Facts], str | None]], ...] = (
    (Reason.SUSPENDED, lambda facts: _explained(facts.suspended)),
    (Reason.HIDDEN, _hidden),
    (Reason.UNLISTED, _unlisted),
    (Reason.DISABLED, lambda facts: _explained(facts.disabled)),
    (Reason.UNVERIFIED, _unverified),
    (Reason.FORBIDDEN_NUMBER, _forbidden),
    (Reason.OUT_OF_HOURS, lambda facts: _of_number(facts).out_of_hours),
    (Reason.LOCKED_OUT, lambda facts: _of_number(facts).locked_out),
    (Reason.DUPLICATE, _duplicate),
    (Reason.OVER_LIMIT, _over_limit),
    (Reason.NO_RATE, lambda facts: _of_number(facts).no_rate),
    (Reason.NO_CREDIT, lambda facts: _of_number(facts).no_credit),
)
