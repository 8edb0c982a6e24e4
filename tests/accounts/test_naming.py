"""Who is meant by a name."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.accounts.helpers import Place

from ringback.accounts.naming import BadName, NamedPayer, find_payer
from ringback.store import Store

MOBILE, OTHER = "+447700900123", "+33612345678"


@pytest.fixture
def place(tmp_path: Path, store: Store) -> Place:
    """northline > acme > anna, who has two extensions with one callerID in common."""
    place = Place(tmp_path, store)
    place.document["accounts"] = [
        {"name": "northline", "level": "provider", "time_zone": "Europe/Paris"},
        {"name": "acme", "parent": "northline", "country": "GB"},
        {"name": "anna", "parent": "acme", "level": "user"},
    ]
    place.document["plans"] = []
    place.document["extensions"] = [
        {"name": "drivers", "account": "anna", "caller_ids": [{"number": MOBILE}]},
        {
            "name": "travellers",
            "account": "anna",
            "caller_ids": [{"number": MOBILE}, {"number": OTHER}],
        },
    ]
    place.apply(home_country="FR")
    return place


def find(place: Place, name: str) -> NamedPayer:
    return place.read(lambda tx: find_payer(tx, name, "FR"))


@pytest.mark.parametrize("name", ["acme", "northline/acme"])
def test_an_account_by_its_path_or_its_name(place: Place, name: str) -> None:
    found = find(place, name)
    assert (found.name, found.time_zone) == ("northline/acme", "Europe/Paris")
    assert not found.is_caller_id


def test_the_administrator_has_no_path(place: Place) -> None:
    assert find(place, "admin").name == "admin"
    assert find(place, "northline").name == "northline"


@pytest.mark.parametrize(
    "name",
    [
        f"northline/acme/anna:drivers:{MOBILE}",
        f"anna:drivers:{MOBILE}",
        "anna:drivers:07700 900123",  # as dialled in the extension's country
    ],
)
def test_a_caller_id_by_its_extension(place: Place, name: str) -> None:
    drivers, travellers = find(place, name), find(place, f"anna:travellers:{MOBILE}")
    assert drivers.name == travellers.name == MOBILE
    assert drivers.ledger_id != travellers.ledger_id
    assert drivers.is_caller_id and drivers.time_zone == "Europe/Paris"


@pytest.mark.parametrize("name", [OTHER, "06 12 34 56 78", "0033612345678"])
def test_a_caller_id_by_its_number_where_one_extension_has_it(place: Place, name: str) -> None:
    assert find(place, name).name == OTHER


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nobody", "there is no account 'nobody', and as a number: 'nobody' is no number"),
        ("acme/anna", "there is no account 'acme/anna'"),
        ("admin/northline", "there is no account"),
        ("", "there is no account ''"),
        ("+33612345679", r"there is no callerID \+33612345679"),
        (
            MOBILE,
            r"several extensions have the callerID \+447700900123: write one of "
            r"northline/acme/anna:drivers:\+447700900123, northline/acme/anna:travellers:",
        ),
        (f"nobody:drivers:{MOBILE}", "there is no account 'nobody'"),
        (f"anna:nothing:{MOBILE}", "the account 'anna' has no extension 'nothing'"),
        (f"anna:drivers:{OTHER}", r"the extension 'drivers' of 'anna' has no callerID \+336123"),
        ("anna:drivers:12", "the callerID: 12 "),
        ("anna:drivers", "there is no account 'anna:drivers'"),
    ],
)
def test_nobody_is_meant_or_several_are(place: Place, name: str, message: str) -> None:
    with pytest.raises(BadName, match=message):
        find(place, name)
