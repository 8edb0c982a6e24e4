"""`ringback plans`, and rates copied from one to another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.helpers import Commands

from ringback.cli.options import CommandError


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


def test_a_plan_is_added_changed_shown_and_removed(ringback: Commands) -> None:
    fields = ("kind=postpaid", "limit=50", "special_prefixes=44900,44871", "packages=44:100,33:5")
    told = ringback("plans", "add", "acme:gold", *fields)
    assert told == "created plan gold of acme\n"
    assert ringback("plans", "show", "acme:gold") == (
        "name: gold\n"
        "kind: postpaid\n"
        "limit: 50.00\n"
        "special_prefixes: 44900, 44871\n"
        "packages: 44:100, 33:5\n"
        "account: acme\n"
        "given: no\n"
        "rates: 0\n"
        "loaded: none\n"
        "given_to: none\n"
    )
    told = ringback("plans", "change", "gold", "limit=5.00", "special_prefixes=", "packages=")
    assert told == (
        "plan gold of acme: limit 50.00 -> 5.00\n"
        'plan gold of acme: special_prefixes ["44900", "44871"] -> []\n'
        'plan gold of acme: packages [{"minutes": 100, "prefix": "44"}, '
        '{"minutes": 5, "prefix": "33"}] -> []\n'
    )
    assert ringback("plans", "change", "gold", "limit=5.00") == "nothing changed\n"
    told = ringback("plans", "change", "gold", "name=silver", "--json")
    (changed,) = json.loads(told)
    assert (changed["action"], changed["fields"]) == ("updated", {"name": ["gold", "silver"]})
    assert ringback("plans", "remove", "silver") == "deleted plan silver of acme\n"
    assert "silver" not in ringback("plans", "list")


def test_plans_are_listed_by_whoever_has_them(ringback: Commands) -> None:
    ringback("plans", "add", "acme:gold")
    found = json.loads(ringback("plans", "list", "--account", "acme", "--json"))
    assert [(each["name"], each["account"], each["given"], each["rates"]) for each in found] == [
        ("gold", "acme", False, 0),
        ("retail", "admin", True, 1),
    ]
    (line,) = [each for each in ringback("plans", "list").splitlines() if "retail" in each]
    assert line.split() == ["retail", "admin", "prepaid", "0.00", "1"]
    found = json.loads(ringback("plans", "show", "retail", "--json"))
    assert (found["given_to"], found["kind"]) == (["acme"], "prepaid")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("remove", "retail"), "given_to: acme has it: give it another plan"),
        (("remove", "gold"), "there is no (such )?plan 'gold'"),
        (("change", "retail", "limit=5.00"), "limit: goes with kind: postpaid only"),
        (("change", "retail", "rates=44"), "rates: write one of name, kind, limit, special"),
        (("change", "retail", "packages=44"), "packages: '44': write PREFIX:MINUTES"),
        (("add", "retail"), "name: there is a plan 'retail' already"),
        (("add", "beta:gold"), "there is no (such )?account 'beta'"),
    ],
)
def test_what_cannot_be_done(ringback: Commands, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        ringback("plans", *arguments)


def test_rates_are_copied_with_a_factor_and_an_amount(ringback: Commands) -> None:
    ringback("plans", "add", "acme:gold")
    marked_up = ("rates", "copy", "retail", "--plan", "gold", "--factor", "1.5", "--amount", "0.01")
    told = ringback(*marked_up, "--dry-run")
    assert told == "dry run: plan gold: 1 rates: 1 added, 0 taken out\n"
    told = ringback(*marked_up, "--dry-run", "--json")
    counts = {"before": 0, "after": 1, "added": 1, "taken_out": 0, "lost": 0}
    assert json.loads(told) == counts
    assert ringback(*marked_up) == "plan gold: 1 rates: 1 added, 0 taken out\n"
    assert ringback(*marked_up) == "plan gold: nothing changed: 1 rates\n"
    told = ringback("rates", "export", "--plan", "acme:gold")
    assert told.splitlines()[1] == "44,0.00,60,0.04,10,0.04,,"
    told = ringback("rates", "check", "+442079460000")
    assert [line for line in told.splitlines() if line.startswith("plan")] == [
        "plan gold of acme: +442079460000 has the rate of prefix 44, always valid",
        "plan retail: +442079460000 has the rate of prefix 44, always valid",
    ]
    (found,) = json.loads(ringback("rates", "check", "+442079460000", "--plan", "gold", "--json"))
    assert found["rate"]["first_price"] == "0.04"


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--factor", "1,5", "--factor: '1,5' is not an amount"),
        ("--factor", "0", "factor: must be above 0"),
        ("--amount", "-0.01", "amount: must not be below 0"),
    ],
)
def test_copies_that_make_no_sense(
    ringback: Commands, option: str, value: str, message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        ringback("rates", "copy", "retail", "--plan", "retail", f"{option}={value}")


def test_a_loss_of_rates_is_done_on_purpose_only(ringback: Commands) -> None:
    file = ringback.file("prefix,price_per_minute\n33,0.05\n")
    for dry_run in ([], ["--dry-run"]):
        with pytest.raises(CommandError, match="would take out 1 of its 1 rates"):
            ringback("rates", "import", file, "--plan", "retail", *dry_run)
    told = ringback("rates", "import", file, "--plan", "retail", "--allow-loss")
    assert told == "plan retail: 1 rates: 1 added, 1 taken out\n"
