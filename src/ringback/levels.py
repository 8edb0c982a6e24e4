"""The account tree as calls and charging read it: from an extension or another account upwards, in
one query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, literal_column, select

from ringback.clock import Instant
from ringback.store.models import AccountRow, PlanRow
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
    """One account, or extension, with its own values and those that it inherits."""

    id: str
    level: str
    name: str
    ledger_id: str
    suspended: bool
    expires: Instant | None
    deleted: Instant | None
    contact_name: str
    """This, country, language and time zone are those of the nearest account, from this one
    upwards, that has one."""
    country: str
    language: str
    time_zone: str
    plan: GivenPlan | None
    """The plan given to this very account, which makes it a payer."""
    guards: Mapping[str, Any]
    """The account's own guards, as they are stored; so are its destinations."""
    destinations: Mapping[str, Any]


def _upwards() -> Prepared:
    """A query of the accounts from one to the top."""
    columns = (
        AccountRow.id,
        AccountRow.level,
        AccountRow.name,
        AccountRow.ledger_id,
        AccountRow.status,
        AccountRow.expires,
        AccountRow.deleted,
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
        .where(AccountRow.id == bindparam("account_id"))
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


_UPWARDS = _upwards()


def of_account(tx: Connection, account_id: str) -> Sequence[Level]:
    """The account or extension and all accounts above it, the nearest first; also of one that is
    deleted."""
    return _levels(_UPWARDS.rows(tx, account_id=account_id))


def _levels(rows: Sequence[Any]) -> Sequence[Level]:
    """Each account inherits from the one above what it does not set itself; so this goes from the
    top down."""
    levels: list[Level] = []
    contact_name, country, language, time_zone = (
        "",
        NO_COUNTRY,
        FALLBACK_LANGUAGE,
        FALLBACK_TIME_ZONE,
    )
    for row in reversed(rows):
        contact_name = row.contact_name or contact_name
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
            row.level,
            row.name,
            row.ledger_id,
            row.status == "suspended",
            row.expires,
            row.deleted,
            contact_name,
            country,
            language,
            time_zone,
            plan,
            row.guards,
            row.destinations,
        )
        levels.append(level)
    return tuple(reversed(levels))
