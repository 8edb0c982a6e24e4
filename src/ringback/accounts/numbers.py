"""Access numbers as rows: who holds one, where it leads, and in which order. Who may change that is
not decided here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, Text, delete, insert, or_, select, type_coerce, update

from ringback.store.models import AccessNumberRow, AccountRow, ExtensionRow

Found = Row[Any]
"""A row of `access_numbers`."""


def find(tx: Connection, number: str) -> Found | None:
    """The row of a number, in E.164."""
    return tx.execute(
        select(AccessNumberRow.__table__).where(AccessNumberRow.number == number)
    ).one_or_none()


def leading_to(tx: Connection, extension_id: str) -> list[str]:
    """The access numbers of an extension; the first is its public number."""
    query = (
        select(AccessNumberRow.number)
        .where(AccessNumberRow.extension_id == extension_id)
        .order_by(AccessNumberRow.position)
    )
    return list(tx.execute(query).scalars())


def add(tx: Connection, number: str, account_id: str, destination: str | None = None) -> None:
    """A number that nobody has yet, held by an account."""
    row = {"number": number, "account_id": account_id, "destination": destination}
    tx.execute(insert(AccessNumberRow), row)


def change(tx: Connection, number: str, **values: Any) -> None:
    """Set columns of a number."""
    tx.execute(update(AccessNumberRow).where(AccessNumberRow.number == number).values(**values))


def remove(tx: Connection, number: str) -> None:
    """Forget a number."""
    tx.execute(delete(AccessNumberRow).where(AccessNumberRow.number == number))


def lead(tx: Connection, extension_id: str, numbers: Sequence[str]) -> None:
    """Have just these numbers lead to an extension, in this order; those that lead to it now and
    are not among them lead nowhere."""
    tx.execute(
        update(AccessNumberRow)
        .where(AccessNumberRow.extension_id == extension_id)
        .values(extension_id=None, position=0)
    )
    for position, number in enumerate(numbers):
        change(tx, number, extension_id=extension_id, position=position)


def may_be_shown(found: Found | None, extension_id: str, account_id: str) -> bool:
    """Whether an extension of an account may show a number to called parties: it must be an access
    number of either (spec section 3)."""
    return found is not None and (
        found.account_id == account_id or found.extension_id == extension_id
    )


def shown_by(tx: Connection, found: Found) -> list[tuple[str, str]]:
    """The extensions in use whose setups name the number to be shown to called parties, each with
    the id of its account."""
    query = (
        select(AccountRow.id, AccountRow.parent_id, ExtensionRow.callback)
        .join(ExtensionRow, ExtensionRow.id == AccountRow.id)
        .where(
            AccountRow.deleted.is_(None),
            or_(AccountRow.parent_id == found.account_id, AccountRow.id == found.extension_id),
            type_coerce(ExtensionRow.callback, Text).contains(found.number, autoescape=True),
        )
        .order_by(AccountRow.name, AccountRow.id)
    )
    return [
        (row.id, row.parent_id)
        for row in tx.execute(query)
        if row.callback.get("caller_id_number", {}).get("value") == found.number
    ]
