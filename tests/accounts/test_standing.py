"""Whether extensions and callerIDs may be used at an instant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ringback.accounts import standing
from ringback.accounts.tree import CallerIdFacts
from ringback.guards.settings import Destinations, Guards, Kind, Subject
from ringback.levels import Level

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC).timestamp()


def level(name: str, kind: str = "organization") -> Level:
    return Level(
        id=f"id of {name}",
        level=kind,
        name=name,
        ledger_id="",
        suspended=False,
        expires=None,
        deleted=None,
        contact_name="",
        country="GB",
        language="en",
        time_zone="Europe/London",
        plan=None,
        guards={},
        destinations={},
    )


CHAIN = [level("travellers", "extension"), level("acme"), level("northline", "provider")]
CALLER = CallerIdFacts(
    id="id of c",
    number="+447700900123",
    enabled=True,
    expires=None,
    deleted=None,
    pin_mac=None,
    ledger_id="",
    language=None,
    speed_dials={},
    last_number=None,
    guarded=Subject(Kind.CALLER_ID, "id of c", "", Guards(None, None), Destinations()),
)


def test_what_stands_may_be_used() -> None:
    assert standing.of_extension(CHAIN, NOON) is None
    assert standing.of_caller_id(CALLER, "Europe/London", NOON) is None


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"suspended": True}, "is suspended"),
        ({"deleted": 5.0, "suspended": True, "expires": 5.0}, "is deleted"),
        ({"expires": NOON}, "expired on 2026-07-01 at 13:00 (Europe/London)"),
        ({"expires": NOON, "suspended": True}, "is suspended"),
        ({"expires": NOON + 0.001}, None),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_each_level_of_the_chain_counts(
    changed: dict[str, object], why: str | None, place: int
) -> None:
    chain = list(CHAIN)
    chain[place] = replace(chain[place], **changed)  # type: ignore[arg-type]
    found = standing.of_extension(chain, NOON)
    assert (None if found is None else found.why) == why
    if found is not None:
        assert (found.id, found.name) == (chain[place].id, chain[place].name)
        assert found.kind is (Kind.ACCOUNT if place else Kind.EXTENSION)


def test_the_nearest_is_named() -> None:
    found = standing.of_extension([replace(each, suspended=True) for each in CHAIN], NOON)
    assert found is not None and found.kind is Kind.EXTENSION


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"enabled": False}, "is disabled"),
        ({"deleted": 5.0, "enabled": False}, "is deleted"),
        ({"expires": NOON}, "expired on 2026-07-01 at 14:00 (Europe/Paris)"),
        ({"expires": NOON + 0.001}, None),
    ],
)
def test_a_caller_id(changed: dict[str, object], why: str | None) -> None:
    who = replace(CALLER, **changed)  # type: ignore[arg-type]
    found = standing.of_caller_id(who, "Europe/Paris", NOON)
    assert (None if found is None else found.why) == why


def test_an_explanation_names_no_account() -> None:
    """Whoever reads it may be below that account, which does not exist for them."""
    chain = [*CHAIN[:2], replace(CHAIN[2], expires=5.0)]
    found = standing.of_extension(chain, NOON)
    assert found is not None and "northline" in str(found)
    assert "northline" not in found.explained() and "1970" not in found.explained()
