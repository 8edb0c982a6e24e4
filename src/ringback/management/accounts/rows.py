"""The row of an account, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, bindparam, select

from ringback.accounts.names import ADMINISTRATOR
from ringback.amounts import format_amount
from ringback.clock import Instant, utc_text
from ringback.faults import Fault
from ringback.management.places import Place
from ringback.management.refusals import NotFound
from ringback.store.models import AccountRow, PlanRow
from ringback.store.prepared import Prepared

_HELD = Prepared(
    select(AccountRow.__table__)
    .where(AccountRow.id == bindparam("id"))
    .with_for_update(key_share=True)
)

EXTENSION = "extension"
"""The lowest level."""


def held(tx: Connection, place: Place) -> Mapping[str, Any]:
    """The row of an account or extension. Until the unit of work is committed, nobody else changes
    or deletes it, or makes anything for which they hold it. Raises NotFound where it has been
    deleted meanwhile."""
    row = hold(tx, place.id)
    if row["deleted"] is not None:
        raise NotFound(place.kind)
    return row


def hold(tx: Connection, account_id: str) -> Mapping[str, Any]:
    """The same by its id, also if it is deleted. Who gives a name to an account holds the one
    above, and holds that first."""
    found: dict[str, Any] = _HELD.row(tx, id=account_id)._asdict()
    return found


def name_faults(tx: Connection, parent_id: str | None, level: str, name: str) -> list[Fault]:
    """What is wrong with a name among its siblings."""
    if level != EXTENSION and name == ADMINISTRATOR:
        return [Fault(("name",), "is that of the account above all others: choose another")]
    is_extension = AccountRow.level == EXTENSION
    query = select(AccountRow.id).where(
        AccountRow.parent_id == parent_id,
        AccountRow.name == name,
        AccountRow.deleted.is_(None),
        is_extension if level == EXTENSION else ~is_extension,
    )
    if tx.execute(query).scalar() is None:
        return []
    return [Fault(("name",), f"there is {name!r} already beside it: choose another name")]


def document(tx: Connection, row: Mapping[str, Any]) -> dict[str, Any]:
    """What is set of an account, by the names of the setup file, as JSON has it."""
    as_it_is = ("name", "contact_name", "country", "language", "time_zone", "status")
    parts = ("limits", "guards", "destinations")
    return {
        **{name: row[name] for name in as_it_is},
        "expires": written_time(row["expires"]),
        "plan": plan_name(tx, row["plan_id"]),
        "credit_limit": written_amount(row["credit_limit"]),
        "low_credit": written_amount(row["low_credit"]),
        **{name: row[name] for name in parts},
    }


def plan_name(tx: Connection, plan_id: str | None) -> str | None:
    """What a plan is called."""
    if plan_id is None:
        return None
    return tx.execute(select(PlanRow.name).where(PlanRow.id == plan_id)).scalar_one()


def written_time(at: Instant | None) -> str | None:
    return None if at is None else utc_text(at)


def written_amount(amount: Decimal | None) -> str | None:
    return None if amount is None else format_amount(amount)
