"""`ringback extensions` and `ringback access-numbers`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.helpers import Commands
from typer.testing import CliRunner

from ringback.cli.app import app
from ringback.cli.options import CommandError

ONE, TWO = "+442071838750", "+442079460001"
TRAVELLERS = "acme:travellers"


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


def shown(ringback: Commands, name: str = TRAVELLERS) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ringback("extensions", "show", name, "--json"))
    return found


def refused(ringback: Commands, *command: str) -> str:
    with pytest.raises(CommandError) as found:
        ringback(*command)
    return str(found.value)


def test_an_extension_is_added_changed_and_removed(ringback: Commands) -> None:
    assert ringback("access-numbers", "add", "020 7946 0001", "account=acme") == (
        f"created access number {TWO} of acme\n"
    )
    hours = '[{"days": ["mon"], "from": "08:00", "to": "18:00"}]'
    pairs = (f"access_numbers={TWO}", "callback.ring_seconds=8", f"callback.hours={hours}")
    assert ringback("extensions", "add", "acme:sales", "language=fr", *pairs) == (
        "created extension acme:sales\n"
        "extension acme:sales: ring_seconds 5 -> 8\n"
        f"extension acme:sales: hours none -> {hours}\n"
        f'extension acme:sales: access_numbers [] -> ["{TWO}"]\n'
    )
    found = shown(ringback, "acme:sales")
    assert (found["language"], found["access_numbers"]) == ("fr", [TWO])
    assert found["callback"]["hours"] == json.loads(hours)
    shown_number = ("callback.caller_id_number.set_by=user", "callback.caller_id_number.value=")
    changed = ringback(
        "extensions", "change", "acme:sales", "name=sale", shown_number[0], shown_number[1] + TWO
    )
    assert changed.splitlines()[0] == "extension acme:sales: name sales -> sale"
    assert shown(ringback, "acme:sale")["callback"]["caller_id_number"]["value"] == TWO
    listed = ringback("extensions", "list").splitlines()
    assert [line.split() for line in listed[1:]] == [
        ["acme:sale", TWO, "authorized", "enabled"],
        [TRAVELLERS, ONE, "authorized", "enabled"],
    ]
    assert ringback("extensions", "remove", "acme:sale") == "deleted extension acme:sale\n"
    assert refused(ringback, "extensions", "show", "acme:sale") == (
        "there is no extension 'acme:sale'"
    )
    assert refused(ringback, "extensions", "remove", "acme").startswith("there is no extension")


def test_a_password_is_asked_for_and_not_shown(ringback: Commands) -> None:
    config = str(ringback.folder / "ringback.toml")
    command = ["extensions", "change", TRAVELLERS, "callback.password=-", "--json"]
    run = CliRunner().invoke(app, [*command, "--config", config], input="0042\n")
    (change,) = json.loads(run.stdout)
    assert (change["fields"], change["secrets"]) == ({}, {"password": "set"})
    assert "0042" not in run.output + ringback("extensions", "show", TRAVELLERS)
    assert shown(ringback)["callback"]["password_set"] is True
    assert ringback("extensions", "change", TRAVELLERS, "callback.password=") == (
        f"extension {TRAVELLERS}: password taken off\n"
    )


def test_all_faults_are_told_by_field(ringback: Commands) -> None:
    pairs = ("status=asleep", "access_numbers=+442079460009", "callback.return_calls=fixed")
    assert [line.partition(": ")[0] for line in
            refused(ringback, "extensions", "change", TRAVELLERS, *pairs).splitlines()] == [
        "status",
        "access_numbers[0]",
        "callback.fixed_number",
        "callback.open_to_anyone",
    ]  # fmt: skip
    for message, command in {
        "callback.colour: there is no such field": ("change", TRAVELLERS, "callback.colour=red"),
        "callback.hours: write a list of tables": ("change", TRAVELLERS, "callback.hours=mon"),
        "write ACCOUNT:NAME": ("add", "sales"),
        "name: there is 'travellers' already": ("add", TRAVELLERS),
    }.items():
        assert message in refused(ringback, "extensions", *command)
    path = "callback.disconnect_sound=//bye.wav"
    ringback("extensions", "change", TRAVELLERS, path)
    assert (
        "hint: callback.disconnect_sound: there is no sound //bye.wav: it is skipped until there is"
        in ringback("extensions", "show", TRAVELLERS)
    )


def test_numbers_are_read_as_dialled_in_the_country_of_the_account(ringback: Commands) -> None:
    ringback("accounts", "add", "paris", "country=FR")
    ringback("access-numbers", "add", "+33123456789", "account=paris")
    ringback("extensions", "add", "paris:phones", "access_numbers=01 23 45 67 89")
    shown_number = "callback.caller_id_number."
    pairs = ("access_numbers=020 7183 8750", f"{shown_number}set_by=user", f"{shown_number}value=")
    ringback("extensions", "change", "travellers", *pairs[:2], f"{pairs[2]}020 7183 8750")
    opened = ("callback.open_to_anyone=yes", "callback.return_calls=fixed")
    ringback("extensions", "change", "phones", *opened, "callback.fixed_number=01 23 45 67 80")
    assert shown(ringback, "paris:phones")["access_numbers"] == ["+33123456789"]
    assert shown(ringback, "phones")["callback"]["fixed_number"] == "+33123456780"
    assert shown(ringback)["callback"]["caller_id_number"]["value"] == ONE
    for command in (("callback.fixed_number=12",), ("access_numbers=12",)):
        assert "write the number with + and its country code" in refused(
            ringback, "extensions", "change", TRAVELLERS, *command
        )


def test_what_is_set_at_first_is_refused_with_where_it_is_changed(ringback: Commands) -> None:
    for command, told in {
        ("accounts", "change", "acme", "level=user"): "level: cannot be changed",
        ("accounts", "change", "acme", "balance=5"): "balance: is changed by ringback recharge",
        ("accounts", "add", "beta", "parent=acme"): "parent: write the path before it",
        ("extensions", "change", "travellers", "balance=5"): "balance: is changed by",
        ("access-numbers", "add", TWO, "extension=travellers"): "ringback access-numbers change",
    }.items():
        assert told in refused(ringback, *command)


def test_numbers_are_handed_led_and_removed(ringback: Commands) -> None:
    def change(*pairs: str) -> list[str]:
        return ringback("access-numbers", "change", ONE, *pairs).splitlines()

    ringback("accounts", "add", "acme/anna", "level=user")
    ringback("extensions", "add", "anna:phones")
    assert change("account=anna", "extension=anna:phones", "destination=020 7946 0009") == [
        f'extension {TRAVELLERS}: access_numbers ["{ONE}"] -> []',
        f"access number {ONE} of acme: account acme -> acme/anna",
        f"access number {ONE} of acme/anna: account none -> anna",
        f'extension acme/anna:phones: access_numbers [] -> ["{ONE}"]',
        f"access number {ONE} of acme/anna: destination none -> +442079460009",
    ]
    (found,) = json.loads(ringback("access-numbers", "list", "--json"))
    assert found == {
        "number": ONE,
        "account": "acme/anna",
        "extension": "acme/anna:phones",
        "position": 0,
        "destination": "+442079460009",
    }
    command = ("access-numbers", "remove", ONE)
    assert "the number leads to the extension acme/anna:phones" in refused(ringback, *command)
    change("extension=", "destination=")
    assert ringback(*command) == f"deleted access number {ONE} of acme/anna\n"
    assert refused(ringback, *command) == "there is no such access number"
    assert json.loads(ringback("access-numbers", "list", "--json")) == []
