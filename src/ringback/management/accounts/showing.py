"""One account, or extension, with what is set of it, as the reader may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select

from ringback import levels
from ringback.charging import ledger
from ringback.clock import Instant
from ringback.guards.settings import UNLIMITED
from ringback.management.accounts import limits
from ringback.management.accounts.limits import Limited
from ringback.management.accounts.rows import plan_name, written_amount, written_time
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, read
from ringback.sounds import storage
from ringback.store.models import AccountRow


@dataclass(frozen=True, slots=True)
class InForce:
    """What holds for an account, its own or of the nearest account above that has one."""

    contact_name: str
    country: str
    language: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of an account."""

    most: int | None
    """None: unlimited."""
    used: int
    """Of storage in whole megabytes, the last one begun."""


@dataclass(frozen=True, slots=True)
class Money:
    """What an account has, and by what it pays."""

    plan: str | None
    balance: Decimal
    reserved: Decimal
    available: Decimal
    credit_limit: Decimal | None
    """Its own; None: that of its plan."""
    credit_limit_in_force: Decimal
    low_credit: Decimal | None
    """None: no event."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account or extension."""

    id: str
    path: str
    """From the reader's own account on."""
    level: str
    name: str
    provider: str | None
    """The contact name of the account directly above; None at the top."""
    contact_name: str | None
    """Its own, as are country, language and time zone; None: that of the account above."""
    country: str | None
    language: str | None
    time_zone: str | None
    in_force: InForce
    status: str
    expires: Instant | None
    limits: Mapping[str, Limit]
    guards: Mapping[str, Any]
    """Those that differ from the defaults, as the setup file has them; so are the destinations."""
    destinations: Mapping[str, Any]
    money: Money | None
    """None for those who may not see it."""

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        money = {}
        if self.money is not None:
            amounts = {**asdict(self.money)}
            plan = amounts.pop("plan")
            money = {"plan": plan, **{key: written_amount(amounts[key]) for key in amounts}}
        return {
            **asdict(self),
            "expires": written_time(self.expires),
            "limits": {
                name: {
                    "most": UNLIMITED if limit.most is None else limit.most,
                    "used": limit.used,
                }
                for name, limit in self.limits.items()
            },
            "guards": dict(self.guards),
            "destinations": dict(self.destinations),
            "money": money or None,
        }


@read("account.get", Kind.ACCOUNT, Need(Right.VIEW))
def account(act: Act, place: Place) -> Account:
    """One account or extension."""
    query = select(AccountRow.__table__).where(AccountRow.id == place.id)
    row = act.tx.execute(query).one()
    itself, *above = levels.of_account(act.tx, place.id)
    sees_money = act.actor.grant(place, Need(Right.SEE_MONEY)) is not None
    return Account(
        row.id,
        Sight(act.tx, act.actor).path(row.id),
        row.level,
        row.name,
        above[0].contact_name if above else None,
        row.contact_name,
        row.country,
        row.language,
        row.time_zone,
        InForce(itself.contact_name, itself.country, itself.language, itself.time_zone),
        row.status,
        row.expires,
        _limits(act.tx, row),
        row.guards,
        row.destinations,
        _money(act.tx, row) if sees_money else None,
    )


def _limits(tx: Connection, row: Any) -> dict[str, Limit]:
    found = {
        what.value: Limit(
            limits.limit_of(row.limits, what), limits.used(tx, what, [row.id]).get(row.id, 0)
        )
        for what in Limited
    }
    taken = -(-storage.used(tx, [row.id])[row.id] // storage.MEGABYTE)
    return {**found, "storage_mb": Limit(storage.limit_of(row.limits), taken)}


def _money(tx: Connection, row: Any) -> Money:
    has = ledger.balance(tx, row.ledger_id)
    return Money(
        plan_name(tx, row.plan_id),
        has.balance,
        has.reserved,
        has.available,
        row.credit_limit,
        has.credit_limit,
        row.low_credit,
    )
