"""The accounts from an extension's to the top, each with what it inherits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy import Connection, update
from tests.charging import helpers

from ringback import levels
from ringback.levels import Level
from ringback.store import Store
from ringback.store.models import AccountRow


def tree(tx: Connection) -> None:
    """admin (GB) > carrier (plan wholesale, Europe/Dublin) > acme (cy) > sales; others."""
    helpers.account(tx, "admin", level="administrator")
    helpers.plan(tx, "wholesale", "admin", minutes={"44": 10}, special=("449",))
    helpers.account(tx, "carrier", "admin", "wholesale", "provider")
    helpers.account(tx, "acme", "carrier", level="organization")
    helpers.account(tx, "sales", "acme")
    helpers.account(tx, "others", "admin", level="provider")
    helpers.extension(tx, "travellers", "sales")
    says(tx, "admin", country="GB", language="en")
    says(tx, "carrier", time_zone="Europe/Dublin")
    says(tx, "acme", language="cy")


def says(tx: Connection, account: str, **values: str) -> None:
    tx.execute(update(AccountRow).where(AccountRow.id == account).values(values))


def read(store: Store) -> Sequence[Level]:
    asyncio.run(store.run(tree))
    return asyncio.run(store.read(lambda tx: levels.of_account(tx, "travellers")))


def test_the_nearest_that_names_one_counts(store: Store) -> None:
    found = [(level.id, level.country, level.language, level.time_zone) for level in read(store)]
    assert found == [
        ("travellers", "GB", "cy", "Europe/Dublin"),
        ("sales", "GB", "cy", "Europe/Dublin"),
        ("acme", "GB", "cy", "Europe/Dublin"),
        ("carrier", "GB", "en", "Europe/Dublin"),
        ("admin", "GB", "en", "UTC"),
    ]


def test_a_plan_belongs_to_the_account_that_it_was_given_to(store: Store) -> None:
    travellers, sales, acme, carrier, admin = read(store)
    assert travellers.plan is None
    assert (sales.plan, acme.plan, admin.plan) == (None, None, None)
    assert carrier.plan is not None
    assert (carrier.plan.name, carrier.plan.special_prefixes) == ("wholesale", ("449",))
    assert carrier.plan.packages == ({"prefix": "44", "minutes": 10},)
    assert (carrier.plan.ledger_id, carrier.plan.time_zone) == (carrier.ledger_id, "Europe/Dublin")


def test_of_an_account_or_of_an_extension_below_it(store: Store) -> None:
    found = read(store)
    assert asyncio.run(store.read(lambda tx: levels.of_account(tx, "sales"))) == found[1:]
    (_, top) = asyncio.run(store.read(lambda tx: levels.of_account(tx, "others")))
    assert top == found[-1]
