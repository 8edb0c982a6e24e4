"""Trunks and routes of a setup file."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.accounts.helpers import KEY, Place

from ringback.accounts.sealing import trunk_sealer
from ringback.accounts.setupfile import SetupError, load_setup
from ringback.store import Store
from ringback.telephony.trunks import Route
from ringback.trunks.stored import Opened, load, opened


@pytest.fixture
def place(tmp_path: Path, store: Store) -> Place:
    place = Place(tmp_path, store)
    place.document |= {
        "trunks": [
            {"name": "london-1", "host": "sip.example.net", "country": "GB", "plus": True},
            {"name": "paris", "host": "192.0.2.7", "user": "u", "password": "hush"},
        ],
        "routes": [
            {"prefix": "", "trunks": ["london-1"]},
            {"prefix": "33", "trunks": ["paris", "london-1"], "weights": [3, 1]},
        ],
    }
    return place


def there(place: Place) -> Opened:
    return opened(place.read(load), trunk_sealer(KEY))


def test_trunks_and_routes_come_to_be_and_again_nothing_changes(place: Place) -> None:
    lines = ["trunk london-1", "trunk paris", 'route ""', "route 33"]
    assert place.apply()[-4:] == [f"created {line}" for line in lines]
    assert place.apply() == []
    found = there(place)
    assert [trunk.name for trunk in found.trunks] == ["london-1", "paris"]
    assert found.trunks[1].password == "hush"
    assert found.routes == [
        Route("", ("london-1",)),
        Route("33", ("paris", "london-1"), (3, 1)),
    ]


def test_what_the_file_leaves_out_stays(place: Place) -> None:
    place.apply()
    place.document["trunks"] = [{"name": "paris", "channels": 4}]
    place.document["routes"] = [{"prefix": "33", "trunks": ["paris"], "weights": None}]
    assert place.apply() == [
        "trunk paris: channels none -> 4",
        'route 33: trunks ["paris", "london-1"] -> ["paris"]',
        "route 33: weights [3, 1] -> none",
    ]
    found = there(place)
    assert [trunk.name for trunk in found.trunks] == ["london-1", "paris"]
    assert (found.trunks[1].host, found.trunks[1].password) == ("192.0.2.7", "hush")


def test_a_dry_run_changes_nothing(place: Place) -> None:
    assert "created trunk london-1" in place.apply(dry_run=True)
    assert place.apply()[-1] == "created route 33"


def test_a_cost_plan_may_be_of_the_same_file(place: Place) -> None:
    place.document["plans"].append(
        {"name": "buying", "rates": [{"prefix": "", "price_per_minute": "0.01"}]}
    )
    place.document["trunks"][0]["cost_plan"] = "buying"
    place.apply()
    assert there(place).trunks[0].cost_plan == "buying"


def test_all_that_does_not_go_together_is_told_at_once(place: Place) -> None:
    place.apply()
    place.document["trunks"][0] |= {"register": True, "strip": 2}
    place.document["routes"][1]["trunks"] = ["london-1", "rome"]
    with pytest.raises(SetupError) as caught:
        place.apply()
    assert str(caught.value).splitlines() == [
        "trunk london-1: register: needs user and password",
        "trunk london-1: plus: only whole numbers have one: with strip or prepend set it false",
        "route 33: trunks: there is no trunk 'rome': add it, or check its spelling",
    ]
    assert place.read(load).routes[1].trunks == ("paris", "london-1"), "nothing has changed"


def test_faults_of_the_file_have_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "setup.yaml"
    path.write_text(
        "trunks:\n"
        "  - {name: a, host: h}\n"
        "  - name: a\n"
        "    port: '5060'\n"
        "    transport: tls\n"
        "    called: {plus: 'no'}\n"
        "routes:\n"
        "  - {prefix: '020', trunks: [a]}\n"
    )
    with pytest.raises(SetupError) as caught:
        load_setup(path)
    lines = [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()]
    assert [line.split(": ")[:2] for line in lines] == [
        ["4", "trunks[1].port"],
        ["5", "trunks[1].transport"],
        ["6", "trunks[1].called.plus"],
        ["8", "routes[0].prefix"],
    ]
    path.write_text("trunks: [{name: a}, {name: a}]\nroutes: [{trunks: [a]}, {trunks: [a]}]\n")
    with pytest.raises(SetupError) as caught:
        load_setup(path)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "trunks[1].name",
        "routes[1].prefix",
    ]


def test_a_password_is_taken_off_only_where_loss_is_allowed(place: Place) -> None:
    place.apply()
    place.document["trunks"][1] |= {"user": None, "password": None}
    with pytest.raises(SetupError, match="trunk paris: this would take its password off: leave it"):
        place.apply()
    assert there(place).trunks[1].password == "hush"
    assert "trunk paris: password taken off" in place.apply(allow_loss=True)
