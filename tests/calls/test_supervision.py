"""Which open sessions use what is out of use, on both kinds of database; and that nothing is asked
of the store while there are none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, update
from tests.accounts.helpers import NOW, Place
from tests.calls.world import ACCESS, CALLER, World, in_world

from ringback.calls import supervision
from ringback.calls.outcome import Outcome
from ringback.calls.records import NewSession, insert_session
from ringback.calls.supervision import out_of_use
from ringback.store import Store
from ringback.store.models import AccountRow, CallerIdRow
from ringback.telephony.calling import known

LISTED = "+447700900123"
STRANGER = "+447700900999"


@pytest.fixture
def place(tmp_path: Path, store: Store) -> Place:
    """One open session of a listed number and one of a stranger, on the extension of anna, and a
    third on one of acme; besides, one of the first that is over."""
    place = Place(tmp_path, store)
    place.document["extensions"].append({"name": "others", "account": "acme"})
    place.apply()

    def work(tx: Connection) -> None:
        of_name = dict(tx.execute(select(AccountRow.name, AccountRow.id)).all())
        caller_id = tx.execute(select(CallerIdRow.id)).scalar_one()
        travellers, others = of_name["travellers"], of_name["others"]
        session(tx, "listed", travellers, LISTED, caller_id)
        session(tx, "stranger", travellers, STRANGER, None)
        session(tx, "elsewhere", others, STRANGER, None)
        session(tx, "over", travellers, LISTED, caller_id, Outcome.COMPLETED)

    place.run(work)
    return place


def session(
    tx: Connection,
    id: str,
    extension: str,
    number: str,
    caller_id: str | None,
    outcome: Outcome | None = None,
) -> None:
    row = NewSession(id, extension, None, known(number), None, caller_id, number, None, NOW, True)
    insert_session(tx, replace(row, outcome=outcome))


ACCOUNTS = {
    "travellers": {"listed", "stranger"},
    "anna": {"listed", "stranger"},
    "acme": {"listed", "stranger", "elsewhere"},
    "admin": {"listed", "stranger", "elsewhere"},
    "others": {"elsewhere"},
}
"""Whose sessions end with each account."""

FALLS: list[dict[str, Any]] = [{"status": "suspended"}, {"expires": NOW}, {"deleted": NOW - 9.0}]


def found(place: Place, now: float = NOW) -> dict[str, str]:
    rows = place.read(lambda tx: out_of_use(tx, now))
    assert len(rows) == len(dict(rows)), "each once"
    return {id_: str(each) for id_, each in rows}


@pytest.mark.parametrize("change", FALLS)
def test_sessions_of_an_account_and_of_all_below_it(place: Place, change: dict[str, Any]) -> None:
    assert found(place) == {}
    for name, sessions in ACCOUNTS.items():
        set_account(place, name, **change)
        assert found(place).keys() == sessions
        set_account(place, name, status="enabled", expires=NOW + 1.0, deleted=None)
        assert found(place) == {}
    assert found(place, NOW + 1.0).keys() == ACCOUNTS["admin"], "expired by time alone"


@pytest.mark.parametrize("change", [{"enabled": False}, *FALLS[1:]])
def test_sessions_of_a_caller_id(place: Place, change: dict[str, Any]) -> None:
    place.run(lambda tx: done(tx.execute(update(CallerIdRow).values(**change))))
    assert found(place).keys() == {"listed"}


def test_the_nearest_is_told(place: Place) -> None:
    for name in ("admin", "anna"):
        set_account(place, name, status="suspended")
    place.run(lambda tx: done(tx.execute(update(CallerIdRow).values(enabled=False))))
    assert found(place) == {
        "listed": "account anna is suspended",
        "stranger": "account anna is suspended",
        "elsewhere": "account admin is suspended",
    }


def set_account(place: Place, name: str, **values: Any) -> None:
    change = update(AccountRow).where(AccountRow.name == name).values(**values)
    place.run(lambda tx: done(tx.execute(change)))


def done(result: object) -> None:
    """A unit of work returns values, and no cursor."""


def test_nothing_is_asked_while_no_session_is_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def looked(tx: Connection, now: float) -> list[Any]:
        looks.append(now)
        return []

    monkeypatch.setattr(supervision, "out_of_use", looked)

    async def play(world: World) -> None:
        await world.setup({"callback_delay_seconds": 10, "attempts": 1})
        await world.sleep(60.0)
        assert looks == []
        world.network.ring(ACCESS, CALLER)
        await world.sleep(30.0)

    world = in_world(tmp_path, play)
    row = world.session()
    asked = [row["started"] <= at <= row["ended"] + 2.0 for at in looks]
    assert asked and all(asked)
