"""Where things stand in the tree of accounts, and which part of it an actor's roles reach.

A place is an account or an extension. Everything else (a callerID, a plan, a key) belongs to one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    literal_column,
    select,
    union,
)
from sqlalchemy.orm import InstrumentedAttribute

from ringback.accounts.entries import ADMINISTRATOR
from ringback.store.models import AccountRow, ExtensionRow
from ringback.store.prepared import Prepared

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


@dataclass(frozen=True, slots=True)
class Place:
    """An account or an extension."""

    id: str
    kind: Kind
    path: str
    """As commands name it: `northline/acme`, `northline/acme:travellers`, `admin`."""
    chain: tuple[str, ...]
    """Its id, and the ids of all that is above it, up to the top."""

    @property
    def above(self) -> tuple[str, ...]:
        return self.chain[1:]

    def seen(self, path: str) -> str:
        """A path at or below this place, without the names of what is above it."""
        hidden = self.path.rpartition(":" if self.kind is Kind.EXTENSION else "/")
        return path.removeprefix(hidden[0] + hidden[1])


def _upwards() -> Prepared:
    own = (
        select(
            AccountRow.id,
            AccountRow.name,
            AccountRow.parent_id,
            literal_column("0", Integer).label("height"),
        )
        .where(AccountRow.id == bindparam("id"))
        .cte("upwards", recursive=True)
    )
    chain = own.union_all(
        select(AccountRow.id, AccountRow.name, AccountRow.parent_id, own.c.height + 1).join(
            own, AccountRow.id == own.c.parent_id
        )
    )
    return Prepared(select(chain.c.id, chain.c.name).order_by(chain.c.height))


_UPWARDS = _upwards()
_EXTENSION = Prepared(
    select(ExtensionRow.account_id, ExtensionRow.name).where(ExtensionRow.id == bindparam("id"))
)


def of_account(tx: Connection, account_id: str) -> Place | None:
    """The account of an id; None if there is none."""
    rows = _UPWARDS.rows(tx, id=account_id)
    if not rows:
        return None
    path = "/".join(row.name for row in reversed(rows[:-1])) or ADMINISTRATOR
    return Place(account_id, Kind.ACCOUNT, path, tuple(row.id for row in rows))


def of_extension(tx: Connection, extension_id: str) -> Place | None:
    """The extension of an id; None if there is none."""
    row = _EXTENSION.row(tx, id=extension_id)
    owner = None if row is None else of_account(tx, row.account_id)
    if row is None or owner is None:
        return None
    return Place(
        extension_id,
        Kind.EXTENSION,
        f"{owner.path}:{row.name}",
        (extension_id, *owner.chain),
    )


def of_id(tx: Connection, place_id: str) -> Place | None:
    """The account or extension of an id; None if there is neither."""
    return of_account(tx, place_id) or of_extension(tx, place_id)


def top(tx: Connection) -> str:
    """The id of the server administrator's account."""
    return tx.execute(select(AccountRow.id).where(AccountRow.parent_id.is_(None))).scalar_one()


def accounts_below(roots: Iterable[str]) -> Select[tuple[str]]:
    """A query of the ids of these accounts and of all accounts below them."""
    first = select(AccountRow.id).where(AccountRow.id.in_(list(roots)))
    found = first.cte(recursive=True)
    below = select(AccountRow.id).join(found, AccountRow.parent_id == found.c.id)
    return select(found.union_all(below).c.id)


def is_below(column: QueryColumn, roots: Iterable[str]) -> ColumnElement[bool]:
    """The condition that a column holds the id of one of these places, or of one below them."""
    roots = list(roots)
    accounts = accounts_below(roots)
    extensions = select(ExtensionRow.id).where(
        ExtensionRow.account_id.in_(accounts) | ExtensionRow.id.in_(roots)
    )
    return column.in_(union(accounts, extensions))
