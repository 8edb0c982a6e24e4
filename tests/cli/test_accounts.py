"""`ringback accounts`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.helpers import Commands
from tests.cli.test_recharge import server

from ringback.cli.options import CommandError


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


def shown(ringback: Commands, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ringback("accounts", "show", name, "--json"))
    return found


def test_an_account_is_added_changed_and_removed(ringback: Commands) -> None:
    pairs = ("level=user", "time_zone=Europe/Paris", "limits.extensions=2", "destinations.allow=44")
    assert ringback("accounts", "add", "acme/anna", *pairs) == "created account acme/anna\n"
    found = shown(ringback, "acme/anna")
    assert (found["level"], found["contact_name"], found["time_zone"]) == (
        "user",
        "anna",
        "Europe/Paris",
    )
    assert found["limits"]["extensions"] == {"most": 2, "used": 0}
    assert found["limits"]["caller_ids"] == {"most": "unlimited", "used": 0}
    assert found["destinations"] == {"allow": ["44"]}
    assert ringback(
        "accounts", "change", "anna", "status=suspended", "limits.extensions=", "expires=2030-01-01"
    ) == (
        "account acme/anna: status enabled -> suspended\n"
        "account acme/anna: expires none -> 2030-01-01T00:00:00Z\n"
        'account acme/anna: limits {"extensions": 2} -> {}\n'
    )
    assert ringback("accounts", "change", "anna", "status=suspended") == "nothing changed\n"
    assert ringback("accounts", "change", "anna", "name=anne") == (
        "account acme/anna: name anna -> anne\n"
    )
    assert ringback("accounts", "remove", "anne") == "deleted account acme/anne\n"
    with pytest.raises(CommandError, match="there is no account 'anne'"):
        ringback("accounts", "show", "anne")


def test_faults_are_told_by_field(ringback: Commands) -> None:
    for message, command in {
        "level: must be below": ("add", "acme/bob"),
        "there is no account 'nobody'": ("add", "nobody/bob", "level=user"),
        "name: there is 'acme' already": ("add", "acme"),
        "colour: there is no such field: write one of": ("change", "acme", "colour=red"),
        "balance: is changed by ringback recharge only": ("change", "acme", "balance=5.00"),
        "guards.sessions: write a whole number": ("change", "acme", "guards.sessions=many"),
        "accounts: below it: travellers: delete them first\nbalance: it is 100.00": (
            "remove",
            "acme",
        ),
    }.items():
        with pytest.raises(CommandError) as refused:
            ringback("accounts", *command)
        assert str(refused.value).startswith(message)


def test_the_list_has_accounts_and_if_wanted_extensions(ringback: Commands) -> None:
    ringback("accounts", "add", "northline", "level=provider", "contact_name=Northline Ltd")
    ringback("accounts", "add", "northline/beta", "status=suspended")
    listed = json.loads(ringback("accounts", "list", "--json"))
    assert [each["path"] for each in listed] == ["acme", "northline", "northline/beta"]
    assert "Northline Ltd" in ringback("accounts", "list")

    def paths(*options: str) -> list[str]:
        found = json.loads(ringback("accounts", "list", "--json", *options))
        return [each["path"] for each in found]

    assert paths("--account", "northline") == ["northline/beta"]
    assert paths("--status", "suspended") == ["northline/beta"]
    assert paths("--name", "AC") == ["acme"]
    assert paths("--level", "extension") == ["acme:travellers"]


def test_what_an_account_has_is_shown(ringback: Commands) -> None:
    told = ringback("accounts", "show", "acme")
    for line in (
        "path: acme",
        "in_force.time_zone: Europe/London",
        "limits.extensions.used: 1",
        "limits.caller_ids.used: 2",
        "limits.storage_mb.most: 1024",
        "money.plan: retail",
        "money.balance: 100.00",
    ):
        assert f"{line}\n" in told
    assert shown(ringback, "acme:travellers")["level"] == "extension"


def test_an_extension_is_changed_and_removed_likewise(ringback: Commands) -> None:
    change = ("accounts", "change", "acme:travellers", "guards.sessions=3", "--json")
    (told,) = json.loads(ringback(*change))
    assert (told["kind"], told["action"]) == ("extension", "updated")
    assert told["fields"] == {"guards": [{}, {"sessions": 3}]}
    with pytest.raises(CommandError, match=r"caller_ids: with credit: \+447700900123"):
        ringback("accounts", "remove", "acme:travellers")


def test_the_running_server_is_told_of_another_credit_limit(ringback: Commands) -> None:
    ringback("accounts", "change", "acme", "plan=")
    told: list[dict[str, Any]] = []
    with server(ringback.folder / "data" / "ringback.sock", told):
        ringback("accounts", "change", "acme", "contact_name=Acme")
        ringback("accounts", "change", "acme", "credit_limit=5.00")
    assert len(told) == 1
