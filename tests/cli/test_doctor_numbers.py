"""`ringback doctor` on listed numbers that a trunk may mean otherwise, and on requests that are too
large for UDP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.cli.helpers import Commands
from tests.cli.test_doctor import apply, configure, found
from tests.e2e.ports import free_port

GERMAN, ALSO_GERMAN = "+4915123456789", "+494915123456789"


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


def trunk(**keys: Any) -> str:
    lines = {"host": '"127.0.0.1"', "port": free_port(), **keys}
    return ", ".join(f"{name}: {value}" for name, value in lines.items())


def told(ringback: Commands, words: str) -> list[str]:
    return [each for each in found(ringback, "WARNING") if words in each]


@pytest.mark.parametrize(
    ("country", "listed", "doubts"),
    [
        ('"DE"', [GERMAN], [ALSO_GERMAN]),
        ('"DE"', [ALSO_GERMAN], []),  # it comes with its 0
        ('"DE"', ["+493012345678", "+447700900123"], []),
        ('"GB"', [GERMAN, "+442079460000"], []),
        ('"US"', ["+12015550123"], ["+2015550123"]),  # Egypt
        (None, [GERMAN], []),
    ],
)
def test_a_listed_number_that_both_readings_of_a_trunk_take(
    ringback: Commands, country: str | None, listed: list[str], doubts: list[str]
) -> None:
    configure(ringback, trunk=trunk(**({} if country is None else {"country": country})))
    apply(ringback, access_numbers=["+442071838751"], caller_ids=[{"number": n} for n in listed])
    warnings = told(ringback, "may also be")
    assert len(warnings) == len(doubts)
    for line, doubt in zip(warnings, doubts, strict=True):
        assert line.startswith(f"trunk carrier: the callerID {listed[0]}, sent as ")
        assert f"may also be {doubt}: have it send callers' numbers with +" in line


def test_several_such_numbers_are_one_line(ringback: Commands) -> None:
    configure(ringback, trunk=trunk(country='"DE"'))
    callers = [{"number": f"+491512345678{last}"} for last in range(4)]
    apply(ringback, access_numbers=["+442071838751"], caller_ids=callers)
    (line,) = told(ringback, "may also be")
    assert "; and 3 more listed numbers: have it" in line


LONG_HOST = '"' + ".".join(["a" * 60] * 4) + '"'
REGISTERS = {"register": "true", "user": '"u"', "password": '"p"'}


@pytest.mark.parametrize(
    ("keys", "name", "large"),
    [
        ({}, "Acme Travel", False),
        (REGISTERS, "Acme Travel", False),
        ({"host": LONG_HOST, **REGISTERS}, "Acme Travel", True),
        ({"show_in": '"p_asserted_identity"', **REGISTERS}, "é" * 80, True),
        ({"show_in": '"p_asserted_identity"'}, "é" * 80, False),
    ],
)
def test_requests_that_are_too_large_for_udp(
    ringback: Commands, keys: dict[str, str], name: str, large: bool
) -> None:
    configure(ringback, trunk=trunk(**keys))
    account = f"accounts: [{{name: acme, contact_name: '{name}'}}]"
    ringback("apply", ringback.file(account, "name.yaml"))
    warnings = told(ringback, "bytes, and over UDP more than 1300 may be lost")
    assert bool(warnings) is large
    for line in warnings:
        size = int(line.partition("up to ")[2].partition(" ")[0])
        assert line.startswith("trunk carrier: its INVITE has up to ") and 1300 < size < 2000
