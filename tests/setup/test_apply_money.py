"""Applying a setup file: credit, balances, limits and rates."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Connection, func, select, update
from tests.accounts.helpers import (
    NOW,
    Place,
    caller_id_of,
    credit,
    faults,
    rates_of,
)

from ringback.charging import ledger
from ringback.store.models import (
    AccountRow,
    LedgerAccountRow,
)


def test_a_recharge_counts_once_under_its_order_number(place: Place) -> None:
    caller_id_of(place).update(credit="2.50", order_number="A-2")
    assert place.apply() == ["recharged +447700900123 by 2.50 (order A-2)"]
    assert place.apply() == []
    assert credit(place).available == Decimal("7.50")
    caller_id_of(place)["credit"] = "3.00"
    (fault,) = faults(place)
    assert fault.startswith(
        "callerID +447700900123: order_number: order number 'A-2' has been entered"
    )
    caller_id_of(place).update(credit="-8.00", order_number="A-3")
    assert faults(place) == [
        "callerID +447700900123: credit: 8.00 cannot be taken: at most 7.50 is available"
    ]
    assert credit(place).available == Decimal("7.50")


def test_unlimited_credit(place: Place) -> None:
    caller_id_of(place)["credit"] = "unlimited"
    del caller_id_of(place)["order_number"]
    (line,) = place.apply()
    assert line.startswith("recharged +447700900123 without limit (order unlimited ")
    assert place.apply() == []
    assert credit(place).unlimited
    caller_id_of(place).update(credit="-1.00", order_number="A-2")
    assert place.apply() == ["recharged +447700900123 by -1.00 (order A-2)"]
    assert credit(place).available == 0
    caller_id_of(place)["credit"] = "unlimited"
    del caller_id_of(place)["order_number"]
    (line,) = place.apply()
    assert line.startswith("recharged +447700900123 without limit (order unlimited ")
    assert credit(place).unlimited


def test_the_balance_is_given_at_creation_only(place: Place) -> None:
    place.document["accounts"][0]["balance"] = "500.00"
    assert place.apply() == []
    total = place.read(lambda tx: tx.execute(select(func.sum(LedgerAccountRow.balance))).scalar())
    assert total == Decimal(105)


def test_a_postpaid_limit_reaches_those_who_have_the_plan(place: Place) -> None:
    place.document["plans"][0] |= {"kind": "postpaid", "limit": "50.00"}
    assert place.apply() == [
        "plan retail of admin: kind prepaid -> postpaid",
        "plan retail of admin: limit 0.00 -> 50.00",
    ]

    def limits(tx: Connection) -> list[Decimal]:
        return list(tx.execute(select(LedgerAccountRow.credit_limit)).scalars())

    assert sorted(place.read(limits)) == [0, 0, 0, 0, 50]  # admin, anna, extension, callerID, acme
    owe = (
        update(LedgerAccountRow)
        .where(LedgerAccountRow.credit_limit > Decimal(0))
        .values(balance=Decimal(-20))
    )
    place.run(lambda tx: tx.execute(owe))
    place.document["plans"][0]["limit"] = "10.00"
    (fault,) = faults(place)
    assert fault.startswith("plan retail: limit: account acme: a limit of 10.00 is too low: 20.00")


def limit_of(place: Place, account: str = "acme") -> Decimal:
    query = (
        select(LedgerAccountRow.credit_limit)
        .join(AccountRow, AccountRow.ledger_id == LedgerAccountRow.id)
        .where(AccountRow.name == account)
    )
    return place.read(lambda tx: tx.execute(query).scalar_one())


def owe(place: Place, amount: str, account: str = "acme") -> None:
    def work(tx: Connection) -> None:
        ledger_id = tx.execute(
            select(AccountRow.ledger_id).where(AccountRow.name == account)
        ).scalar_one()
        left = ledger.balance(tx, ledger_id).balance
        ledger.recharge(tx, ledger_id, -left - Decimal(amount), f"owe {amount}", NOW)

    place.run(work)


def test_an_account_has_its_own_credit_limit_else_that_of_its_plan(place: Place) -> None:
    acme, plan = place.document["accounts"][0], place.document["plans"][0]
    plan |= {"kind": "postpaid", "limit": "50.00"}
    acme["credit_limit"] = "0.00"
    place.apply()
    assert limit_of(place) == 0
    acme["credit_limit"] = "80.00"
    assert place.apply() == ["account acme: credit_limit 0.00 -> 80.00"]
    assert limit_of(place) == 80
    plan["limit"] = "60.00"
    assert place.apply() == ["plan retail of admin: limit 50.00 -> 60.00"]
    assert limit_of(place) == 80
    del acme["credit_limit"]  # left out, it stays
    assert place.apply() == []
    acme["credit_limit"] = None
    assert place.apply() == ["account acme: credit_limit 80.00 -> none"]
    assert limit_of(place) == 60


def test_a_credit_limit_below_what_is_owed_is_refused(place: Place) -> None:
    acme, plan = place.document["accounts"][0], place.document["plans"][0]
    plan |= {"kind": "postpaid", "limit": "10.00"}
    acme["credit_limit"] = "80.00"
    place.apply()
    owe(place, "20.00")
    for lower in ("19.999999", None):
        acme["credit_limit"] = lower
        (fault,) = faults(place)
        assert (
            "is too low: 20.00 is owed or reserved for calls already, which is the least" in fault
        )
        assert limit_of(place) == 80
    acme["credit_limit"] = "20.00"
    place.apply()
    acme.update(credit_limit=None, plan=None)
    (fault,) = faults(place)
    assert fault.startswith("account acme: plan: a limit of 0.00 is too low: 20.00 is owed")


def test_on_a_prepaid_plan_there_is_no_credit(place: Place) -> None:
    acme, plan = place.document["accounts"][0], place.document["plans"][0]
    acme["credit_limit"] = "0.000001"
    told = (
        "account acme: credit_limit: 0.000001 is more than 0.00, and its plan retail is prepaid: "
        "take it out, or give a postpaid plan"
    )
    assert faults(place) == [told]
    plan["kind"] = "postpaid"
    place.apply()
    assert limit_of(place) == Decimal("0.000001")
    plan["kind"] = "prepaid"
    assert faults(place) == [
        "plan retail: kind: account acme has a credit_limit of its own, 0.000001, and none is "
        "possible with a prepaid plan: take that out first"
    ]
    acme["credit_limit"] = "0.00"  # judged on what all of the file comes to
    place.apply()
    assert limit_of(place) == 0


def test_a_plan_is_prepaid_again_where_the_balance_allows_it(place: Place) -> None:
    plan = place.document["plans"][0]
    plan |= {"kind": "postpaid", "limit": "10.00"}
    place.apply()
    owe(place, "0.01")
    plan |= {"kind": "prepaid", "limit": "0.00"}
    (fault,) = faults(place)
    assert fault.startswith("plan retail: kind: account acme: a limit of 0.00 is too low: 0.01")
    owe(place, "0")
    place.apply()
    assert limit_of(place) == 0


def test_a_new_account_has_its_credit_limit_at_once(place: Place) -> None:
    place.document["plans"].append({"name": "credit", "kind": "postpaid", "limit": "5.00"})
    place.document["accounts"] += [
        {"name": "own", "plan": "credit", "credit_limit": "7.00"},
        {"name": "theirs", "plan": "credit"},
    ]
    place.apply()
    assert [limit_of(place, name) for name in ("own", "theirs")] == [7, 5]


def test_rates_are_those_of_the_file(place: Place) -> None:
    rates = place.document["plans"][0]["rates"]
    rates[0]["price_per_minute"] = "0.03"
    rates.append({"prefix": "", "first_price": "1", "price_per_minute": "1.000001"})
    assert place.apply() == ["plan retail of admin: rates: 2 added, 1 taken out"]
    assert place.apply() == []
    prices = [rate.price_per_minute for rate in rates_of(place, "retail")]
    assert sorted(prices) == [Decimal("0.03"), Decimal("1.000001")]


def test_a_rate_may_leave_its_first_price_out(place: Place) -> None:
    rates = place.document["plans"][0]["rates"]
    rates[0] = {"prefix": "44", "first_block": 1, "next_block": 1, "price_per_minute": "0.60"}
    place.apply()
    (found,) = rates_of(place, "retail")
    assert (found.first_price, found.price(59)) == (None, Decimal("0.60"))
    assert place.apply() == []
