"""`ringback sessions`."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, insert, select
from tests.cli.helpers import Commands

from ringback.cli.options import CommandError
from ringback.store import open_store
from ringback.store.models import ChargeRow, ExtensionRow, LedgerAccountRow, LegRow, SessionRow

AT = 1_800_000_000.0
FIRST, SECOND = "01a21752-6388-7b77-84b8-cfa99dd7bd66", "01a21756-4044-74d9-8ad0-efb3ea0ebd66"


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    commands = Commands(tmp_path)

    def work(tx: Connection) -> None:
        extension = tx.execute(select(ExtensionRow.id)).scalar_one()
        ledger_id = tx.execute(select(LedgerAccountRow.id).limit(1)).scalar_one()
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
