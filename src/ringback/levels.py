"""The account tree as calls and charging read it: from one account upwards, in one query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, bindparam, literal_column, select

from ringback.store.models import AccountRow, ExtensionRow, PlanRow
from ringback.store.prepared import Prepared

NO_COUNTRY = "ZZ"
FALLBACK_LANGUAGE = "en"
FALLBACK_TIME_ZONE = "UTC"


@dataclass(frozen=True, slots=True)
class GivenPlan:
    """A charging plan and the account that it was given to."""

    id: str
    name: str
    special_prefixes: tuple[str, ...]
    """Premium-rate and satellite prefixes that the plan lets people call, without plus (spec
    section 8). Such a prefix can be called only if the plan of every payer lists it."""
    packages: tuple[Mapping[str, Any], ...]
    ledger_id: str
    """The ledger id of that account."""
    time_zone: str
    """The time zone of that account."""


@dataclass(frozen=True, slots=True)
class Level:
    """One account, with its own values and those that it inherits."""

    id: str
    name: str
    ledger_id: str
    contact_name: str
    country: str
    """Country, language and time zone are those of the nearest account, from this one upwards, that
    has one."""
    language: str
    time_zone: str
    plan: GivenPlan | None
    """The plan given to this very account, which makes it a payer."""
    guards: Mapping[str, Any]
    """Its own, as they are stored, and so its destinations."""
    destinations: Mapping[str, Any]


def _upwards(nearest: ColumnElement[str]) -> Prepared:
    """A query of the accounts from the one with the id `nearest` to the top."""
    columns = (
        AccountRow.id,
        AccountRow.name,
        AccountRow.ledger_id,
        AccountRow.contact_name,
        AccountRow.country,
        AccountRow.language,
        AccountRow.time_zone,
        AccountRow.plan_id,
        AccountRow.guards,
        AccountRow.destinations,
    )
    own = (
        select(*columns, AccountRow.parent_id, literal_column("0", Integer).label("height"))
        .where(AccountRow.id == nearest)
        .cte("levels", recursive=True)
    )
    levels = own.union_all(
        select(*columns, AccountRow.parent_id, own.c.height + 1).join(
            own, AccountRow.id == own.c.parent_id
        )
    )
    return Prepared(
        select(
            *(levels.c[column.key] for column in columns),
            PlanRow.name.label("plan_name"),
            PlanRow.special_prefixes,
            PlanRow.packages,
        )
        .outerjoin(PlanRow, PlanRow.id == levels.c.plan_id)
        .order_by(levels.c.height)
    )


_OF_ACCOUNT = _upwards(bindparam("account_id"))
_OF_EXTENSION = _upwards(
    select(ExtensionRow.account_id)
    .where(ExtensionRow.id == bindparam("extension_id"))
    .scalar_subquery()
)


def of_account(tx: Connection, account_id: str) -> Sequence[Level]:
    """The account and all above it, the nearest first."""
    return _levels(_OF_ACCOUNT.rows(tx, account_id=account_id))


def of_extension(tx: Connection, extension_id: str) -> Sequence[Level]:
    """The account that an extension belongs to and all above it, the nearest first."""
    return _levels(_OF_EXTENSION.rows(tx, extension_id=extension_id))


def _levels(rows: Sequence[Any]) -> Sequence[Level]:
    """Each account inherits from the one above what it does not set itself; so this goes from the
    top down."""
    levels: list[Level] = []
    country, language, time_zone = NO_COUNTRY, FALLBACK_LANGUAGE, FALLBACK_TIME_ZONE
    for row in reversed(rows):
        country = row.country or country
        language = row.language or language
        time_zone = row.time_zone or time_zone
        plan = None
        if row.plan_id is not None:
            plan = GivenPlan(
                row.plan_id,
                row.plan_name,
                tuple(row.special_prefixes),
                tuple(row.packages),
                row.ledger_id,
                time_zone,
            )
        level = Level(
            row.id,
            row.name,
            row.ledger_id,
            row.contact_name,
            country,
            language,
            time_zone,
            plan,
            row.guards,
            row.destinations,
        )
        levels.append(level)
    return tuple(reversed(levels))
