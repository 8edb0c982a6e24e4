"""Whom to call back, if anybody: a pure function of facts (spec sections 3, 4.2 and 8).

The decision is taken when the trigger call has rung, and again before each leg is dialled.
Credit and rates are not here: reserving the leg decides them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringback.accounts.callback import CallbackSetup, CallerVerification, ReturnCalls
from ringback.accounts.tree import CallerIdFacts
from ringback.calls.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Facts:
    """What the decision depends on. Numbers are E.164."""

    setup: CallbackSetup
    caller: str | None
    """The triggering number, None when hidden or no number."""
    caller_id: CallerIdFacts | None
    """The authorized callerID of that number, where listed."""
    verification: str | None = None
    diverted: bool = False
    """The trigger was diverted here by a number that is not the account's."""


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


def decide(facts: Facts) -> Accepted | Refused:
    """Mode, list and status: whom the setup lets call back."""
    setup = facts.setup
    if setup.return_calls is ReturnCalls.FIXED:
        assert setup.fixed_number is not None  # the setup was validated so
        return Accepted(setup.fixed_number, None)

    if facts.caller is None:
        return Refused(
            Outcome.REFUSED_HIDDEN, "the caller's number is hidden: see return_calls = fixed"
        )
    refused = _verified(setup.caller_verification, facts.verification)
    if refused is not None:
        return Refused(Outcome.REFUSED_UNVERIFIED, refused, facts.caller)
    if setup.return_calls is ReturnCalls.CALLER and facts.diverted:
        return Refused(
            Outcome.REFUSED_FORBIDDEN_NUMBER,
            "the call was diverted here by a number that is not the account's",
            facts.caller,
        )
    listed = facts.caller_id
    if listed is None and setup.return_calls is ReturnCalls.AUTHORIZED:
        return Refused(
            Outcome.REFUSED_UNLISTED,
            "not among the authorized callerIDs: add it, or see return_calls",
            facts.caller,
        )
    if listed is not None and not listed.enabled:
        return Refused(
            Outcome.REFUSED_DISABLED, "its authorized callerID is disabled", facts.caller
        )
    return Accepted(facts.caller, listed)


def _verified(rule: CallerVerification, verification: str | None) -> str | None:
    if rule is CallerVerification.PREFER and verification == "failed":
        return "the carrier's check of the caller's number failed: see caller_verification"
    if rule is CallerVerification.REQUIRE and verification != "passed":
        return "the carrier did not confirm the caller's number: see caller_verification"
    return None
