"""How many refusals of one number are stored (spec section 8): ten a minute, the rest are counted.

Whoever rings again and again is refused each time, but must not fill the disk. A place is taken
when the ACK to a rejection comes, not when the store has answered, or all who ring at once would
have one; a refusal that could not be stored gives it back.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from ringback.clock import Instant

STORED_A_MINUTE = 10
MOST_NUMBERS = 10_000
"""Numbers remembered; who was refused least recently is forgotten first."""


@dataclass(slots=True)
class _Stored:
    """A refusal that is being stored, or has been."""

    at: Instant
    extension: str
    session: str
    done: bool = False


@dataclass(slots=True)
class _Recent:
    """The refusals of one number."""

    places: deque[_Stored] = field(default_factory=deque)
    counted: dict[str, int] = field(default_factory=dict)
    """By extension, those beside them that are to be written down."""


class Refusals:
    """The refusals of the last minute, by number over all extensions; hidden callers are one for
    each extension."""

    def __init__(self) -> None:
        self._recent: OrderedDict[str, _Recent] = OrderedDict()
        self._counting: set[str] = set()
        """Those of which some are counted that are not written down."""
        self._given_back: dict[str, int] = {}

    def take_place(self, extension: str, number: str | None, session: str, now: Instant) -> bool:
        """Whether a session that is refused is to be stored: then `stored` or `not_stored` follows;
        otherwise `count`."""
        recent = self._recent.setdefault(number or extension, _Recent())
        self._recent.move_to_end(number or extension)
        if len(self._recent) > MOST_NUMBERS:
            self._recent.popitem(last=False)
        taken = sum(place.at > now - 60 for place in recent.places)
        if taken >= STORED_A_MINUTE:
            return False
        while len(recent.places) >= STORED_A_MINUTE:
            recent.places.popleft()
        recent.places.append(_Stored(now, extension, session))
        return True

    def stored(self, extension: str, number: str | None, session: str) -> None:
        """The refusal that had a place is stored."""
        for place in self._places(extension, number):
            if place.session == session:
                place.done = True

    def not_stored(self, extension: str, number: str | None, session: str) -> None:
        """The refusal that had a place could not be stored."""
        places = self._places(extension, number)
        for place in [place for place in places if place.session == session]:
            places.remove(place)

    def count(self, extension: str, number: str | None) -> None:
        """A refusal is not stored: it counts with the last one of its extension that is, or else of
        its number."""
        key = number or extension
        recent = self._recent.get(key)
        if recent is not None:
            self._counting.add(key)
            recent.counted[extension] = recent.counted.get(extension, 0) + 1

    def take_counted(self) -> dict[str, int]:
        """How many more have been counted with each stored session since this was last asked."""
        counted, self._given_back = self._given_back, {}
        for key in list(self._counting):
            recent = self._recent.get(key, _Recent())
            for extension, more in list(recent.counted.items()):
                session = _last(recent.places, extension)
                if session is not None:
                    counted[session] = counted.get(session, 0) + more
                    del recent.counted[extension]
            if not recent.counted:
                self._counting.remove(key)
        return counted

    def give_back(self, counted: dict[str, int]) -> None:
        """They could not be written: keep them."""
        for session, more in counted.items():
            self._given_back[session] = self._given_back.get(session, 0) + more

    def _places(self, extension: str, number: str | None) -> deque[_Stored]:
        recent = self._recent.get(number or extension)
        return deque() if recent is None else recent.places


def _last(places: deque[_Stored], extension: str) -> str | None:
    """The session that further refusals count with."""
    done = [place for place in places if place.done]
    own = [place for place in done if place.extension == extension]
    return (own or done)[-1].session if done else None
