"""Exporting what there is as a setup file."""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Connection
from tests.accounts.documents import validator
from tests.accounts.helpers import KEY, NOW, Place, extension_of
from tests.setup.exports import apply_text, export
from tests.setup.rich import RICH

from ringback.accounts.schema import setup_schema
from ringback.accounts.setupfile import SetupError
from ringback.clock import Instant
from ringback.management import places
from ringback.management.accounts import deleting
from ringback.management.actor import Actor, command_line
from ringback.management.caller_ids import verbs as caller_ids
from ringback.management.exporting import plans
from ringback.management.exporting.caller_ids import MOST
from ringback.management.naming import find_caller_id, find_place
from ringback.management.refusals import NotFound
from ringback.management.rights import MAY, Role
from ringback.management.verbs import Act
from ringback.setup import exporting
from ringback.store import InlineStore, Store


@pytest.fixture
def rich(tmp_path: Path, store: Store) -> Place:
    place = Place(tmp_path, store)
    (tmp_path / "bye.wav").write_bytes(b"bye")
    (tmp_path / "hello.wav").write_bytes(b"hello")
    place.document = copy.deepcopy(RICH)
    assert place.apply()
    return place


@pytest.fixture
def empty() -> Iterator[InlineStore]:
    store = InlineStore()
    yield store
    asyncio.run(store.close())


def test_it_applies_back_without_change(rich: Place) -> None:
    found = export(rich)
    assert found.missing == []
    assert apply_text(found.text, rich.store, rich.folder) == []


def test_applied_to_an_empty_server_it_is_exported_again_the_same(
    rich: Place, empty: InlineStore
) -> None:
    text = export(rich).text
    assert "  - {name: carrier, preset: didww, sources: [], trust_pai: false}\n" in text
    assert apply_text(text, empty, rich.folder)
    again = Place(rich.folder, empty)
    assert export(again).text == text
    again.document = rich.document
    assert again.apply() == []  # so all that it says has been in the export


def test_the_schema_takes_it(rich: Place) -> None:
    document = yaml.safe_load(export(rich).text)
    (acme,) = (each for each in document["accounts"] if each.get("parent") == "northline")
    assert acme["contact_name"] == RICH["accounts"][2]["contact_name"]
    assert list(validator(setup_schema()).iter_errors(document)) == []


def test_it_is_the_same_each_time(rich: Place) -> None:
    assert export(rich).text == export(rich).text


def test_secrets_and_money_stay_and_are_not_in_it(place: Place, empty: InlineStore) -> None:
    extension_of(place)["callback"] = {"return_calls": "caller", "require_caller_pin": False}
    place.document["trunks"] = [
        {"name": "a", "host": "192.0.2.7", "user": "u", "password": "0815-secret", "register": True}
    ]
    place.apply()
    text = export(place).text
    for secret in ("0815", "0042", "100.00", "5.00", "A-1"):
        assert secret not in text
    assert apply_text(text, place.store, place.folder) == []
    with pytest.raises(SetupError) as caught:
        apply_text(text, empty, place.folder)
    assert [line.split(": ")[:2] for line in str(caught.value).split("\n")] == [
        ["extension travellers", "callback.open_to_anyone"],
        ["trunk a", "register"],
        ["trunk a", "password"],
    ]
    assert "  # it has a password: elsewhere, set callback.password\n  - name: travellers" in text
    assert "  # it has a password: elsewhere, set password\n  - {name: a," in text


def test_many_rates_are_exported_apart(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "LARGEST_RATES", 0)
    found = export(place)
    told = "its 1 rates are not in it: ringback rates export RATES.csv --plan admin:retail"
    assert found.missing == [f"plan admin:retail: {told}"]
    assert f"  # {told}\n  - {{name: retail," in found.text
    assert "rates:" not in found.text
    assert apply_text(found.text, place.store, place.folder) == []


def test_a_plan_that_a_file_would_take_for_another_is_not_named(place: Place) -> None:
    place.document["accounts"] = [{"name": "anna", "parent": "acme", "plan": "retail"}]
    place.apply()
    place.document = {"plans": [{"name": "retail", "account": "acme"}]}
    place.apply()
    found = export(place)
    assert found.missing == [
        "account acme/anna: its plan is not named: a nearer account has one that is called "
        "retail, too"
    ]
    assert apply_text(found.text, place.store, place.folder) == []


