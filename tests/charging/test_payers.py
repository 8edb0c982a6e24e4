"""Who pays."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import Connection
from tests.charging import helpers
from tests.charging.helpers import NOW, rate

from ringback.charging.payers import NoRate, PayerRate, payers, who_pays
from ringback.clock import Instant
from ringback.levels import of_account
from ringback.store import Store


def tree(tx: Connection) -> None:
    """admin > carrier (plan wholesale) > acme (plan retail) > sales; extensions of sales and of
    admin; one callerID."""
    helpers.account(tx, "admin", level="administrator")
    uk = rate("44")
    helpers.plan(
        tx, "retail", "admin", uk, rate("4420", valid_from=NOW, valid_to=NOW + 10), special=("449",)
    )
    helpers.plan(tx, "wholesale", "admin", rate("44", price_per_minute="0.01"))
    helpers.account(tx, "carrier", "admin", "wholesale", "provider")
    helpers.account(tx, "acme", "carrier", "retail", "organization")
    helpers.account(tx, "sales", "acme")
    helpers.extension(tx, "travellers", "sales")
    helpers.extension(tx, "nobody", "admin")
    helpers.caller_id(tx, "+447700900123", "travellers")


@pytest.fixture
def store(store: Store) -> Store:
    asyncio.run(store.run(tree))
    return store


def paying(store: Store, caller_id: str | None, number: str, at: Instant = NOW) -> list[PayerRate]:
    """Who pays for a call of the extension `travellers`."""

    def read(tx: Connection) -> list[PayerRate]:
        return payers(tx, of_account(tx, "travellers"), caller_id, number, at)

    return asyncio.run(store.read(read))


def test_the_callerid_pays_by_the_nearest_plan(store: Store) -> None:
    payer, acme, above = paying(store, "+447700900123", "+441632960000")
    assert (payer.ledger_id, payer.name) == ("ledger-+447700900123", "+447700900123")
    assert payer.rate.prefix == "44"
    assert payer.rate == acme.rate
    assert above.rate.price_per_minute == Decimal("0.01")
    assert [each.below_id for each in (payer, acme, above)] == [
        None,
        "ledger-+447700900123",
        "ledger-acme",
    ]


def test_every_account_with_a_plan_pays_by_its_own(store: Store) -> None:
    payer, above = asyncio.run(
        store.read(lambda tx: who_pays(tx, of_account(tx, "travellers"), None))
    )
    assert (payer.ledger_id, payer.name) == ("ledger-acme", "acme")
    assert (payer.plan.name, payer.plan.special_prefixes) == ("retail", ("449",))
    assert (above.ledger_id, above.plan.name) == ("ledger-carrier", "wholesale")


@pytest.mark.parametrize(("at", "prefix"), [(NOW - 1, "44"), (NOW, "4420"), (NOW + 10, "44")])
def test_the_rate_is_the_one_valid_when_dialled(store: Store, at: float, prefix: str) -> None:
    payer, _ = paying(store, None, "+442071838750", at)
    assert payer.rate == rate(
        prefix, valid_from=payer.rate.valid_from, valid_to=payer.rate.valid_to
    )


def test_no_plan_and_no_rate_say_what_to_do(store: Store) -> None:
    with pytest.raises(NoRate, match=r"no payer.*give one to an account"):
        asyncio.run(store.read(lambda tx: who_pays(tx, of_account(tx, "nobody"), None)))
    with pytest.raises(NoRate, match=r"acme: the plan 'retail' has no valid rate for \+33123"):
        paying(store, None, "+33123")
