"""`ringback sessions`."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, insert, select, update
from tests.cli.helpers import Commands

from ringback.calls.chronicle import append
from ringback.calls.events import CallNotMade, NumberRefused, ReturnAnswered, SessionEvent
from ringback.cli.options import CommandError
from ringback.store import open_store
from ringback.store.models import AccountRow, ChargeRow, ExtensionRow, LegRow, SessionRow

AT = 1_800_000_000.0
FIRST, SECOND = "01a21752-6388-7b77-84b8-cfa99dd7bd66", "01a21756-4044-74d9-8ad0-efb3ea0ebd66"


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    commands = Commands(tmp_path)

    def work(tx: Connection) -> None:
        extension = tx.execute(select(ExtensionRow.id)).scalar_one()
        ledger_id = tx.execute(
            select(AccountRow.ledger_id).where(AccountRow.name == "acme")
        ).scalar_one()
        for number, (session, outcome) in enumerate(
            ((FIRST, "completed"), (SECOND, "refused_forbidden_number"))
        ):
            tx.execute(
                insert(SessionRow),
                {
                    "id": session,
                    "extension_id": extension,
                    "access_number": "+442071838750",
                    "caller": None if number else "+447700900123",
                    "outcome": outcome,
                    "stage": "conversation",
                    "started": AT + number,
                    "ended": AT + 60,
                    "proven": True,
                    "repeated": 3 * number,
                    "attempts": 1,
                },
            )
        tx.execute(
            insert(LegRow),
            {
                "id": "leg",
                "session_id": FIRST,
                "leg": "A",
                "received": "+447700900123",
                "e164": "+447700900123",
                "dialled": "07700900123",
                "trunk": "phones",
                "started": AT,
                "answered": AT + 1,
                "ended": AT + 60,
                "billed_seconds": 60,
                "saved": "",
            },
        )
        tx.execute(
            insert(ChargeRow),
            {
                "leg_id": "leg",
                "ledger_id": ledger_id,
                "payer": "acme [UK]",
                "amount": Decimal("0.02"),
                "explanation": "60 s at 0.02",
            },
        )

    async def run() -> None:
        store = open_store(commands.url)
        await store.run(work)
        await store.close()

    asyncio.run(run())
    return commands


def test_the_list_is_whole_where_there_is_no_terminal(ringback: Commands) -> None:
    told = ringback("sessions")
    assert "conversation" in told and "refused_forbidden_number (3 more)" in told
    assert told.index("9dd7bd66") > told.index("ea0ebd66")  # the newest first
    assert "hidden" in told
    assert [each["id"] for each in json.loads(ringback("sessions", "--json"))] == [SECOND, FIRST]


def test_one_session_by_the_last_digits_of_its_id(ringback: Commands) -> None:
    told = ringback("sessions", "9dd7bd66")
    assert f"session:       {FIRST}" in told
    assert "acme [UK]: 0.02 (60 s at 0.02)" in told  # a name is no markup
    assert "no call was made" in ringback("sessions", SECOND)
    assert json.loads(ringback("sessions", FIRST, "--json"))["id"] == FIRST


@pytest.mark.parametrize("more", [[], ["--json"], ["--end"]])
def test_what_may_mean_several_sessions_means_none(ringback: Commands, more: list[str]) -> None:
    """An operator who ends a session must not end another."""
    with pytest.raises(CommandError, match=f"several sessions end in 'bd66'.*{SECOND}, {FIRST}"):
        ringback("sessions", "bd66", *more)


def test_a_late_answer_that_nobody_paid(ringback: Commands) -> None:
    async def run() -> None:
        store = open_store(ringback.url)
        await store.run(lambda tx: tx.execute(delete(ChargeRow)).rowcount)
        await store.close()

    asyncio.run(run())
    assert "answered late, unpaid" in ringback("sessions", FIRST)


def stored(ringback: Commands, work: Callable[[Connection], object]) -> None:
    async def run() -> None:
        store = open_store(ringback.url)
        await store.run(work)
        await store.close()

    asyncio.run(run())


def test_a_number_that_could_not_be_read_is_shown_as_it_came(ringback: Commands) -> None:
    def work(tx: Connection) -> None:
        unreadable = SessionRow.id == SECOND
        tx.execute(update(SessionRow).where(unreadable).values(caller_received="+5215512345678"))

    stored(ringback, work)
    assert "+5215512345678" in ringback("sessions") and "hidden" not in ringback("sessions")
    assert "caller:        +5215512345678" in ringback("sessions", SECOND)
    (session,) = [each for each in json.loads(ringback("sessions", "--json")) if not each["legs"]]
    assert session["caller"] == session["caller_received"] == "+5215512345678"


def test_what_was_refused_is_shown_with_its_reason(ringback: Commands) -> None:
    happened = [
        ReturnAnswered("+447700900123"),
        NumberRefused("+33123456789", "acme: the plan 'retail' has no valid rate for +33123456789"),
        CallNotMade("B", "+442079460000", "no route has its prefix"),
    ]

    def work(tx: Connection) -> None:
        for happening in happened:
            append(tx, "node", SessionEvent(FIRST, AT, happening))

    stored(ringback, work)
    told = ringback("sessions", FIRST)
    assert "refused:       +33123456789: acme: the plan 'retail' has no valid rate for" in told
    assert "refused:       +442079460000: no route has its prefix" in told
    refusals = json.loads(ringback("sessions", FIRST, "--json"))["refusals"]
    assert [each["type"] for each in refusals] == ["number_refused", "call_not_made"]
    assert refusals[0]["number"] == "+33123456789"


@pytest.mark.parametrize(
    ("leg", "told"),
    [
        ({}, "dialled since "),
        ({"ringing": AT + 2}, "ringing since "),
        ({"ringing": AT + 2, "answered": AT + 3}, "talking since "),
    ],
)
def test_an_open_session_is_shown_as_its_server_has_it(
    ringback: Commands, monkeypatch: pytest.MonkeyPatch, leg: dict[str, float], told: str
) -> None:
    """The records learn of it later."""

    def work(tx: Connection) -> None:
        of_first = SessionRow.id == FIRST
        tx.execute(
            update(SessionRow).where(of_first).values(outcome=None, ended=None, stage="trigger")
        )
        tx.execute(update(LegRow).values(answered=None, ended=None, billed_seconds=None))
        tx.execute(delete(ChargeRow))

    asked: list[object] = []

    async def ask(path: Path, command: str, sessions: list[str]) -> dict[str, object]:
        asked.append((path, command, sessions))
        return {"sessions": {FIRST: {"stage": "conversation", "legs": [{"id": "leg", **leg}]}}}

    stored(ringback, work)
    assert "outcome:       open, stage trigger" in ringback("sessions", FIRST), "no server runs"
    monkeypatch.setattr("ringback.cli.live.ask", ask)
    shown = ringback("sessions", FIRST)
    assert "outcome:       live, stage conversation" in shown and told in shown
    assert asked == [(ringback.folder / "data" / "ringback.sock", "sessions", [FIRST])]
    (found,) = json.loads(ringback("sessions", FIRST, "--json"))["legs"]
    assert (found["ringing"] is not None) == ("ringing" in leg)
    assert "live" in ringback("sessions")


def test_no_such_session(ringback: Commands) -> None:
    with pytest.raises(CommandError, match="there is no session 'x%'"):
        ringback("sessions", "x%")
    with pytest.raises(CommandError, match="--end needs the session"):
        ringback("sessions", "--end")


@pytest.mark.parametrize(
    "arguments",
    [["sessions"], ["statement", "acme"], ["rates", "check", "1"], ["rates", "export", "--plan=p"]],
)
def test_before_anything_was_applied(tmp_path: Path, arguments: list[str]) -> None:
    commands = Commands(tmp_path, apply=False)
    with pytest.raises(CommandError, match=r"there is no database yet.*run ringback apply"):
        commands(*arguments)
    assert not (tmp_path / "data").exists()


def ids(ringback: Commands, *options: str) -> list[str]:
    return [each["id"] for each in json.loads(ringback("sessions", *options, "--json"))]


def test_sessions_of_a_period_a_caller_and_an_outcome(ringback: Commands) -> None:
    """Months, dates and times are of the server administrator's time zone."""
    assert ids(ringback, "--from", "2027-01-15T08:00:01+00:00") == [SECOND]
    assert ids(ringback, "--to", "2027-01-15T08:00:01+00:00") == [FIRST]
    assert ids(ringback, "--from", "2027-02") == []
    assert ids(ringback, "--caller", "+44 7700 900123") == [FIRST]
    assert ids(ringback, "--outcome", "refused_forbidden_number") == [SECOND]
    assert ids(ringback, "--outcome", "live") == []
    with pytest.raises(CommandError, match="--caller: "):
        ringback("sessions", "--caller", "12")


def test_csv_has_a_line_for_each_leg(ringback: Commands) -> None:
    second, first = csv.DictReader(io.StringIO(ringback("sessions", "--csv")))
    assert (second["session"], second["leg"], second["caller"]) == (SECOND, "", "")
    assert (first["session"], first["leg"], first["number"]) == (FIRST, "A", "+447700900123")
    assert (first["charged"], first["billed_seconds"]) == ("acme [UK] 0.02", "60")
    with pytest.raises(CommandError, match="--csv or --json"):
        ringback("sessions", "--csv", "--json")