def test_many_caller_ids_come_page_by_page(place: Place) -> None:
    numbers = [f"+4477009{n:05}" for n in range(2 * MOST)]
    extension_of(place)["caller_ids"] = [{"number": number} for number in numbers]
    place.apply()
    document = yaml.safe_load(export(place).text)
    (extension,) = document["extensions"]
    found = [each["number"] for each in extension["caller_ids"]]
    assert found == sorted({*numbers, "+447700900123"})


@pytest.mark.parametrize("most", ["LARGEST_BYTES", "MOST_VALUES"])
def test_what_no_file_can_hold_is_told(
    place: Place, monkeypatch: pytest.MonkeyPatch, most: str
) -> None:
    monkeypatch.setattr(exporting, most, 20)
    assert export(place).missing == [
        "it is larger than ringback apply takes: divide it into several files"
    ]


def test_sounds_are_left_out_without_a_folder_or_a_file(rich: Place) -> None:
    found = export(rich, sounds=False)
    assert found.missing == ["sounds: 3 are not in it: write to a file"]
    assert "\nsounds:" not in found.text
    assert apply_text(found.text, rich.store, rich.folder) == []
    for file in rich.sounds.iterdir():
        file.unlink()
    assert export(rich).missing == ["sounds: 3 are not in it: their files are not there"]


def test_what_has_been_deleted_is_not_in_it(place: Place) -> None:
    place.document = {
        "accounts": [{"name": "gone", "parent": "acme", "level": "user"}],
        "extensions": [
            {"name": "gone", "account": "anna", "caller_ids": [{"number": "+447700900999"}]},
            {"name": "travellers", "account": "anna", "caller_ids": [{"number": "+447700900888"}]},
        ],
        "plans": [{"name": "gone", "account": "acme/gone"}],
        "access_numbers": [{"number": "+442079460005", "account": "acme/gone"}],
    }
    place.apply()
    text = export(place).text
    assert "gone" in text and "+447700900888" in text

    def delete(tx: Connection) -> None:
        act = Act(tx, command_line(tx, NOW), NOW, random.Random(3), KEY)
        for path in ("acme/anna:gone", "acme/gone"):
            deleting.remove(act, find_place(tx, act.actor, path).id)
        caller_ids.delete(act, find_caller_id(tx, act.actor, "+447700900888", "GB").id)

    place.run(delete)
    text = export(place).text
    assert "gone" not in text and "+447700900888" not in text and "+447700900999" not in text
    assert '{number: "+442079460005", account: acme}' in text
    assert apply_text(text, place.store, place.folder) == []


def test_a_tenant_exports_what_is_its_own(rich: Place) -> None:
    rich.document = {
        "accounts": [{"name": "beta", "parent": "northline"}],
        "extensions": [
            {
                "name": "phones",
                "account": "northline/beta",
                "access_numbers": ["+442079460007"],
                "caller_ids": [{"number": "+447700900777"}],
            }
        ],
        "plans": [{"name": "beta plan", "account": "northline/beta"}],
    }
    rich.apply()

    def find(path: str) -> str:
        return rich.read(lambda tx: find_place(tx, command_line(tx, NOW), path).id)

    acme, beta = find("northline/acme"), find("northline/beta")

    def who(tx: Connection, now: Instant) -> Actor:
        return Actor("me", {acme: MAY[Role.READER]})

    text = export(rich, who=who, account_id=acme).text
    document = yaml.safe_load(text)
    assert [each["name"] for each in document["accounts"]] == ["acme", "no"]
    assert document["accounts"][1]["parent"] == "acme"
    assert [each["account"] for each in document["extensions"]] == ["acme", "acme/no"]
    assert {*document} == {"accounts", "extensions", "access_numbers", "sounds"}
    for name in ("northline", "Nightly", "beta", "phones", "+442079460007", "+447700900777"):
        assert name not in text
    top = rich.read(places.top)
    for other in (beta, top, "nowhere"):
        with pytest.raises(NotFound):
            export(rich, who=who, account_id=other)
