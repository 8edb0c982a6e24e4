"""What stands behind a refusal, told apart from it: not everybody who may see the refusal may see
that."""

from __future__ import annotations

from ringback.calls.events import FoundOutOfUse, GuardReached, Happening
from ringback.calls.verdict import Refused


def causes(refused: Refused) -> list[Happening]:
    """The guard that was reached, or what is out of use."""
    if refused.reached is not None:
        return [GuardReached.by(refused.reached)]
    if refused.out_of_use is not None:
        return [FoundOutOfUse.by(refused.out_of_use)]
    return []
