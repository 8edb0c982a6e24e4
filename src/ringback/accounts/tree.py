"""What calls need to know of accounts, extensions and callerIDs, read from the store.

An account without a country, language or time zone has that of the account above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, literal, select
from sqlalchemy.orm import aliased

from ringback.accounts.callback import CallbackSetup, from_document
from ringback.charging.packages import FALLBACK_TIME_ZONE
from ringback.store.models import AccessNumber, Account, CallerId, Extension
from ringback.store.prepared import Prepared

FALLBACK_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class ExtensionFacts:
    """A callback extension with its setup, and what it inherits. Numbers are E.164."""

    id: str
    name: str
    setup: CallbackSetup
    password_mac: str | None
    access_numbers: tuple[str, ...]
    accounts: tuple[str, ...]
    """Ids of the accounts from its own to the top."""
    contact_name: str
    country: str
    language: str
    time_zone: str

    @property
    def public_number(self) -> str | None:
        return self.access_numbers[0] if self.access_numbers else None


@dataclass(frozen=True, slots=True)
class CallerIdFacts:
    """An authorized callerID."""

    id: str
    number: str
    enabled: bool
    pin_mac: str | None
    ledger_id: str
    language: str | None
    speed_dials: dict[str, str]
    last_number: str | None


def _chain() -> Any:
    own = (
        select(Account.id, Account.parent_id, literal(0).label("depth"))
        .where(Account.id == bindparam("account_id"))
        .cte("chain", recursive=True)
    )
    above = aliased(Account)
    return own.union_all(
        select(above.id, above.parent_id, own.c.depth + 1).where(above.id == own.c.parent_id)
    )


_TREE = _chain()
_ACCOUNTS = Prepared(
    select(
        Account.id,
        Account.contact_name,
        Account.country,
        Account.language,
        Account.time_zone,
    )
    .join(_TREE, _TREE.c.id == Account.id)
    .order_by(_TREE.c.depth)
)
_EXTENSION = Prepared(select(Extension.__table__).where(Extension.id == bindparam("id")))
_OF_NUMBER = Prepared(
    select(AccessNumber.extension_id).where(AccessNumber.number == bindparam("number"))
)
_ACCESS_NUMBERS = Prepared(
    select(AccessNumber.number)
    .where(AccessNumber.extension_id == bindparam("extension_id"))
    .order_by(AccessNumber.position)
)
_CALLER_ID = Prepared(
    select(CallerId.__table__).where(
        CallerId.extension_id == bindparam("extension_id"), CallerId.number == bindparam("number")
    )
)


def find_extension(tx: Connection, access_number: str) -> ExtensionFacts | None:
    """The extension that an access number leads to."""
    extension = _OF_NUMBER.value(tx, number=access_number)
    return None if extension is None else load_extension(tx, extension)


def load_extension(tx: Connection, extension_id: str) -> ExtensionFacts:
    """An extension that is known to be there."""
    row = _EXTENSION.row(tx, id=extension_id)
    numbers = _ACCESS_NUMBERS.values(tx, extension_id=extension_id)
    accounts = _ACCOUNTS.rows(tx, account_id=row.account_id)

    def inherited(name: str, fallback: str) -> str:
        return next((value for account in accounts if (value := getattr(account, name))), fallback)

    setup = from_document(row.callback)
    return ExtensionFacts(
        id=row.id,
        name=row.name,
        setup=setup,
        password_mac=row.password_mac,
        access_numbers=tuple(numbers),
        accounts=tuple(account.id for account in accounts),
        contact_name=accounts[0].contact_name,
        country=inherited("country", "ZZ"),
        language=setup.language or inherited("language", FALLBACK_LANGUAGE),
        time_zone=inherited("time_zone", FALLBACK_TIME_ZONE),
    )


def upwards(tx: Connection, account_id: str) -> list[str]:
    """Ids of the account and of all above it."""
    return [row.id for row in _ACCOUNTS.rows(tx, account_id=account_id)]


def time_zone(tx: Connection, account_id: str) -> str:
    """That of an account, its own or inherited."""
    accounts = _ACCOUNTS.rows(tx, account_id=account_id)
    return next((row.time_zone for row in accounts if row.time_zone), FALLBACK_TIME_ZONE)


def find_caller_id(tx: Connection, extension_id: str, number: str) -> CallerIdFacts | None:
    """The authorized callerID of a number on an extension, enabled or not."""
    row = _CALLER_ID.row(tx, extension_id=extension_id, number=number)
    if row is None:
        return None
    return CallerIdFacts(
        id=row.id,
        number=row.number,
        enabled=row.enabled,
        pin_mac=row.pin_mac,
        ledger_id=row.ledger_id,
        language=row.language,
        speed_dials=row.speed_dials,
        last_number=row.last_number,
    )


def is_access_number(tx: Connection, number: str) -> bool:
    """Whether a number leads to an extension of this server."""
    return _OF_NUMBER.value(tx, number=number) is not None


def owns_number(tx: Connection, extension: ExtensionFacts, number: str | None) -> bool:
    """Whether a number is an access number or an authorized callerID of the extension."""
    return number is not None and (
        number in extension.access_numbers or find_caller_id(tx, extension.id, number) is not None
    )


def find_by_name(tx: Connection, name: str | None) -> ExtensionFacts | None:
    """The extension of a name; without a name, the only one there is."""
    query = select(Extension.id)
    if name is not None:
        query = query.where(Extension.name == name)
    found = tx.execute(query.limit(2)).scalars().all()
    return load_extension(tx, found[0]) if len(found) == 1 else None
