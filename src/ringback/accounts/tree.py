"""What calls need to know of extensions and callerIDs, read from the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, select

from ringback import levels
from ringback.accounts.callback import CallbackSetup, from_document
from ringback.clock import Instant
from ringback.guards.settings import Kind, Subject, destinations_of, guards_of
from ringback.levels import Level
from ringback.store.models import AccessNumberRow, AccountRow, CallerIdRow, ExtensionRow
from ringback.store.prepared import Prepared


@dataclass(frozen=True, slots=True)
class ExtensionFacts:
    """A callback extension with its setup, and what it inherits. Numbers are E.164."""

    id: str
    name: str
    setup: CallbackSetup
    password_mac: str | None
    access_numbers: tuple[str, ...]
    levels: Sequence[Level]
    """Itself and the accounts from its own to the top."""
    guarded: tuple[Subject, ...]
    """The same, with their guards."""

    @property
    def public_number(self) -> str | None:
        return self.access_numbers[0] if self.access_numbers else None

    @property
    def chain(self) -> tuple[str, ...]:
        """Its own id and those of the accounts from its own to the top."""
        return tuple(level.id for level in self.levels)

    @property
    def contact_name(self) -> str:
        return self.levels[0].contact_name

    @property
    def country(self) -> str:
        return self.levels[0].country

    @property
    def language(self) -> str:
        return self.setup.language or self.levels[0].language

    @property
    def time_zone(self) -> str:
        return self.levels[0].time_zone


@dataclass(frozen=True, slots=True)
class AccessNumberFacts:
    """An access number that leads to an extension."""

    number: str
    extension: ExtensionFacts
    destination: str | None
    """Who is called back through it is connected to this number without dialling; E.164."""


@dataclass(frozen=True, slots=True)
class CallerIdFacts:
    """An authorized callerID."""

    id: str
    number: str
    enabled: bool
    expires: Instant | None
    deleted: Instant | None
    pin_mac: str | None
    ledger_id: str
    language: str | None
    speed_dials: dict[str, str]
    last_number: str | None
    guarded: Subject
    """Itself, with its guards."""


_IN_USE = (AccountRow.level == "extension", AccountRow.deleted.is_(None))
_EXTENSION = Prepared(select(ExtensionRow.__table__).where(ExtensionRow.id == bindparam("id")))
_OF_NUMBER = Prepared(
    select(AccessNumberRow.extension_id, AccessNumberRow.destination)
    .join(AccountRow, AccountRow.id == AccessNumberRow.extension_id)
    .where(AccessNumberRow.number == bindparam("number"), *_IN_USE)
)
_IS_ACCESS_NUMBER = Prepared(
    select(AccessNumberRow.number).where(AccessNumberRow.number == bindparam("number"))
)
_ACCESS_NUMBERS = Prepared(
    select(AccessNumberRow.number)
    .where(AccessNumberRow.extension_id == bindparam("extension_id"))
    .order_by(AccessNumberRow.position)
)
_CALLER_ID = Prepared(
    select(CallerIdRow.__table__).where(
        CallerIdRow.extension_id == bindparam("extension_id"),
        CallerIdRow.number == bindparam("number"),
        CallerIdRow.deleted.is_(None),
    )
)
_CALLER_ID_EVER = Prepared(
    select(CallerIdRow.__table__).where(CallerIdRow.id == bindparam("caller_id"))
)


def find_access_number(tx: Connection, number: str) -> AccessNumberFacts | None:
    """An access number and the extension that it leads to; None where it leads to none that is in
    use. Whether that is suspended or has expired is for `standing` to say."""
    row = _OF_NUMBER.row(tx, number=number)
    if row is None:
        return None
    return AccessNumberFacts(number, load_extension(tx, row.extension_id), row.destination)


def load_extension(tx: Connection, extension_id: str) -> ExtensionFacts:
    """An extension that is known to be there, deleted or not."""
    row = _EXTENSION.row(tx, id=extension_id)
    numbers = _ACCESS_NUMBERS.values(tx, extension_id=extension_id)
    found = levels.of_account(tx, extension_id)
    itself, *above = found
    return ExtensionFacts(
        id=row.id,
        name=itself.name,
        setup=from_document(row.callback),
        password_mac=row.password_mac,
        access_numbers=tuple(numbers),
        levels=found,
        guarded=(
            _subject(Kind.EXTENSION, itself),
            *(_subject(Kind.ACCOUNT, level) for level in above),
        ),
    )


def find_caller_id(tx: Connection, extension_id: str, number: str) -> CallerIdFacts | None:
    """The authorized callerID of a number on an extension, enabled or not, expired or not."""
    row = _CALLER_ID.row(tx, extension_id=extension_id, number=number)
    return None if row is None else _caller_id(row)


def load_caller_id(tx: Connection, caller_id: str) -> CallerIdFacts:
    """An authorized callerID that is known to be there, as it is now: it may be deleted, or have
    another number."""
    return _caller_id(_CALLER_ID_EVER.row(tx, caller_id=caller_id))


def _caller_id(row: Any) -> CallerIdFacts:
    return CallerIdFacts(
        id=row.id,
        number=row.number,
        enabled=row.enabled,
        expires=row.expires,
        deleted=row.deleted,
        pin_mac=row.pin_mac,
        ledger_id=row.ledger_id,
        language=row.language,
        speed_dials=row.speed_dials,
        last_number=row.last_number,
        guarded=_subject(Kind.CALLER_ID, row, row.number),
    )


def _subject(kind: Kind, found: Any, name: str | None = None) -> Subject:
    return Subject(
        kind,
        found.id,
        found.name if name is None else name,
        guards_of(kind, found.guards),
        destinations_of(found.destinations),
    )


def is_access_number(tx: Connection, number: str) -> bool:
    """Whether a number is an access number of this server, wherever it leads."""
    return _IS_ACCESS_NUMBER.value(tx, number=number) is not None


def owns_number(tx: Connection, extension: ExtensionFacts, number: str) -> bool:
    """Whether a number is an access number or an authorized callerID of the extension."""
    if number in extension.access_numbers:
        return True
    return find_caller_id(tx, extension.id, number) is not None


def extensions(tx: Connection) -> Sequence[str]:
    """The ids of all extensions in use, by their names."""
    query = select(AccountRow.id).where(*_IN_USE).order_by(AccountRow.name, AccountRow.id)
    return tx.execute(query).scalars().all()


def find_by_name(tx: Connection, name: str | None) -> ExtensionFacts | None:
    """The extension of a name; without a name, the only one there is."""
    query = select(AccountRow.id).where(*_IN_USE)
    if name is not None:
        query = query.where(AccountRow.name == name)
    found = tx.execute(query.limit(2)).scalars().all()
    return load_extension(tx, found[0]) if len(found) == 1 else None
