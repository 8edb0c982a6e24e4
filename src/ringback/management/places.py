"""Where things stand in the tree of accounts, and which part of it an actor's roles reach.

A place is an account or an extension. Everything else (a callerID, a plan, a key) belongs to one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    literal_column,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute

from ringback.accounts.names import ADMINISTRATOR
from ringback.store.models import AccountRow, CallerIdRow, RouteRow, TrunkRow
from ringback.store.prepared import Prepared

_AT_ONCE = 500
"""So many are named in one statement."""

QueryColumn = ColumnElement[str] | InstrumentedAttribute[Any]


class Kind(StrEnum):
    """What a deed is about. The value is how messages name it."""

    ACCOUNT = "account"
    EXTENSION = "extension"
    LOGIN = "login"
    INVITATION = "invitation"
    SIGN_IN = "sign-in"
    KEY = "key"
    AUDIT = "audit log"
    CALLER_ID = "callerID"
    ACCESS_NUMBER = "access number"
    PLAN = "plan"
    RECHARGE = "recharge"
    SOUND = "sound"
    SESSION = "session"
    FOLDER = "folder"
    TRUNK = "trunk"
    ROUTE = "route"


OF_THE_SERVER = frozenset({Kind.TRUNK, Kind.ROUTE})
"""What belongs to the server administrator's account, and needs not be told apart by whose it
is."""


@dataclass(frozen=True, slots=True)
class Place:
    """An account or an extension."""

    id: str
    kind: Kind
    path: str
    """As commands name it: `northline/acme`, `northline/acme:travellers`, `admin`."""
    chain: tuple[str, ...]
    """Its id, and the ids of all that is above it, up to the top."""
    deleted: bool = False

    @property
    def above(self) -> tuple[str, ...]:
        return self.chain[1:]

    def seen_from(self, above_id: str | None) -> str:
        """Its path without the names of what is above the account of that id, which is its own or
        one above it; the whole path for None."""
        if above_id is None:
            return self.path
        ends = [i for i, sign in enumerate(self.path) if sign in "/:"]
        hidden = len(ends) - self.chain.index(above_id)
        return self.path if hidden <= 0 else self.path[ends[hidden - 1] + 1 :]

    def seen(self, path: str) -> str:
        """A path at or below this place, without the names of what is above it."""
        hidden = self.path.rpartition(":" if self.kind is Kind.EXTENSION else "/")
        return path.removeprefix(hidden[0] + hidden[1])


def _upwards() -> Prepared:
    """A query of the accounts from each of some to the top, nearest first."""
    columns = (AccountRow.id, AccountRow.name, AccountRow.level, AccountRow.deleted)
    own = (
        select(
            AccountRow.id.label("root"),
            *columns,
            AccountRow.parent_id,
            literal_column("0", Integer).label("height"),
        )
        .where(AccountRow.id.in_(bindparam("ids", expanding=True)))
        .cte("upwards", recursive=True)
    )
    chain = own.union_all(
        select(own.c.root, *columns, AccountRow.parent_id, own.c.height + 1).join(
            own, AccountRow.id == own.c.parent_id
        )
    )
    found = (chain.c.root, *(chain.c[column.key] for column in columns))
    return Prepared(select(*found).order_by(chain.c.root, chain.c.height))


_UPWARDS = _upwards()


def of_id(tx: Connection, place_id: str) -> Place | None:
    """The account or extension of an id; None if there is neither, or it is deleted."""
    place = of_id_ever(tx, place_id)
    return None if place is None or place.deleted else place


def of_id_ever(tx: Connection, place_id: str) -> Place | None:
    """The same, also if it is deleted: for records that name it."""
    return of_ids_ever(tx, [place_id]).get(place_id)


def of_ids_ever(tx: Connection, place_ids: Collection[str]) -> dict[str, Place]:
    """Those of many ids, by id, in few statements: for a list."""
    ids, found = sorted(set(place_ids)), {}
    for start in range(0, len(ids), _AT_ONCE):
        rows = _UPWARDS.rows(tx, ids=ids[start : start + _AT_ONCE])
        for place_id, chain in groupby(rows, key=lambda row: str(row.root)):
            found[place_id] = _place(place_id, list(chain))
    return found


def _place(place_id: str, rows: Sequence[Any]) -> Place:
    itself, *above = rows
    chain = tuple(row.id for row in rows)
    deleted = itself.deleted is not None
    if itself.level == "extension":
        path = f"{_path(above)}:{itself.name}"
        return Place(place_id, Kind.EXTENSION, path, chain, deleted)
    return Place(place_id, Kind.ACCOUNT, _path(rows), chain, deleted)


_OF_CALLER_ID = Prepared(
    select(CallerIdRow.extension_id).where(
        CallerIdRow.id == bindparam("id"), CallerIdRow.deleted.is_(None)
    )
)


def of_caller_id(tx: Connection, caller_id: str) -> Place | None:
    """The extension of an authorized callerID; None if there is no such callerID."""
    extension = _OF_CALLER_ID.value(tx, id=caller_id)
    return None if extension is None else of_id(tx, str(extension))


def of_account(tx: Connection, place_id: str) -> Place | None:
    """The account of an id; None if there is none."""
    return _only(Kind.ACCOUNT, of_id(tx, place_id))


def of_extension(tx: Connection, place_id: str) -> Place | None:
    """The extension of an id; None if there is none."""
    return _only(Kind.EXTENSION, of_id(tx, place_id))


def _only(kind: Kind, place: Place | None) -> Place | None:
    return None if place is None or place.kind is not kind else place


def _path(rows: Sequence[Any]) -> str:
    return "/".join(row.name for row in reversed(rows[:-1])) or ADMINISTRATOR


def level_of(tx: Connection, place: Place) -> str:
    """The level of an account."""
    return tx.execute(select(AccountRow.level).where(AccountRow.id == place.id)).scalar_one()


_TOP = Prepared(select(AccountRow.id).where(AccountRow.parent_id.is_(None)))


def top(tx: Connection) -> str:
    """The id of the server administrator's account."""
    return str(_TOP.value(tx))


def only_top(tx: Connection, account_id: str) -> Place | None:
    """The server administrator's account, if the id is its."""
    place = of_account(tx, account_id)
    return None if place is None or place.above else place


def of_the_server(model: type[TrunkRow | RouteRow]) -> Callable[[Connection, str], Place | None]:
    """For `at`: the server administrator's account, by the id of a row that there is."""

    def found(tx: Connection, id_: str) -> Place | None:
        there = tx.execute(select(model.id).where(model.id == id_)).scalar()
        return None if there is None else of_account(tx, top(tx))

    return found


def below(roots: Iterable[str]) -> Select[tuple[str]]:
    """A query of the ids of these accounts and extensions and of all below them, deleted ones,
    too."""
    first = select(AccountRow.id).where(AccountRow.id.in_(list(roots)))
    found = first.cte(recursive=True)
    lower = select(AccountRow.id).join(found, AccountRow.parent_id == found.c.id)
    return select(found.union_all(lower).c.id)


def is_below(column: QueryColumn, roots: Iterable[str]) -> ColumnElement[bool]:
    """The condition that a column holds the id of one of these places, or of one below them."""
    return column.in_(below(roots))
