"""What an operator can do about a call that was refused, where its reason does not say so."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ringback.calls.outcome import Outcome, Reason
from ringback.telephony.reasons import without_quotes

_MENDING: Mapping[Reason, str] = {
    Reason.FORBIDDEN_NUMBER: "see destinations of those concerned, and special_prefixes of plans",
    Reason.LOCKED_OUT: "the lock ends by itself: see pin_attempts",
    Reason.DUPLICATE: "it comes after this call",
    Reason.OVER_LIMIT: "see guards",
    Reason.NO_RATE: "see rates of the plans that pay: ringback rates check",
    Reason.NO_CREDIT: "see minimum_credit, or recharge it",
}
_SAID = re.compile(r": (see|have|give|let|add) ")
_NUMBERS = re.compile(r"\+?[0-9][0-9.:]*")
_PREFIX = "refused_"
_BY_WORD = {reason.value: mending for reason, mending in _MENDING.items()}


def mended(outcome: Outcome, reason: str) -> str:
    """A reason of refusal with its mending."""
    mending = _BY_WORD.get(outcome.removeprefix(_PREFIX))
    return reason if mending is None or _SAID.search(reason) else f"{reason}: {mending}"


def without_numbers(text: str) -> str:
    """A text without its numbers and what it quotes, in which many that say the same differ."""
    return _NUMBERS.sub("", without_quotes(text))
