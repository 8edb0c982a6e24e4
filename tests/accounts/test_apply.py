"""Applying a setup file."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, func, select, update
from tests.accounts.helpers import KEY, NOW, Place
from tests.charging.helpers import check_books

from ringback.accounts import tree
from ringback.accounts.apply import HalfApplied
from ringback.accounts.apply.caller_ids import BATCH
from ringback.accounts.secrets import BadKey, Secrets
from ringback.accounts.setupfile import SetupError
from ringback.charging import ledger
from ringback.charging.decks import rates_in_force
from ringback.charging.rating import Rate
from ringback.guards.settings import Destinations, Guards, Subject
from ringback.store import Store, StoreFull
from ringback.store.models import (
    AccessNumberRow,
    AccountRow,
    CallerIdRow,
    ExtensionRow,
    LedgerAccountRow,
    LedgerEntryRow,
    PlanRow,
    SoundRow,
)

T = TypeVar("T")

FIRST = [
    "created account admin",
    "created account acme with 100.00",
    "created account anna",
    "created plan retail",
    "plan retail: rates: 1 added, 0 taken out",
    "account acme: plan retail",
    "created extension travellers",
    "extension travellers: added callerID +447700900123",
    "recharged +447700900123 by 5.00 (order A-1)",
    "extension travellers: access numbers +442071838750, +442079460001",
]


@pytest.fixture
def place(tmp_path: Path, store: Store) -> Place:
    made = Place(tmp_path, store)
    made.apply()
    return made


def credit(place: Place, number: str = "+447700900123") -> ledger.Balance:
    def work(tx: Connection) -> ledger.Balance:
        ledger_id = tx.execute(
            select(CallerIdRow.ledger_id).where(CallerIdRow.number == number)
        ).scalar()
        assert ledger_id is not None
        return ledger.balance(tx, ledger_id)

    return place.read(work)


def faults(place: Place) -> list[str]:
    with pytest.raises(SetupError) as caught:
        place.apply()
    return str(caught.value).split("\n")


def extension_of(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = place.document["extensions"][0]
    return found


def caller_id_of(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = extension_of(place)["caller_ids"][0]
    return found


def count(place: Place, model: type[Any]) -> int:
    return place.read(lambda tx: tx.execute(select(func.count()).select_from(model)).scalar_one())


def rates_of(place: Place, plan: str) -> list[Rate]:
    def work(tx: Connection) -> list[Rate]:
        plan_id = tx.execute(select(PlanRow.id).where(PlanRow.name == plan)).scalar_one()
        return rates_in_force(tx, plan_id)

    return place.read(work)


def test_what_it_says_is_brought_about_once(tmp_path: Path, store: Store) -> None:
    place = Place(tmp_path, store)
    assert place.apply() == FIRST
    assert place.apply() == []
    assert credit(place).available == Decimal(5)
    place.read(check_books)

    def acme(tx: Connection) -> tuple[str, str, Decimal, str | None]:
        row = tx.execute(
            select(
                AccountRow.level, AccountRow.contact_name, LedgerAccountRow.balance, PlanRow.name
            )
            .join(LedgerAccountRow, LedgerAccountRow.id == AccountRow.ledger_id)
            .join(PlanRow, PlanRow.id == AccountRow.plan_id)
            .where(AccountRow.name == "acme")
        ).one()
        return row.level, row.contact_name, row.balance, row.name

    assert place.read(acme) == ("organization", "Acme Travel", Decimal(100), "retail")
    entries = place.read(lambda tx: tx.execute(select(LedgerEntryRow.kind)).scalars().all())
    assert sorted(entries) == ["opening", "payment"]


def test_a_dry_run_tells_the_same_and_changes_nothing(tmp_path: Path, store: Store) -> None:
    place = Place(tmp_path, store)
    (tmp_path / "bye.wav").write_bytes(b"bye")
    place.document["sounds"] = [{"account": "acme", "path": "/bye.wav", "file": "bye.wav"}]
    told = place.apply(dry_run=True)
    assert told == [*FIRST, "account acme: sound /bye.wav (en) added"]
    for model in (AccountRow, ExtensionRow, CallerIdRow, LedgerEntryRow, SoundRow):
        assert count(place, model) == 0
    assert not place.sounds.exists()
    assert place.apply() == told


def test_a_changed_setup_is_told_field_by_field(place: Place) -> None:
    extension_of(place)["callback"] = {
        "ring_seconds": 8,
        "require_caller_pin": True,
        "disconnect_sound": "//bye.wav",
        "minimum_credit": "0.50",
        "closed": ["2026-12-25"],
    }
    assert place.apply() == [
        "extension travellers: disconnect_sound none -> //bye.wav",
        "extension travellers: minimum_credit 0.00 -> 0.50",
        'extension travellers: closed none -> ["2026-12-25"]',
    ]
    assert place.apply() == []


def test_what_a_setup_leaves_out_stays_and_null_is_the_default(place: Place) -> None:
    extension_of(place)["callback"] = {"hours": [{"days": ["mon"], "from": "08:00", "to": "09:00"}]}
    place.apply()
    extension_of(place)["callback"] = {}
    assert place.apply() == []
    extension_of(place)["callback"] = {"ring_seconds": None, "hours": None, "pin_attempts": None}
    assert [line.split(": ", 1)[1] for line in place.apply()] == [
        "ring_seconds 8 -> 5",
        'hours [{"days": ["mon"], "from": "08:00", "to": "09:00"}] -> none',
    ]
    found = place.read(lambda tx: tree.find_by_name(tx, None))
    assert found is not None
    assert KEY.matches(found.id, "0815", found.password_mac)
    assert found.setup.require_caller_pin


def test_contradictions_are_judged_on_what_the_setup_comes_to(place: Place) -> None:
    callback = extension_of(place)["callback"] = {"return_calls": "fixed"}
    assert faults(place) == [
        "extension travellers: callback.fixed_number: is required with return_calls: fixed"
    ]
    callback["fixed_number"] = "+442071234567"
    place.apply()
    del callback["fixed_number"]
    callback["require_caller_pin"] = False  # the password is there still
    place.apply()
    callback["password"] = None
    with pytest.raises(SetupError, match=r"callback\.open_to_anyone: return_calls: fixed with nei"):
        place.apply(allow_loss=True)
    extension_of(place)["callback"] = {"return_calls": None}
    assert faults(place) == [
        "extension travellers: callback.fixed_number: goes with return_calls: fixed only: take it "
        "out"
    ]
    extension_of(place)["callback"] = {"return_calls": None, "fixed_number": None}
    assert len(place.apply()) == 2


def test_a_secret_is_taken_off_only_if_that_is_allowed(place: Place) -> None:
    caller_id_of(place)["pin"] = None
    extension_of(place)["callback"]["password"] = None
    assert faults(place) == [
        "extension travellers: this would take its password off: leave it out of the file, or add "
        "--allow-loss",
    ]
    del extension_of(place)["callback"]["password"]
    assert faults(place) == [
        "callerID +447700900123: this would take its pin off: leave it out of the file, or add "
        "--allow-loss",
    ]
    assert place.apply(allow_loss=True) == ["callerID +447700900123: pin taken out"]


def test_most_of_a_plans_rates_are_taken_out_only_if_that_is_allowed(place: Place) -> None:
    rates = place.document["plans"][0]["rates"]
    rates += [{"prefix": prefix, "price_per_minute": "1"} for prefix in ("33", "49", "1")]
    place.apply()
    kept = place.document["plans"][0]["rates"] = rates[:1]
    assert faults(place) == [
        "plan retail: this would take out 3 of its 4 rates: leave rates out of the file, or add "
        "--allow-loss"
    ]
    kept.append(rates[1])
    place.apply()
    kept[0]["price_per_minute"] = kept[1]["price_per_minute"] = "7"  # each prefix keeps a rate
    assert place.apply() == ["plan retail: rates: 2 added, 2 taken out"]
    kept.clear()
    assert len(place.apply(allow_loss=True)) == 1


@pytest.mark.parametrize("numbers", [None, [], ["+442071838750"]])
def test_a_wrong_account_makes_no_second_extension(place: Place, numbers: list[str] | None) -> None:
    extension_of(place).update(account="acme", access_numbers=numbers)
    if numbers is None:
        del extension_of(place)["access_numbers"]
    (fault, *_) = faults(place)
    assert fault == (
        "extension travellers: account: acme has no extension of this name, but acme/anna has: "
        "write that account; or, for another extension, access_numbers of its own"
    )
    assert count(place, ExtensionRow) == 1
    extension_of(place).update(access_numbers=["+442079460005"], caller_ids=[])
    assert place.apply()[0] == "created extension travellers"
    assert count(place, ExtensionRow) == 2


def test_an_account_by_its_path(place: Place) -> None:
    extension_of(place).update(account="acme/anna", callback={"ring_seconds": 9})
    place.document["accounts"] = [{"name": "anna", "parent": "acme", "contact_name": "Anna B."}]
    assert place.apply() == [
        "account anna: contact_name Anna -> Anna B.",
        "extension travellers: ring_seconds 8 -> 9",
    ]
    extension_of(place)["account"] = "anna/acme"
    assert faults(place) == [
        "extension travellers: account: there is no account 'anna/acme': put it under accounts"
    ]


class Watched:
    """A store that counts its units of work, and fails at one of them."""

    def __init__(self, store: Store, fails_at: int = 0) -> None:
        self._store = store
        self.units = 0
        self.fails_at = fails_at
        self.caller_ids: list[int] = []
        """How many there are after each unit."""

    async def run(self, work: Callable[[Connection], T]) -> T:
        self.units += 1
        if self.units == self.fails_at:
            raise StoreFull("the disk is full")

        def counted(tx: Connection) -> tuple[T, int]:
            result = work(tx)
            query = select(func.count()).select_from(CallerIdRow)
            return result, tx.execute(query).scalar_one()

        result, found = await self._store.run(counted)
        self.caller_ids.append(found)
        return result

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self._store.read(work)

    async def close(self) -> None:
        await self._store.close()


def test_units_of_work_are_small_and_none_is_done_before_all_is_checked(
    place: Place,
) -> None:
    store = place.store = Watched(place.store)
    entries = extension_of(place)["caller_ids"]
    entries += [
        {"number": f"+4477009{number:05}", "credit": "1.00", "order_number": "A"}
        for number in range(200)
        if number != 123
    ]
    entries[-1]["credit"] = "-1.00"
    (fault,) = faults(place)
    assert "1.00 cannot be taken" in fault
    assert store.units == 0
    entries[-1]["credit"] = "1.00"
    assert len(place.apply()) == 398
    steps = [after - before for before, after in pairwise([1, *store.caller_ids])]
    assert (sum(steps), max(steps)) == (199, BATCH)


def test_what_fails_half_way_is_told_and_goes_on_when_applied_again(
    tmp_path: Path, store: Store
) -> None:
    """Whichever unit it is: what was told has been done, and the rest follows."""
    place = Place(tmp_path, store)
    (tmp_path / "bye.wav").write_bytes(b"bye")
    place.document["sounds"] = [{"account": "acme", "path": "/bye.wav", "file": "bye.wav"}]
    expected = [*FIRST, "account acme: sound /bye.wav (en) added"]
    told: list[str] = []
    failures = 0
    while True:
        place.store = Watched(store, fails_at=failures + 3 if failures < 10 else 0)
        try:
            place.apply(tell=told.append)
            break
        except SetupError as error:
            failures += 1
            half = isinstance(error, HalfApplied)
            assert ("what is printed above has been applied" in str(error)) == half
    assert failures == 10
    assert sorted(told) == sorted(expected)
    assert place.apply() == []
    place.read(check_books)


def test_two_at_once_are_told_and_not_mixed(place: Place) -> None:
    """Another apply enters the same callerID between the check and the step."""
    entry = {"number": "+447700900200", "credit": "1.00", "order_number": "A-1"}
    extension_of(place)["caller_ids"].append(entry)

    class Meddled(Watched):
        async def run(self, work: Callable[[Connection], T]) -> T:
            if self.units == 0:
                other = Place(place.folder, self._store)
                extension_of(other)["caller_ids"] = [{**entry, "credit": "2.00"}]
                await other.applied()
            return await super().run(work)

    place.store = Meddled(place.store)
    with pytest.raises(SetupError, match="order number 'A-1' has been entered already"):
        place.apply()
    assert credit(place, "+447700900200").balance == Decimal(2)


def test_what_it_does_not_name_is_left_alone(place: Place) -> None:
    place.document = {
        "accounts": [{"name": "acme"}],
        "plans": [{"name": "retail"}],
        "extensions": [
            {"name": "travellers", "account": "anna", "caller_ids": [{"number": "+447700900123"}]}
        ],
    }
    assert place.apply() == []
    place.document = {}
    assert place.apply() == []
    found = place.read(lambda tx: tree.find_extension(tx, "+442071838750"))
    assert found is not None
    assert found.setup.ring_seconds == 8


def test_what_it_empties_is_taken_out(place: Place) -> None:
    place.document["accounts"][0] |= {"plan": None, "country": None}
    place.document["plans"][0] |= {"rates": [], "special_prefixes": []}
    extension_of(place)["access_numbers"] = []
    caller_id_of(place).update(pin=None, enabled=False, speed_dials={})
    assert place.apply(allow_loss=True) == [
        "account acme: country GB -> none",
        'plan retail: special_prefixes ["881"] -> []',
        "plan retail: rates: 0 added, 1 taken out",
        "account acme: plan none",
        "callerID +447700900123: enabled true -> false",
        "callerID +447700900123: pin taken out",
        'callerID +447700900123: speed_dials {"1": "+442079460000"} -> {}',
        "extension travellers: access numbers none",
    ]
    assert rates_of(place, "retail") == []
    assert count(place, AccessNumberRow) == 0


def test_secrets_are_changed_but_not_told(place: Place) -> None:
    caller_id_of(place)["pin"] = "4711"
    extension_of(place)["callback"]["password"] = "081500"
    assert place.apply() == [
        "extension travellers: password changed",
        "callerID +447700900123: pin changed",
    ]


def test_a_recharge_counts_once_under_its_order_number(place: Place) -> None:
    caller_id_of(place).update(credit="2.50", order_number="A-2")
    assert place.apply() == ["recharged +447700900123 by 2.50 (order A-2)"]
    assert place.apply() == []
    assert credit(place).available == Decimal("7.50")
    caller_id_of(place)["credit"] = "3.00"
    (fault,) = faults(place)
    assert fault.startswith("callerID +447700900123: credit: order number 'A-2' has been entered")
    caller_id_of(place).update(credit="-8.00", order_number="A-3")
    assert faults(place) == [
        "callerID +447700900123: credit: 8.00 cannot be taken: at most 7.50 is available"
    ]
    assert credit(place).available == Decimal("7.50")


def test_unlimited_credit(place: Place) -> None:
    caller_id_of(place)["credit"] = "unlimited"
    del caller_id_of(place)["order_number"]
    assert place.apply() == ["recharged +447700900123 without limit"]
    assert place.apply() == []
    assert credit(place).unlimited
    caller_id_of(place).update(credit="-1.00", order_number="A-2")
    assert place.apply() == ["recharged +447700900123 by -1.00 (order A-2)"]
    assert credit(place).available == 0
    caller_id_of(place)["credit"] = "unlimited"
    del caller_id_of(place)["order_number"]
    assert place.apply() == ["recharged +447700900123 without limit"]
    assert credit(place).unlimited


def test_the_balance_is_given_at_creation_only(place: Place) -> None:
    place.document["accounts"][0]["balance"] = "500.00"
    assert place.apply() == []
    total = place.read(lambda tx: tx.execute(select(func.sum(LedgerAccountRow.balance))).scalar())
    assert total == Decimal(105)


def test_a_postpaid_limit_reaches_those_who_have_the_plan(place: Place) -> None:
    place.document["plans"][0] |= {"kind": "postpaid", "limit": "50.00"}
    assert place.apply() == [
        "plan retail: kind prepaid -> postpaid",
        "plan retail: limit 0.00 -> 50.00",
    ]

    def limits(tx: Connection) -> list[Decimal]:
        return list(tx.execute(select(LedgerAccountRow.credit_limit)).scalars())

    assert sorted(place.read(limits)) == [0, 0, 0, 50]
    owe = (
        update(LedgerAccountRow)
        .where(LedgerAccountRow.credit_limit > Decimal(0))
        .values(balance=Decimal(-20))
    )
    place.run(lambda tx: tx.execute(owe))
    place.document["plans"][0]["limit"] = "10.00"
    (fault,) = faults(place)
    assert fault.startswith("account acme: plan retail: a limit of 10.00 is too low: 20.00 is owed")


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
    assert place.apply() == ["plan retail: limit 50.00 -> 60.00"]
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
    assert fault.startswith("account acme: plan none: a limit of 0.00 is too low: 20.00 is owed")


def test_on_a_prepaid_plan_there_is_no_credit(place: Place) -> None:
    acme, plan = place.document["accounts"][0], place.document["plans"][0]
    acme["credit_limit"] = "0.000001"
    told = (
        "account acme: credit_limit: 0.000001 is more than 0.00, and its plan retail is prepaid: "
        "take it out, or make the plan postpaid"
    )
    assert faults(place) == [told]
    plan["kind"] = "postpaid"
    place.apply()
    assert limit_of(place) == Decimal("0.000001")
    plan["kind"] = "prepaid"
    assert faults(place) == [told]
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
    assert fault.startswith("account acme: plan retail: a limit of 0.00 is too low: 0.01 is owed")
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
    assert place.apply() == ["plan retail: rates: 2 added, 1 taken out"]
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


def test_access_numbers_move_within_one_file(place: Place) -> None:
    place.document["extensions"] = [
        {"name": "others", "account": "acme", "access_numbers": ["+442071838750"]},
        {**extension_of(place), "access_numbers": ["+442079460001"]},
    ]
    assert place.apply() == [
        "created extension others",
        "extension others: access numbers +442071838750",
        "extension travellers: access numbers +442079460001",
    ]
    found = place.read(lambda tx: tree.find_extension(tx, "+442071838750"))
    assert found is not None
    assert found.name == "others"


def test_an_access_number_of_another_extension_is_refused(place: Place) -> None:
    place.document["extensions"] = [
        {"name": "others", "account": "acme", "access_numbers": ["+442071838750"]}
    ]
    assert faults(place) == [
        "extension others: access number +442071838750 leads to the extension travellers already: "
        "take it out there first"
    ]


def test_a_shown_number_must_be_an_access_number_of_the_account(place: Place) -> None:
    shown = {"set_by": "user", "value": "+442079460009"}
    extension_of(place)["callback"]["caller_id_number"] = shown
    assert faults(place) == [
        "extension travellers: callback.caller_id_number.value: +442079460009 is no access number "
        "of the account anna"
    ]
    place.document["extensions"].append(
        {"name": "others", "account": "anna", "access_numbers": ["+442079460009"]}
    )
    assert "extension others: access numbers +442079460009" in place.apply()


def test_all_faults_are_told_and_nothing_is_done(place: Place) -> None:
    place.document["accounts"] += [
        {"name": "late", "parent": "later"},
        {"name": "later", "parent": "anna", "level": "user"},
    ]
    place.document["accounts"][0] |= {"level": "provider", "contact_name": "Changed"}
    place.document["accounts"][1]["parent"] = "admin"
    place.document["plans"].append({"name": "other", "account": "nobody"})
    place.document["extensions"].append({"name": "lost", "account": "nowhere"})
    place.document["sounds"] = []
    assert faults(place) == [
        "account acme: it is there already, as organization: keep that level",
        "account anna: it is there already, with another parent: keep that",
        "account late: there is no account 'later' for its parent: put it before this one",
        "account later: its level user must be below that of anna, user",
        "plan other: account: there is no account 'nobody': put it under accounts",
        "extension lost: account: there is no account 'nowhere': put it under accounts",
    ]
    assert count(place, AccountRow) == 3
    place.document["accounts"] = [{"name": "acme", "plan": "gold"}]
    place.document["extensions"] = place.document["plans"] = []
    assert faults(place) == ["account acme: there is no plan 'gold': put it under plans"]


def test_a_plan_is_given_to_accounts_below_its_maker_only(place: Place) -> None:
    place.document = {
        "accounts": [
            {"name": "carrier", "level": "provider"},
            {"name": "bob", "parent": "carrier", "plan": "of carrier"},
            {"name": "anna", "plan": "of carrier"},
        ],
        "plans": [{"name": "of carrier", "account": "carrier"}],
    }
    (fault,) = faults(place)
    assert fault.startswith("account anna: plan of carrier: it belongs to an account that is not")
    place.document["accounts"].pop()
    assert "account bob: plan of carrier" in place.apply()


def test_the_administrator_has_a_plan_too(place: Place) -> None:
    place.document = {"accounts": [{"name": "admin", "contact_name": "Us", "plan": "retail"}]}
    assert place.apply() == [
        "account admin: contact_name Server administrator -> Us",
        "account admin: plan retail",
    ]


def test_sounds_are_converted_and_named_by_what_is_in_them(place: Place, tmp_path: Path) -> None:
    (tmp_path / "bye.wav").write_bytes(b"bye")
    sounds = [
        {"account": "acme", "path": "/a_b.wav", "file": "bye.wav"},
        {"account": "acme", "path": "/a/b.wav", "file": "bye.wav", "language": "de"},
    ]
    place.document["sounds"] = sounds
    assert place.apply() == [
        "account acme: sound /a_b.wav (en) added",
        "account acme: sound /a/b.wav (de) added",
    ]
    assert place.apply() == []
    (first,) = place.sounds.iterdir()
    (tmp_path / "other.wav").write_bytes(b"other")
    sounds[0]["file"] = "other.wav"
    (change,) = place.apply()
    assert change.startswith(f"account acme: sound /a_b.wav (en): file {first.name} -> ")
    assert first.read_bytes() == b"bye"  # a call may be playing it
    rows = place.read(
        lambda tx: tx.execute(select(SoundRow.path, SoundRow.file, SoundRow.seconds)).all()
    )
    assert {
        (path, (place.sounds / file).read_bytes(), seconds) for path, file, seconds in rows
    } == {
        ("/a_b.wav", b"other", 1.5),
        ("/a/b.wav", b"bye", 1.5),
    }


def test_a_missing_sound_file_stops_all_of_it(place: Place) -> None:
    place.document["accounts"][0]["contact_name"] = "Changed"
    place.document["sounds"] = [
        {"account": "acme", "path": f"/{name}.wav", "file": f"{name}.wav"} for name in "ab"
    ]
    assert faults(place) == [
        "sound /a.wav: a.wav: there is no such file",
        "sound /b.wav: b.wav: there is no such file",
    ]
    names = place.read(lambda tx: tx.execute(select(AccountRow.contact_name)).scalars().all())
    assert "Changed" not in names


def test_another_key_is_refused(place: Place) -> None:
    with pytest.raises(BadKey):
        place.apply(secrets=Secrets(b"x" * 32))
    assert place.apply(secrets=KEY) == []


def test_guards_and_destinations_are_changed_one_by_one(place: Place) -> None:
    """What is left out stays, and null is the default again."""
    account, extension = place.document["accounts"][0], extension_of(place)
    caller_id = extension["caller_ids"][0]
    account["guards"] = {"calls_per_hour": 500, "spend_per_day": "250.00"}
    extension["destinations"] = {"allow": ["44", "33"], "deny": ["4470"]}
    caller_id["guards"] = {"sessions": "unlimited", "spend_per_call": "0.10"}
    assert place.apply() == [
        'account acme: guards {} -> {"calls_per_hour": 500, "spend_per_day": "250.00"}',
        'extension travellers: destinations {} -> {"allow": ["44", "33"], "deny": ["4470"]}',
        'callerID +447700900123: guards {} -> {"sessions": "unlimited", "spend_per_call": "0.10"}',
    ]
    assert place.apply() == []

    account["guards"] = {"sessions": 3, "calls_per_hour": None}
    extension["destinations"] = {"allow": ["44"]}
    caller_id["guards"] = None
    assert place.apply() == [
        'account acme: guards {"calls_per_hour": 500, "spend_per_day": "250.00"} -> '
        '{"sessions": 3, "spend_per_day": "250.00"}',
        'extension travellers: destinations {"allow": ["44", "33"], "deny": ["4470"]} -> '
        '{"allow": ["44"], "deny": ["4470"]}',
        'callerID +447700900123: guards {"sessions": "unlimited", "spend_per_call": "0.10"} -> {}',
    ]


def test_new_ones_have_their_guards_at_once(tmp_path: Path, store: Store) -> None:
    place = Place(tmp_path, store)
    place.document["accounts"][0]["guards"] = {"spend_per_day": "250.00"}
    extension_of(place)["guards"] = {"calls_per_hour": 7}
    extension_of(place)["caller_ids"][0]["destinations"] = {"deny": ["4470"]}
    assert place.apply() == FIRST
    assert place.apply() == []

    def look(tx: Connection) -> list[Subject]:
        extension = tree.find_by_name(tx, "travellers")
        assert extension is not None
        caller_id = tree.find_caller_id(tx, extension.id, "+447700900123")
        assert caller_id is not None
        return [caller_id.guarded, *extension.guarded]

    found = {subject.name: (subject.guards, subject.destinations) for subject in place.read(look)}
    assert found["+447700900123"] == (Guards(20, 1), Destinations(deny=("4470",)))
    assert found["travellers"] == (Guards(7, 50), Destinations())
    assert found["acme"] == (Guards(1000, 200, Decimal(250)), Destinations())
    assert found["admin"] == (Guards(1000, 200), Destinations())
