"""Paths of accounts, and the account of a path or name in a setup file (spec section 11)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from ringback import levels
from ringback.accounts.names import ADMINISTRATOR
from ringback.levels import Level
from ringback.store.models import AccountRow


class BadName(Exception):
    """Nobody is meant, or several are; the message says who could be."""


def path(tx: Connection, account_id: str) -> str:
    """The names of the accounts from below the administrator to this one: `northline/acme`; of an
    extension `northline/acme:travellers`."""
    return path_of(levels.of_account(tx, account_id))


def path_of(found: Sequence[Level]) -> str:
    """The path of the first of these levels, the others being those above it."""
    itself, *above = found
    if itself.level == "extension":
        return f"{path_of(above)}:{itself.name}"
    return "/".join(level.name for level in reversed(found[:-1])) or ADMINISTRATOR


def find_account(tx: Connection, name: str) -> tuple[str, str] | None:
    """Id and ledger id of the account of a path or a name. Raises BadName where several have the
    name."""
    query = select(AccountRow.id, AccountRow.ledger_id).where(
        AccountRow.name == name.rpartition("/")[2],
        AccountRow.level != "extension",
        AccountRow.deleted.is_(None),
    )
    found = {path(tx, id_): (id_, ledger_id) for id_, ledger_id in tx.execute(query)}
    if name in found:
        return found[name]
    if "/" in name or not found:
        return None
    if len(found) > 1:
        raise BadName(f"several accounts have the name {name!r}: write one of {_listed(found)}")
    return next(iter(found.values()))


_MOST_LISTED = 20


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    more = ", …" if len(found) > _MOST_LISTED else ""
    return ", ".join(found[:_MOST_LISTED]) + more
