"""Destinations of accounts, extensions and callerIDs: within each the longest prefix decides, and
all of them must let a number pass."""

from __future__ import annotations

import pytest

from ringback.guards import destinations
from ringback.guards.settings import DEFAULTS, Destinations, Kind, Subject

LONDON, MOBILE, PARIS, GREECE = "+442071838750", "+447700900123", "+33140000000", "+302100000000"


def subject(allow: str = "", deny: str = "", kind: Kind = Kind.EXTENSION) -> Subject:
    lists = Destinations(tuple(allow.split()), tuple(deny.split()))
    return Subject(kind, "id", "secret name", DEFAULTS[kind], lists)


def permitted(*subjects: Subject) -> list[str]:
    numbers = (LONDON, MOBILE, PARIS, GREECE)
    return [number for number in numbers if destinations.refusal(subjects, number) is None]


@pytest.mark.parametrize(
    ("allow", "deny", "expected"),
    [
        ("", "", [LONDON, MOBILE, PARIS, GREECE]),
        ("44", "", [LONDON, MOBILE]),
        ("", "44", [PARIS, GREECE]),
        ("44 33", "4477", [LONDON, PARIS]),
        ("4477", "44", [MOBILE]),
        ("44", "44", []),  # deny on a tie
        ("447700900123", "", [MOBILE]),  # a whole number is a prefix too
        ("", "447700900123", [LONDON, PARIS, GREECE]),
        ("33 447700900123", "4477", [MOBILE, PARIS]),
    ],
)
def test_the_longest_prefix_decides(allow: str, deny: str, expected: list[str]) -> None:
    assert permitted(subject(allow, deny)) == expected


def test_a_number_that_one_denies_is_refused_whatever_the_others_allow() -> None:
    assert permitted(subject("447700900123"), subject(deny="44")) == []
    assert permitted(subject(deny="44"), subject("447700900123")) == []


def test_each_that_allows_some_must_allow_it() -> None:
    assert permitted(subject("44 33"), subject(), subject("33 30")) == [PARIS]
    assert permitted(subject("44"), subject("33")) == []


def test_accounts_are_not_named() -> None:
    caller_id = subject(deny="44", kind=Kind.CALLER_ID)
    account = subject(deny="44", kind=Kind.ACCOUNT)
    assert destinations.refusal([caller_id], LONDON) == (
        "not among the destinations of your callerID"
    )
    assert destinations.refusal([account], LONDON) == "not among the destinations of your provider"


def test_what_allows_a_number_names_it() -> None:
    assert destinations.allowed([subject(), subject("33")], PARIS)
    assert not destinations.allowed([subject()], PARIS), "no list is no word for it"
    assert not destinations.allowed([subject("33", "33")], PARIS)
