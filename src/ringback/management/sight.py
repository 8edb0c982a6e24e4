"""What an actor sees of names: paths from its own account on, and nobody above it by name."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from ringback import levels
from ringback.management import places
from ringback.management.actor import Actor
from ringback.management.places import Place
from ringback.management.rights import Need, Right

HIGHER_UP = "your provider"


class Sight:
    """One actor's, for one unit of work: each account is looked up once."""

    def __init__(self, tx: Connection, actor: Actor, shown: Iterable[str | None] = ()) -> None:
        """`shown`: the ids of the places of a list, which are looked up together."""
        self._tx = tx
        self._actor = actor
        self._known: dict[str, Place | None] = {}
        self._known |= places.of_ids_ever(tx, {id_ for id_ in shown if id_ is not None})

    def path(self, place_id: str, whole: str = "") -> str:
        """The path of a place from the topmost account of the actor's on. `whole` is the path from
        the top, if it is another than now."""
        place, root = self._place(place_id), self._root(place_id)
        text = whole or ("" if place is None else place.path)
        return text if root is None else root.seen(text)

    def sees(self, place_id: str | None) -> bool:
        """Whether the actor sees the people of an account. (None stands for no account.)"""
        if place_id is None:
            return True
        return self._actor.grant(self._place(place_id), Need(Right.SEE_PEOPLE)) is not None

    def author(self, account_id: str, by_account_id: str | None, who: str) -> str:
        """Who did something in an account by the role of another: the person where the actor sees
        the people of that, else only the account: the one directly above the actor's own by its
        contact name, any higher one as "your provider" (spec section 2)."""
        return who if self.sees(by_account_id) else self._above(account_id, str(by_account_id))

    def exists(self, place_id: str) -> bool:
        """Whether a place exists for the actor."""
        return self._actor.sees(self._place(place_id))

    def account(self, account_id: str, seen_from: str) -> str:
        """An account at or above a place of the actor's: its path where the actor sees it, else
        likewise its contact name or "your provider"."""
        return (
            self.path(account_id) if self.exists(account_id) else self._above(seen_from, account_id)
        )

    def _above(self, place_id: str, account_id: str) -> str:
        root = self._root(place_id)
        if root is None or root.above[:1] != (account_id,):
            return HIGHER_UP
        return levels.of_account(self._tx, account_id)[0].contact_name

    def _root(self, place_id: str) -> Place | None:
        place = self._place(place_id)
        own = None if place is None else self._actor.topmost(place)
        return None if own is None else self._place(own)

    def _place(self, place_id: str) -> Place | None:
        if place_id not in self._known:
            self._known[place_id] = places.of_id_ever(self._tx, place_id)
        return self._known[place_id]
