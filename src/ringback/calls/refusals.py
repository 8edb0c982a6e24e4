"""How many refusals of one number are stored (spec section 8): ten a minute, the rest are counted.

Whoever rings again and again is refused each time, but must not fill the disk.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from ringback.clock import Instant

STORED_A_MINUTE = 10
MOST_NUMBERS = 10_000
"""Numbers remembered; who was refused least recently is forgotten first."""


@dataclass(slots=True)
class _Recent:
    """The refusals of one number that were stored last."""

    stored: deque[Instant] = field(default_factory=lambda: deque(maxlen=STORED_A_MINUTE))
    session: str = ""
    """The last of them."""


class Refusals:
    """The refusals of the last minute, by extension and number."""

    def __init__(self) -> None:
        self._recent: OrderedDict[tuple[str, str | None], _Recent] = OrderedDict()
        self._counted: dict[str, int] = {}

    def are_stored(self, extension: str, number: str | None, now: Instant) -> bool:
        """Whether the next refusal of the number is to be stored."""
        recent = self._recent.get((extension, number))
        return (
            recent is None or len(recent.stored) < STORED_A_MINUTE or now - recent.stored[0] >= 60
        )

    def stored(self, extension: str, number: str | None, session: str, now: Instant) -> None:
        """A refusal has been stored as this session."""
        recent = self._recent.setdefault((extension, number), _Recent())
        self._recent.move_to_end((extension, number))
        if len(self._recent) > MOST_NUMBERS:
            self._recent.popitem(last=False)
        recent.stored.append(now)
        recent.session = session

    def count(self, extension: str, number: str | None) -> None:
        """A refusal has not been stored: it counts with the last one that was."""
        recent = self._recent.get((extension, number))
        if recent is not None:
            self._counted[recent.session] = self._counted.get(recent.session, 0) + 1

    def take_counted(self) -> dict[str, int]:
        """How many more have been counted with each stored session since this was last asked."""
        counted, self._counted = self._counted, {}
        return counted

    def give_back(self, counted: dict[str, int]) -> None:
        """They could not be written: keep them."""
        for session, more in counted.items():
            self._counted[session] = self._counted.get(session, 0) + more
