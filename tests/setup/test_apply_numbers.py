"""Access numbers in a setup file: who holds them, and where they lead."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from tests.accounts.helpers import Place

from ringback.accounts.setupfile import SetupError
from ringback.store.models import AccessNumberRow, AccountRow, AuditRow

ONE, TWO, THREE = "+442071838750", "+442079460001", "+442079460002"


@pytest.fixture(autouse=True)
def applied(place: Place) -> None:
    place.apply()


def numbers(place: Place, *entries: dict[str, Any]) -> list[str]:
    """What changes once the file has just these, beside its extensions."""
    place.document["access_numbers"] = list(entries)
    return place.apply()


def faults(place: Place, *entries: dict[str, Any]) -> list[str]:
    with pytest.raises(SetupError) as found:
        numbers(place, *entries)
    return str(found.value).splitlines()


def held(place: Place) -> dict[str, tuple[str, str | None]]:
    query = select(AccessNumberRow, AccountRow.name).join(
        AccountRow, AccountRow.id == AccessNumberRow.account_id
    )
    return place.read(
        lambda tx: {row.number: (row.name, row.destination) for row in tx.execute(query)}
    )


def test_a_number_named_at_an_extension_only_is_held_by_its_account(place: Place) -> None:
    assert held(place) == {ONE: ("anna", None), TWO: ("anna", None)}


def test_a_number_is_given_to_an_account_with_its_destination(place: Place) -> None:
    entry = {"number": THREE, "account": "acme", "destination": "+442079460009"}
    assert numbers(place, entry) == [f"created access number {THREE} of acme"]
    assert held(place)[THREE] == ("acme", "+442079460009")
    assert numbers(place, entry) == []
    assert numbers(place, {"number": THREE}) == [], "what is left out stays"
    assert numbers(place, {"number": THREE, "account": "anna", "destination": None}) == [
        f"access number {THREE} of acme: account acme -> acme/anna",
        f"access number {THREE} of acme/anna: account none -> anna",
        f"access number {THREE} of acme/anna: destination +442079460009 -> none",
    ]


def test_an_account_beside_learns_nothing_of_who_had_a_number_before(place: Place) -> None:
    place.document["accounts"].append({"name": "beta"})
    numbers(place, {"number": THREE, "account": "acme", "destination": "+442079460009"})
    numbers(place, {"number": THREE, "account": "beta"})
    assert held(place)[THREE] == ("beta", None), "its destination was acme's"
    query = (
        select(AuditRow.path, AuditRow.fields)
        .where(AuditRow.subject_id == THREE, AuditRow.action == "updated")
        .order_by(AuditRow.number)
    )
    told = place.read(lambda tx: [(row.path, row.fields) for row in tx.execute(query)])
    lost = {"account": ["acme", None], "destination": ["+442079460009", None]}
    assert told == [("acme", lost), ("beta", {"account": [None, "beta"]})]


def test_a_number_led_to_an_extension_may_be_held_above_it(place: Place) -> None:
    assert numbers(place, {"number": ONE, "account": "acme"}) == [
        f"access number {ONE} of acme/anna: account anna -> none",
        f"access number {ONE} of acme: account acme/anna -> acme",
    ]
    del place.document["access_numbers"]
    assert place.apply() == [], "it stays with acme"


def test_a_number_is_held_above_the_extension_to_which_it_leads(place: Place) -> None:
    place.document["accounts"].append({"name": "beta"})
    assert faults(place, {"number": ONE, "account": "beta"}) == [
        f"access number {ONE}: account: beta is not above the extension acme/anna:travellers, to "
        "which it leads: write the account of that, or take the number out there"
    ]
    assert faults(place, {"number": ONE, "account": "nobody"}) == [
        f"access number {ONE}: account: there is no account 'nobody': put it under accounts"
    ]


def test_a_number_moves_to_another_account_with_its_extension(place: Place) -> None:
    place.document["accounts"].append({"name": "beta"})
    place.document["extensions"][0]["access_numbers"] = [TWO]
    others = {"name": "others", "account": "beta", "access_numbers": [ONE]}
    place.document["extensions"].append(others)
    place.apply()
    assert held(place) == {ONE: ("beta", None), TWO: ("anna", None)}
    written = select(AuditRow.path, AuditRow.action).where(AuditRow.subject_id == ONE)
    told = place.read(lambda tx: [tuple(row) for row in tx.execute(written.order_by("number"))])
    assert told == [("acme/anna", "created"), ("acme/anna", "updated"), ("beta", "updated")]


def test_a_destination_is_another_number(place: Place) -> None:
    (fault,) = faults(place, {"number": ONE, "destination": ONE})
    assert fault.endswith(
        "access_numbers[0].destination: is the access number itself: write another number"
    )
    (fault,) = faults(place, {"number": ONE}, {"number": ONE})
    assert "access_numbers[1].number: is there twice" in fault
