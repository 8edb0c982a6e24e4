"""Who acts: a person, an API key, or the command line of the machine's owner.

An actor has rights in the accounts of its roles and in all that lies below them. It is read anew
for each unit of work, so that nobody has more rights than now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import ColumnElement, Connection

from ringback.clock import Instant
from ringback.management import places
from ringback.management.places import Kind, Place, QueryColumn
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import MAY, NO_RIGHTS, Need, Reach, Right, Rights, Role

COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and what it may do where."""

    name: str
    """What the audit log calls it: an e-mail address, `key NAME of ADDRESS`, `command line`."""
    grants: Mapping[str, Rights] = field(default_factory=dict)
    """Rights by the id of the account or extension where it has a role."""
    login_id: str | None = None
    key_id: str | None = None
    sign_in_id: str | None = None
    """The sign-in session by which a person acts."""
    view: Place | None = None
    """The account that it acts for: only this and what lies below is there. It keeps its own
    rights."""
    proven: bool = False
    """Whether the person gave their password for this very act."""

    def grant(self, place: Place | None, need: Need) -> str | None:
        """The nearest account whose role allows it; None if none does."""
        for id_ in self._standing(place, need.reach):
            if need.right in self.grants.get(id_, NO_RIGHTS):
                return id_
        return None

    @property
    def is_command_line(self) -> bool:
        return self.login_id is None and bool(self.grants)

    def sees(self, place: Place | None) -> bool:
        """Whether the place exists for this actor."""
        if place is None or (self.view is not None and self.view.id not in place.chain):
            return False
        return any(self.grants.get(id_) for id_ in place.chain)

    def path_of(self, place: Place) -> str:
        """The path of a place from the topmost account of its own on, so that nothing above is
        named."""
        return place.seen_from(self.topmost(place))

    def topmost(self, place: Place) -> str | None:
        """The id of the topmost account at or above a place in which it has a role."""
        return next((id_ for id_ in reversed(place.chain) if id_ in self.grants), None)

    def reaches(self, column: QueryColumn, right: Right) -> ColumnElement[bool]:
        """The condition that a column holds the id of a place in which it has a right. What is
        looked for everywhere is scoped by it; a list of one place and below by
        `places.is_below`."""
        roots = [id_ for id_, rights in self.grants.items() if right in rights]
        reached = places.is_below(column, roots)
        return reached if self.view is None else reached & places.is_below(column, [self.view.id])

    def _standing(self, place: Place | None, reach: Reach) -> Sequence[str]:
        if place is None:
            return ()
        if reach is Reach.OWN:
            return place.chain[:1]
        if reach is Reach.ABOVE:
            return place.above or place.chain
        if reach is Reach.TOP:
            return place.chain[-1:]
        return place.chain


def nobody(tx: Connection, now: Instant) -> Actor:
    """Somebody who has not signed in."""
    return Actor("nobody")


def command_line(tx: Connection, now: Instant) -> Actor:
    """Whoever may read the key file owns the machine, and so the top account."""
    return Actor(COMMAND_LINE, {places.top(tx): MAY[Role.OWNER]})


def acting_for(tx: Connection, actor: Actor, account_id: str) -> Actor:
    """The same actor with an account in view. Raises NotFound."""
    place = places.of_id(tx, account_id)
    see(actor, Kind.ACCOUNT, place)
    return replace(actor, view=place)


def see(actor: Actor, kind: Kind, place: Place | None) -> Place:
    """The place, if it exists for the actor. Raises NotFound, for absent and invisible alike."""
    if place is None or not actor.sees(place):
        raise NotFound(kind)
    return place


def authorize(actor: Actor, kind: Kind, place: Place | None, need: Need) -> tuple[Place, str]:
    """The one decision about who may do what: the place, and the account whose role allows it.
    Raises NotFound for what does not exist for the actor, Forbidden for what its role may not
    do."""
    seen = see(actor, kind, place)
    granted = actor.grant(seen, need)
    if granted is None:
        raise Forbidden(str(need))
    return seen, granted
