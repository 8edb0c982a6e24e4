"""Whom or what a command means (spec section 11), among what the actor sees."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, select

from ringback import levels
from ringback.accounts.names import ADMINISTRATOR
from ringback.management import places
from ringback.management.actor import Actor, see
from ringback.management.places import Kind, Place
from ringback.management.refusals import Ambiguous, NotFound
from ringback.management.rights import Right
from ringback.numbering import BadNumber, read_written
from ringback.store.models import AccountRow, CallerIdRow
from ringback.trunks import routeverbs, trunkverbs
from ringback.wording import listed


def find_place(tx: Connection, actor: Actor, text: str) -> Place:
    """An account by its path, with or without `admin`, from the actor's own account on, or by its
    name where only one that the actor sees has it; an extension as `ACCOUNT:NAME`. Raises NotFound
    where nobody is meant, or several."""
    name, colon, extension = text.partition(":")
    account = _account(tx, actor, name)
    if not colon:
        return account
    found = child(tx, account, extension, extension=True)
    if found is None:
        raise NotFound(Kind.EXTENSION, repr(text))
    return found


def find_trunk(tx: Connection, actor: Actor, name: str) -> str:
    """The id of the trunk of that name. Raises NotFound."""
    _see_server(tx, actor, Kind.TRUNK)
    found = trunkverbs.find_trunk(tx, name)
    if found is None:
        raise NotFound(Kind.TRUNK, repr(name))
    return found


def find_route(tx: Connection, actor: Actor, prefix: str) -> str:
    """The id of the route with that very prefix. Raises NotFound."""
    _see_server(tx, actor, Kind.ROUTE)
    found = routeverbs.find_route(tx, prefix)
    if found is None:
        raise NotFound(Kind.ROUTE, f"with the prefix {prefix!r}")
    return found


def _see_server(tx: Connection, actor: Actor, kind: Kind) -> None:
    see(actor, kind, places.of_account(tx, places.top(tx)))


def child(tx: Connection, account: Place, name: str, *, extension: bool = False) -> Place | None:
    """The account, or the `extension`, of a name directly below another account."""
    query = select(AccountRow.id).where(
        AccountRow.parent_id == account.id,
        AccountRow.name == name,
        (AccountRow.level == "extension") if extension else (AccountRow.level != "extension"),
        AccountRow.deleted.is_(None),
    )
    id_ = tx.execute(query).scalar()
    return None if id_ is None else places.of_id(tx, id_)


def _account(tx: Connection, actor: Actor, text: str) -> Place:
    path = text.removeprefix(f"{ADMINISTRATOR}/")
    query = select(AccountRow.id).where(
        AccountRow.name == path.rpartition("/")[2],
        AccountRow.level != "extension",
        AccountRow.deleted.is_(None),
        actor.reaches(AccountRow.id, Right.VIEW),
    )
    found = [place for id_ in tx.execute(query).scalars() if (place := places.of_account(tx, id_))]
    whole = [place for place in found if actor.path_of(place) == path]
    meant = whole or ([] if "/" in text else found)
    return _only(Kind.ACCOUNT, text, [(actor.path_of(each), each) for each in meant])


def find_extension(tx: Connection, actor: Actor, text: str) -> Place:
    """An extension as `ACCOUNT:NAME`, or by its name where only one that the actor sees has it.
    Raises NotFound where none is meant, or several."""
    if ":" in text:
        return find_place(tx, actor, text)
    query = select(AccountRow.id).where(
        AccountRow.name == text,
        AccountRow.level == "extension",
        AccountRow.deleted.is_(None),
        actor.reaches(AccountRow.id, Right.VIEW),
    )
    ids = tx.execute(query).scalars()
    found = [place for id_ in ids if (place := places.of_extension(tx, id_)) is not None]
    return _only(Kind.EXTENSION, text, [(actor.path_of(each), each) for each in found])


@dataclass(frozen=True, slots=True)
class NamedCallerId:
    """An authorized callerID and its extension."""

    id: str
    number: str
    place: Place


def find_caller_id(tx: Connection, actor: Actor, text: str, country: str) -> NamedCallerId:
    """A callerID as `ACCOUNT:EXTENSION:NUMBER`, its number being read as dialled in the country of
    that account; or by its number, as dialled in `country`, where only one extension that the actor
    sees has it. Raises NotFound where nobody is meant, or several."""
    named, colon, number = text.rpartition(":")
    query = select(CallerIdRow.id, CallerIdRow.extension_id, CallerIdRow.number).where(
        CallerIdRow.deleted.is_(None)
    )
    if colon:
        extension = find_place(tx, actor, named)
        country = levels.of_account(tx, extension.id)[0].country
        query = query.where(CallerIdRow.extension_id == extension.id)
    else:
        query = query.where(actor.reaches(CallerIdRow.extension_id, Right.VIEW))
    try:
        query = query.where(CallerIdRow.number == read_written(number, country))
    except BadNumber as error:
        raise NotFound(Kind.CALLER_ID, f"{text!r}: {error}") from error
    found = [
        NamedCallerId(row.id, row.number, place)
        for row in tx.execute(query)
        if (place := places.of_extension(tx, row.extension_id)) is not None
    ]
    named_whole = [(f"{actor.path_of(each.place)}:{each.number}", each) for each in found]
    return _only(Kind.CALLER_ID, text, named_whole)


def find_payer(tx: Connection, actor: Actor, text: str, country: str) -> Place | NamedCallerId:
    """An account, an extension or a callerID, in the forms of the two above. Raises NotFound."""
    if text.count(":") == 2:
        return find_caller_id(tx, actor, text, country)
    try:
        return find_place(tx, actor, text)
    except NotFound:
        if ":" in text or not _DIGIT.search(text):
            raise
    return find_caller_id(tx, actor, text, country)


N = TypeVar("N", Place, NamedCallerId)


def _only(kind: Kind, text: str, found: Sequence[tuple[str, N]]) -> N:
    """The only one of those found, each with its whole name as the actor may write it."""
    if not found:
        raise NotFound(kind, repr(text))
    if len(found) > 1:
        raise Ambiguous(kind, repr(text), listed(sorted(name for name, _ in found)))
    return found[0][1]


_DIGIT = re.compile("[0-9]")
