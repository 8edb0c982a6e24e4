"""What every server has before anything is set up: the account at the top, and its key."""

from __future__ import annotations

import random
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ringback.accounts.entries import ADMINISTRATOR
from ringback.accounts.secrets import Secrets, check_key
from ringback.amounts import ZERO
from ringback.charging import ledger
from ringback.clock import Instant
from ringback.ids import new_id
from ringback.store.models import AccountRow

EMPTY: Mapping[str, Any] = MappingProxyType({})


def lay_foundation(
    tx: Connection, secrets: Secrets, home_country: str, now: Instant, chance: random.Random
) -> list[str]:
    """See that the key is the right one, and that the server administrator's account is there and
    has the server's `home_country`, which all accounts have that name no other. Returns what
    changed, a line each. Raises BadKey."""
    check_key(tx, secrets)
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


def insert_account(
    tx: Connection,
    account_id: str,
    ledger_id: str,
    now: Instant,
    *,
    parent_id: str | None,
    level: str,
    name: str,
    contact_name: str,
    country: str | None = None,
    language: str | None = None,
    time_zone: str | None = None,
    balance: Decimal = ZERO,
    credit_limit: Decimal | None = None,
    guards: Mapping[str, Any] = EMPTY,
    destinations: Mapping[str, Any] = EMPTY,
) -> None:
    """A new account with the ledger account of its money."""
    ledger.open_account(tx, ledger_id, now, balance=balance)
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
            "ledger_id": ledger_id,
            "credit_limit": credit_limit,
            "guards": dict(guards),
            "destinations": dict(destinations),
        },
    )
