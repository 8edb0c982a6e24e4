"""Who is meant by a name in a command (spec section 11): an account by its path without `admin`, or
by its name where only one has it; a callerID as `ACCOUNT:EXTENSION:NUMBER`, or by its number where
only one has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from ringback import levels
from ringback.accounts import tree
from ringback.accounts.entries import ADMINISTRATOR
from ringback.levels import Level
from ringback.numbering import BadNumber, read_written
from ringback.store.models import AccountRow, CallerIdRow


class BadName(Exception):
    """Nobody is meant, or several are; the message says who could be."""


@dataclass(frozen=True, slots=True)
class NamedPayer:
    """An account or a callerID, and the balance that pays for its calls."""

    ledger_id: str
    name: str
    """Path of the account, or number of the callerID."""
    time_zone: str
    is_caller_id: bool


def find_payer(tx: Connection, name: str, country: str) -> NamedPayer:
    """Whose balance is meant. A number alone is read as dialled in `country`, one that stands after
    its extension as dialled in the country of that. Raises BadName."""
    account = find_account(tx, name)
    if account is not None:
        id_, ledger_id = account
        return NamedPayer(ledger_id, path(tx, id_), _time_zone(tx, id_), is_caller_id=False)
    if name.count(":") == 2:
        return _of_extension(tx, *name.split(":"))
    return _of_number(tx, _number(name, country, f"there is no account {name!r}, and as a number"))


def _time_zone(tx: Connection, account_id: str) -> str:
    return levels.of_account(tx, account_id)[0].time_zone


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


def _of_extension(tx: Connection, account: str, extension: str, number: str) -> NamedPayer:
    owner = find_account(tx, account)
    if owner is None:
        raise BadName(f"there is no account {account!r}")
    query = select(AccountRow.id).where(
        AccountRow.parent_id == owner[0],
        AccountRow.name == extension,
        AccountRow.level == "extension",
        AccountRow.deleted.is_(None),
    )
    found = tx.execute(query).scalar()
    if found is None:
        raise BadName(f"the account {account!r} has no extension {extension!r}")
    facts = tree.load_extension(tx, found)
    e164 = _number(number, facts.country, "the callerID")
    caller_id = tree.find_caller_id(tx, found, e164)
    if caller_id is None:
        raise BadName(f"the extension {extension!r} of {account!r} has no callerID {e164}")
    return NamedPayer(caller_id.ledger_id, e164, facts.time_zone, is_caller_id=True)


def _of_number(tx: Connection, number: str) -> NamedPayer:
    query = select(CallerIdRow.ledger_id, CallerIdRow.extension_id).where(
        CallerIdRow.number == number, CallerIdRow.deleted.is_(None)
    )
    rows = tx.execute(query).all()
    if not rows:
        raise BadName(f"there is no callerID {number}")
    if len(rows) > 1:
        wholes = (f"{path(tx, row.extension_id)}:{number}" for row in rows)
        raise BadName(
            f"several extensions have the callerID {number}: write one of {_listed(wholes)}"
        )
    (row,) = rows
    return NamedPayer(row.ledger_id, number, _time_zone(tx, row.extension_id), is_caller_id=True)


def _number(text: str, country: str, what: str) -> str:
    try:
        return read_written(text, country)
    except BadNumber as error:
        raise BadName(f"{what}: {error}") from error


_MOST_LISTED = 20


def _listed(names: Iterable[str]) -> str:
    found = sorted(names)
    more = ", …" if len(found) > _MOST_LISTED else ""
    return ", ".join(found[:_MOST_LISTED]) + more
