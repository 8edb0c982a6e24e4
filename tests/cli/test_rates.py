"""`ringback rates`."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.helpers import Commands

from ringback.cli.options import CommandError

CARRIER = "Dialcode;Rate;Country\n44;0.03;UK\n4420;0.04;London\n"
MAPPING = [
    part for each in ("prefix=Dialcode", "price_per_minute=Rate") for part in ("--column", each)
]
HEADER = "prefix,setup,first_block,first_price,next_block,price_per_minute,valid_from,valid_to\n"


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


def test_import_says_what_changed_and_again_changes_nothing(ringback: Commands) -> None:
    file = ringback.file(CARRIER)
    told = ringback("rates", "import", file, "--plan", "retail", *MAPPING, "--dry-run")
    assert told == (
        "columns not used: Country\ndry run: plan retail: 2 rates: 2 added, 1 taken out\n"
    )
    assert ringback("rates", "export", "--plan", "retail") == HEADER + "44,0.00,60,0.02,10,0.02,,\n"
    told = ringback("rates", "import", file, "--plan", "retail", *MAPPING)
    assert told.endswith("\nplan retail: 2 rates: 2 added, 1 taken out\n")
    told = ringback("rates", "import", file, "--plan", "retail", *MAPPING)
    assert told.endswith("\nplan retail: nothing changed: 2 rates\n")


def test_a_deck_of_prices_a_minute(ringback: Commands) -> None:
    """Its first price is left out: checked, and exported, as what its seconds cost."""
    file = ringback.file("Dialcode,Rate,Init,Inc\n44,0.6000000,1,1\n")
    columns = ["--column", "first_block=Init", "--column", "next_block=Inc"]
    ringback("rates", "import", file, "--plan", "retail", *MAPPING, *columns)
    told = ringback("rates", "check", "+442079460000")
    assert "  1 minute costs 0.60 (1 s at 0.60/min, 59 × 1 s at 0.60/min)\n" in told
    exported = HEADER + "44,0.00,1,,1,0.60,,\n"
    assert ringback("rates", "export", "--plan", "retail") == exported
    told = ringback("rates", "import", ringback.file(exported), "--plan", "retail")
    assert told.endswith("nothing changed: 1 rates\n")


def test_a_terminal_does_not_obey_a_carriers_file(ringback: Commands) -> None:
    file = ringback.file("prefix,first_price,price_per_minute,\x1b[2Jx\n44,1,1,\n")
    told = ringback("rates", "import", file, "--plan", "retail", "--dry-run")
    assert told.startswith("columns not used: '\\x1b[2Jx'\n")


def test_an_export_imports_back_the_same(ringback: Commands) -> None:
    text = HEADER + (
        ",0.00,60,1.00,10,1.00,,\n"
        "44,0.05,30,0.000125,6,0.02,,2026-01-01T00:00:00Z\n"
        "44,0.05,30,0.000125,6,0.03,2026-01-01T00:00:00Z,\n"
    )
    told = ringback("rates", "import", ringback.file(text), "--plan", "retail")
    assert told.startswith("there is a rate without a prefix: it is for every number")
    exported = ringback.folder / "exported.csv"
    ringback("rates", "export", str(exported), "--plan", "retail")
    assert exported.read_bytes() == text.encode()
    told = ringback("rates", "import", str(exported), "--plan", "retail")
    assert told.endswith("nothing changed: 3 rates\n")


def test_rates_that_no_call_can_have_are_named(ringback: Commands) -> None:
    """They hold for nothing, and who wrote them meant something."""
    prefixes = ["44", "440", "4402079", "390", "39", "999", "21", "210", "1", "8"]
    file = ringback.file(HEADER + "".join(f"{prefix},,,,,1,,\n" for prefix in prefixes))
    told = ringback("rates", "import", file, "--plan", "retail", "--dry-run")
    assert told.startswith("prefixes that no number begins with: 4, such as 210, 440, 4402079: ")
    file = ringback.file(HEADER + "44,,,,,1,,\n390,,,,,1,,\n")
    assert "no number begins" not in ringback("rates", "import", file, "--plan", "retail")


def test_one_bad_line_and_nothing_changes(ringback: Commands) -> None:
    file = ringback.file(CARRIER + "33;0,05;France\n" + "34;;Spain\n" * 60)
    for dry_run in ([], ["--dry-run"]):
        with pytest.raises(CommandError) as caught:
            ringback("rates", "import", file, "--plan", "retail", *MAPPING, *dry_run)
        told = str(caught.value).split("\n")
        assert told[0].startswith(f"{file}: line 4: price_per_minute: '0,05' is not an amount")
        assert told[-2:] == [f"{file}: and 11 more bad lines", "nothing has changed"]
        assert len(told) == 52
    assert ringback("rates", "export", "--plan", "retail") == HEADER + "44,0.00,60,0.02,10,0.02,,\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plan", "retial"], "there is no (such )?plan 'retial'"),
        (["--plan", "retail", "--column", "Dialcode"], "write COLUMN=NAME, where COLUMN is one"),
        (["--plan", "retail", "--column", "prefx=Dialcode"], "one of prefix, setup"),
        (["--plan", "retail", *MAPPING, "--column", "prefix=x"], "prefix is given twice"),
    ],
)
def test_wrong_arguments(ringback: Commands, arguments: list[str], message: str) -> None:
    file = ringback.file(HEADER + "44,,,1,,1,,\n")
    with pytest.raises(CommandError, match=message):
        ringback("rates", "import", file, *arguments)


def test_check_says_which_rate_applies_and_why(ringback: Commands) -> None:
    text = HEADER + (
        "44,0.05,60,0.02,10,0.02,,\n"
        "4420,0,60,0.04,10,0.04,,2026-01-01T00:00:00Z\n"
        "4420,0,60,0.05,10,0.05,2026-12-01T00:00:00Z,2027-01-01T00:00:00Z\n"
    )
    ringback("rates", "import", ringback.file(text), "--plan", "retail")
    at = ("--at", "2026-06-01")
    told = ringback("rates", "check", "020 7946 0000", *at)
    assert told == (
        "plan retail: +442079460000 has the rate of prefix 44, always valid\n"
        "  1 minute costs 0.07 (setup 0.05, 60 s at 0.02)\n"
        "  5 minutes cost 0.15 (setup 0.05, 60 s at 0.02, 24 × 10 s at 0.02/min)\n"
        "  not by prefix 4420: it was valid to 2026-01-01T00:00:00Z\n"
        "  not by prefix 4420: it is valid from 2026-12-01T00:00:00Z\n"
    )
    assert ringback("rates", "check", "+442079460000", "--extension", "travellers", *at) == told
    told = ringback("rates", "check", "+442079460000", "--plan", "retail", "--at", "2026-12-01")
    assert told.startswith(
        "plan retail: +442079460000 has the rate of prefix 4420, valid from 2026-12-01T00:00:00Z, "
        "valid to 2027-01-01T00:00:00Z\n  1 minute costs 0.05"
    )
    told = ringback("rates", "check", "+33123456789")
    assert told == (
        "plan retail: +33123456789 has no valid rate: calls to it are refused, no_rate\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["12"], "12 has the wrong length|lacks its area code"),
        (["+442079460000", "--extension", "x"], "there is no (such )?extension 'x'"),
        (["+442079460000", "--extension", "travellers", "--plan", "retail"], "not both"),
        (["+442079460000", "--at", "soon"], "'soon' is not a time"),
    ],
)
def test_what_cannot_be_checked(ringback: Commands, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        ringback("rates", "check", *arguments)
