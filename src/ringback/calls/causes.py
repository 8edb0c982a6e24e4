"""What stands behind a refusal, told apart from it: not everybody who may see the refusal may see
that."""

from __future__ import annotations

from ringback.calls.events import FoundOutOfUse, GuardReached, Happening
from ringback.calls.verdict import Refused
from ringback.guards.settings import Kind


def causes(refused: Refused) -> list[Happening]:
    """The guard that was reached, or the account that is out of use. An extension or a callerID is
    named by the refusal itself."""
    if refused.reached is not None:
        return [GuardReached.by(refused.reached)]
    found = refused.out_of_use
    if found is not None and found.kind is Kind.ACCOUNT:
        return [FoundOutOfUse.by(found)]
    return []
