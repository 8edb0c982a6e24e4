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
    """Premium and satellite prefixes that it lets be called, without plus (spec section 8). The
    plan of every payer must list one for it to be called."""
    packages: tuple[Mapping[str, Any], ...]
    ledger_id: str
    """Of the account."""
    time_zone: str
    """The account's."""


@dataclass(frozen=True, slots=True)
class Level:
    """One account, with what it has of its own and what it inherits."""

    id: str
    name: str
    ledger_id: str
    contact_name: str
    country: str
    """This, the language and the time zone are those of the nearest account at or above it that
    names one."""
    language: str
    time_zone: str
    plan: GivenPlan | None
    """The plan given to this very account, which makes it a payer."""
    guards: Mapping[str, Any]
    """Its own, as they are stored, and so its destinations."""
    destinations: Mapping[str, Any]


def _upwards(nearest: ColumnElement[str]) -> Prepared:
    """The accounts from `nearest`, an id, to the top."""
    told = (
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
        select(*told, AccountRow.parent_id, literal_column("0", Integer).label("height"))
        .where(AccountRow.id == nearest)
        .cte("levels", recursive=True)
    )
    levels = own.union_all(
        select(*told, AccountRow.parent_id, own.c.height + 1).join(
            own, AccountRow.id == own.c.parent_id
        )
    )
    return Prepared(
        select(
            *(levels.c[column.key] for column in told),
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
    """What an account does not say of itself it has of the one above it, so from the top down."""
    found: list[Level] = []
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
        found.append(level)
    return tuple(reversed(found))
