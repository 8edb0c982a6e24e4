"""Where may be called: `destinations` of accounts, extensions and callerIDs (spec section 8).

Within one of them the longest prefix decides, `deny` on a tie. A number that one denies is refused
whatever the others allow, and each that allows some must allow it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ringback.guards.settings import Destinations, Kind, Subject
from ringback.numbering import matches_prefix


def refusal(subjects: Sequence[Subject], e164: str) -> str | None:
    """Why a number must not be called, None where all of these let it pass. Accounts are not
    named: whoever reads it may not see them."""
    for subject in subjects:
        if not _permits(subject.destinations, e164):
            whose = "provider" if subject.kind is Kind.ACCOUNT else str(subject.kind)
            return f"not among the destinations of your {whose}"
    return None


def allowed(subjects: Iterable[Subject], e164: str) -> bool:
    """Whether one of these names the number among those that it allows."""
    return any(_decides(subject.destinations, e164) is True for subject in subjects)


def _permits(destinations: Destinations, e164: str) -> bool:
    decided = _decides(destinations, e164)
    return not destinations.allow if decided is None else decided


def _decides(destinations: Destinations, e164: str) -> bool | None:
    """What the longest prefix says of the number; None where no prefix fits."""
    allow, deny = (_longest(e164, each) for each in (destinations.allow, destinations.deny))
    return None if allow == deny == 0 else allow > deny


def _longest(e164: str, prefixes: Iterable[str]) -> int:
    return max((len(prefix) for prefix in prefixes if matches_prefix(e164, (prefix,))), default=0)
