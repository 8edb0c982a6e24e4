"""Who is meant by a name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection
from tests.accounts.helpers import NOW, Place

from ringback.management.actor import Actor, command_line
from ringback.management.naming import NamedCallerId, find_payer
from ringback.management.refusals import NotFound
from ringback.management.rights import MAY, Role
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


@dataclass(frozen=True)
class Found:
    """Whom a name means."""

    name: str
    place: str
    """The path of the account or extension."""
    is_caller_id: bool


def find(place: Place, name: str) -> Found:
    def work(tx: Connection) -> Found:
        payer = find_payer(tx, command_line(tx, NOW), name, "FR")
        if isinstance(payer, NamedCallerId):
            return Found(payer.number, payer.place.path, True)
        return Found(payer.path, payer.path, False)

    return place.read(work)


@pytest.mark.parametrize("name", ["acme", "northline/acme"])
def test_an_account_by_its_path_or_its_name(place: Place, name: str) -> None:
    found = find(place, name)
    assert found.name == "northline/acme"
    assert not found.is_caller_id


def test_an_extension_by_its_account(place: Place) -> None:
    assert find(place, "anna:drivers").name == "northline/acme/anna:drivers"


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
    assert drivers.place == "northline/acme/anna:drivers"
    assert travellers.place == "northline/acme/anna:travellers"
    assert drivers.is_caller_id


@pytest.mark.parametrize("name", [OTHER, "06 12 34 56 78", "0033612345678"])
def test_a_caller_id_by_its_number_where_one_extension_has_it(place: Place, name: str) -> None:
    assert find(place, name).name == OTHER


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nobody", "there is no account 'nobody'"),
        ("acme/anna", "there is no account 'acme/anna'"),
        ("", "there is no account ''"),
        ("+33612345679", r"there is no callerID '\+33612345679'"),
        (
            MOBILE,
            r"callerID '\+447700900123' may be several: write one of "
            r"northline/acme/anna:drivers:\+447700900123, northline/acme/anna:travellers:",
        ),
        (f"nobody:drivers:{MOBILE}", "there is no account 'nobody'"),
        (f"anna:nothing:{MOBILE}", "there is no extension 'anna:nothing'"),
        (f"anna:drivers:{OTHER}", "there is no callerID 'anna:drivers:\\+33612345678'"),
        ("anna:drivers:12", "there is no callerID 'anna:drivers:12': 12 "),
    ],
)
def test_nobody_is_meant_or_several_are(place: Place, name: str, message: str) -> None:
    with pytest.raises(NotFound, match=message):
        find(place, name)


def test_a_tenant_writes_paths_from_its_own_account_on(place: Place) -> None:
    """What lies above it is neither asked for, nor confirmed to who guesses it."""

    def work(tx: Connection) -> Actor:
        acme = find_payer(tx, command_line(tx, NOW), "acme", "GB")
        return Actor("me@acme.example", {acme.id: MAY[Role.OWNER]})

    owner = place.read(work)

    def found(text: str) -> str:
        return place.read(lambda tx: find_payer(tx, owner, text, "GB").id)

    assert found("acme/anna") == found("anna")
    for guessed in ("northline/acme", "northline/acme/anna", "northline"):
        with pytest.raises(NotFound):
            found(guessed)
    with pytest.raises(NotFound) as several:
        found(MOBILE)
    assert "write one of acme/anna:drivers:+44" in str(several.value)
    assert "northline" not in str(several.value)
