"""Whom to call back, if anybody: pure functions of facts (spec sections 3, 4.2 and 8).

The decision is taken when the trigger call has rung, and again before each leg is dialled; what
only the trigger call could tell is asked once (`doubted`). Credit and rates are not here:
reserving the leg decides them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringback.accounts.callback import CallbackSetup, CallerVerification, ReturnCalls
from ringback.accounts.tree import CallerIdFacts
from ringback.calls.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Accepted:
    """Return the call to `number`; `caller_id` is whose number triggered, where that counts."""

    number: str
    caller_id: CallerIdFacts | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Why not, with the number that would have been called where that is known."""

    outcome: Outcome
    reason: str
    number: str | None = None


def decide(
    setup: CallbackSetup, caller: str | None, listed: CallerIdFacts | None
) -> Accepted | Refused:
    """Mode, list and status: whom the setup lets call back. `caller` is the triggering number in
    E.164, None when hidden or no number; `listed` the authorized callerID of that number."""
    if setup.return_calls is ReturnCalls.FIXED:
        assert setup.fixed_number is not None  # the setup was validated so
        return Accepted(setup.fixed_number, None)

    if caller is None:
        return Refused(
            Outcome.REFUSED_HIDDEN, "the caller's number is hidden: see return_calls = fixed"
        )
    if listed is None and setup.return_calls is ReturnCalls.AUTHORIZED:
        return Refused(
            Outcome.REFUSED_UNLISTED,
            "not among the authorized callerIDs: add it, or see return_calls",
            caller,
        )
    if listed is not None and not listed.enabled:
        return Refused(Outcome.REFUSED_DISABLED, "its authorized callerID is disabled", caller)
    return Accepted(caller, listed)


def decide_again(
    setup: CallbackSetup, caller: str | None, listed: CallerIdFacts | None, number: str
) -> Accepted | Refused:
    """The same for a request that was accepted, by what is set up now: `number` is where its call
    is returned to, and may be so no more."""
    decided = decide(setup, caller, listed)
    if isinstance(decided, Accepted) and decided.number != number:
        return Refused(
            Outcome.REFUSED_UNLISTED,
            f"return_calls was changed: calls are returned to {decided.number} now",
            number,
        )
    return decided


def doubted(
    setup: CallbackSetup, accepted: Accepted, verification: str | None, *, diverted: bool
) -> Refused | None:
    """Why the trigger of an accepted call is not believed. `verification` is what the carrier says
    of the caller's number (`Trigger.verification`); `diverted`: the trigger was diverted here by a
    number that is not the account's."""
    refused = _verified(setup.caller_verification, verification)
    if refused is not None:
        return Refused(Outcome.REFUSED_UNVERIFIED, refused, accepted.number)
    if diverted and setup.return_calls is ReturnCalls.CALLER:
        return Refused(
            Outcome.REFUSED_FORBIDDEN_NUMBER,
            "the call was diverted here by a number that is not the account's",
            accepted.number,
        )
    return None


def _verified(rule: CallerVerification, verification: str | None) -> str | None:
    if rule is CallerVerification.PREFER and verification == "failed":
        return "the carrier's check of the caller's number failed: see caller_verification"
    if rule is CallerVerification.REQUIRE and verification != "passed":
        return "the carrier did not confirm the caller's number: see caller_verification"
    return None
