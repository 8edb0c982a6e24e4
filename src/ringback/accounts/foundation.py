"""What every server has before anything is set up: key, currency, the account at the top."""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ringback.accounts.account_entry import ENABLED
from ringback.accounts.binding import bind_secrets
from ringback.accounts.names import ADMINISTRATOR
from ringback.accounts.secrets import Secrets, check_key
from ringback.amounts import ZERO
from ringback.charging import ledger
from ringback.clock import Instant
from ringback.ids import new_id
from ringback.store.models import AccountRow, SettingRow

EMPTY: Mapping[str, Any] = MappingProxyType({})


_CURRENCY = select(SettingRow.value).where(SettingRow.name == "currency")


class OtherCurrency(Exception):
    """The amounts of the database are in another currency than the configuration says."""


def lay_foundation(
    tx: Connection,
    secrets: Secrets,
    currency: str,
    home_country: str,
    now: Instant,
    chance: random.Random,
) -> list[str]:
    """See that key and currency are the database's own, that MACs are bound to their owners, and
    that the server administrator's account is there and has the server's `home_country`, which all
    accounts have that name no other. Returns what changed, a line each. Raises BadKey,
    OtherCurrency. A unit of work."""
    check_key(tx, secrets)
    bind_secrets(tx, secrets)
    check_currency(tx, currency)
    if tx.execute(_CURRENCY).scalar() is None:
        tx.execute(insert(SettingRow), {"name": "currency", "value": currency})
    top = tx.execute(
        select(AccountRow.id, AccountRow.country).where(AccountRow.level == "administrator")
    ).one_or_none()
    if top is None:
        insert_account(
            tx,
            new_id(now, chance),
            new_id(now, chance),
            now,
            parent_id=None,
            level="administrator",
            name=ADMINISTRATOR,
            contact_name="Server administrator",
            country=home_country,
        )
        return [f"created account {ADMINISTRATOR}"]
    if top.country == home_country:
        return []
    tx.execute(update(AccountRow).where(AccountRow.id == top.id).values(country=home_country))
    return [f"account {ADMINISTRATOR}: country {top.country or 'none'} -> {home_country}"]


def check_currency(tx: Connection, currency: str) -> None:
    """Raises OtherCurrency. A database without a currency gets that of the next start."""
    own = tx.execute(_CURRENCY).scalar()
    if own is not None and own != currency:
        raise OtherCurrency(
            f"[server] currency is {currency}, and the amounts in this database are in {own}: "
            f'write currency = "{own}", or begin with an empty database'
        )


def insert_account(
    tx: Connection,
    account_id: str,
    ledger_id: str,
    now: Instant,
    *,
    parent_id: str | None,
    level: str,
    name: str,
    contact_name: str | None,
    country: str | None = None,
    language: str | None = None,
    time_zone: str | None = None,
    status: str = ENABLED,
    expires: Instant | None = None,
    plan_id: str | None = None,
    balance: Decimal = ZERO,
    credit_limit: Decimal | None = None,
    low_credit: Decimal | None = None,
    limits: Mapping[str, Any] = EMPTY,
    guards: Mapping[str, Any] = EMPTY,
    destinations: Mapping[str, Any] = EMPTY,
    who: str | None = None,
    by_account_id: str | None = None,
) -> None:
    """A new account, or extension, with the ledger account of its money: `who` gives it its
    balance, by the role of which account. Its credit limit is not in force yet."""
    ledger.open_account(tx, ledger_id, now, balance=balance, who=who, by_account_id=by_account_id)
    tx.execute(
        insert(AccountRow),
        {
            "id": account_id,
            "parent_id": parent_id,
            "level": level,
            "name": name,
            "contact_name": contact_name,
            "country": country,
            "language": language,
            "time_zone": time_zone,
            "status": status,
            "expires": expires,
            "plan_id": plan_id,
            "ledger_id": ledger_id,
            "credit_limit": credit_limit,
            "low_credit": low_credit,
            "limits": dict(limits),
            "guards": dict(guards),
            "destinations": dict(destinations),
        },
    )
