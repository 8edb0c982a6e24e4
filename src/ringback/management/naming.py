"""Whom a command means (spec section 11), among what the actor sees."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ringback.management import places
from ringback.management.actor import Actor
from ringback.management.places import Kind, Place
from ringback.management.refusals import NotFound
from ringback.management.rights import Right
from ringback.store.models import AccountRow


def find_place(tx: Connection, actor: Actor, text: str) -> Place:
    """An account by its path without `admin`, or by its name where only one that the actor sees has
    it; an extension as `ACCOUNT:NAME`. Raises NotFound where nobody is meant, or several."""
    name, colon, extension = text.partition(":")
    account = _account(tx, actor, name)
    if not colon:
        return account
    query = select(AccountRow.id).where(
        AccountRow.parent_id == account.id,
        AccountRow.name == extension,
        AccountRow.level == "extension",
        AccountRow.deleted.is_(None),
    )
    id_ = tx.execute(query).scalar()
    found = None if id_ is None else places.of_extension(tx, id_)
    if found is None:
        raise NotFound(f"{Kind.EXTENSION} {text!r}")
    return found


def _account(tx: Connection, actor: Actor, text: str) -> Place:
    query = select(AccountRow.id).where(
        AccountRow.name == text.rpartition("/")[2],
        AccountRow.level != "extension",
        AccountRow.deleted.is_(None),
        actor.reaches(AccountRow.id, Right.VIEW),
    )
    found = [place for id_ in tx.execute(query).scalars() if (place := places.of_account(tx, id_))]
    whole = [place for place in found if place.path == text]
    meant = whole or ([] if "/" in text else found)
    if len(meant) != 1:
        several = f": write one of {_listed(meant)}" if meant else ""
        raise NotFound(f"{Kind.ACCOUNT} {text!r}{several}")
    return meant[0]


_MOST_LISTED = 20


def _listed(found: list[Place]) -> str:
    names = sorted(place.path for place in found)
    return ", ".join(names[:_MOST_LISTED]) + (", …" if len(names) > _MOST_LISTED else "")
