"""KEY=VALUE, as commands read them."""

from __future__ import annotations

import pytest

from ringback.accounts.entries import AccountEntry, CallerIdEntry
from ringback.accounts.extension_entry import NewExtension
from ringback.cli.options import CommandError
from ringback.cli.pairs import read_pairs
from ringback.faults import Section


@pytest.mark.parametrize(
    ("kind", "pairs", "told"),
    [
        (NewExtension, ["callback.ring_second=5"], "write one of callback.ring_seconds, "),
        (AccountEntry, ["limits=5"], "write one of limits.extensions, limits.caller_ids, "),
        (AccountEntry, ["colour=red"], "guards.sessions, "),
        (CallerIdEntry, ["speed_dials=1"], "speed_dials: write speed_dials.KEY=VALUE"),
        (AccountEntry, ["name=a", "name=a"], "name: is there twice"),
        (
            AccountEntry,
            ["guards.sessions=1", "guards.sessions="],
            "guards.sessions: is there twice",
        ),
        (CallerIdEntry, ["speed_dials.1=020", "speed_dials.1="], "speed_dials.1: is there twice"),
        (AccountEntry, ["level=user"], "level: stays"),
    ],
)
def test_a_pair_that_is_refused(kind: type[Section], pairs: list[str], told: str) -> None:
    with pytest.raises(CommandError) as refused:
        read_pairs(pairs, kind, elsewhere={"level": "stays"})
    assert told in str(refused.value)


def test_a_table_is_emptied_as_a_whole() -> None:
    assert read_pairs(["speed_dials="], CallerIdEntry) == {"speed_dials": None}
