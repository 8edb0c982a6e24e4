"""Two hundred sessions while every side loses one SIP message in ten, in either direction."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select
from tests.e2e import sipp
from tests.e2e.stage import Case, Server, Stage

from ringback.store import open_store
from ringback.store.models import ChargeRow, LegRow, ReservationRow, SessionRow

SESSIONS = 200
PER_SECOND = 8


async def _unused(stage: Stage) -> None:
    """This stage is played by the test itself."""


async def _play(folder: Path) -> tuple[Counter[str], dict[str, Any]]:
    server = Server(folder)
    case = Case(
        "loss",
        _unused,
        {"accept_prompt": "never", "announce_duration": False, "retry_after_seconds": 5,
         "attempts": 5},
        caller_id=None,
        caller="+447700",
    )  # fmt: skip
    stage = server.stage(case)
    callers = [f"+447700{900_000 + number}" for number in range(SESSIONS)]
    case.others = [{"number": number, "speed_dials": {"1": stage.callee}} for number in callers]
    await server.set_up()
    name, account = server.extension_of(stage)
    many = {"calls_per_hour": 1000, "sessions": SESSIONS}
    await stage.apply({"extensions": [{"name": name, "account": account, "guards": many}]})
    await server.start()
    numbers = folder / "numbers.csv"
    numbers.write_text("\n".join(["SEQUENTIAL", *callers, ""]))
    # Few keys, and all of them twice, as people do: SIPp takes a repeated 200 to one key for the
    # answer to the next, which it then never sends again.
    keys = [(1.5, "1"), (0.5, "#"), (6.0, "1"), (0.5, "#")]
    lossy = ("-lost", "10")
    try:
        phone = await stage.phone(
            sipp.callee(9, payloads="8 0", info_digits=keys, hangs_up_after=14.0), *lossy
        )
        remote = await stage.remote(sipp.callee(9, rings=0.3, hangs_up_after=1.0), *lossy)
        triggers = await stage.run(
            sipp.trigger(stage.access, "[field0]", stays=8.0),
            stage.caller_port,
            *("-inf", str(numbers), "-r", str(PER_SECOND), "-m", str(SESSIONS), *lossy),
            remote=True,
        )
        await triggers.finished(120)
        for _ in range(120):
            found = await server.sessions()
            if len(found) == SESSIONS and all(session["outcome"] for session in found):
                break
            await asyncio.sleep(1.0)
    finally:
        await stage.close()
        await server.stop()
    store = open_store(server.url)
    left = await store.read(_left)
    await store.close()
    errors = phone.errors() + remote.errors()
    assert "Aborting call" not in errors, errors
    return Counter(str(session["outcome"]) for session in found), left


def _left(tx: Connection) -> dict[str, Any]:
    # Once with the callerID, once with the account.
    charged = (
        select(ChargeRow.leg_id, func.count()).group_by(ChargeRow.leg_id).having(func.count() > 2)
    )
    reached = (
        select(LegRow.session_id)
        .where(LegRow.leg == "A", LegRow.answered.is_not(None))
        .group_by(LegRow.session_id)
        .having(func.count() > 1)
    )
    uncharged = (
        select(func.count())
        .select_from(LegRow)
        .outerjoin(ChargeRow, ChargeRow.leg_id == LegRow.id)
        .where(LegRow.answered.is_not(None), ChargeRow.leg_id.is_(None))
    )
    return {
        "charged twice": len(tx.execute(charged).all()),
        "called back twice": len(tx.execute(reached).all()),
        "answered, not charged": tx.execute(uncharged).scalar_one(),
        "alive": tx.execute(
            select(func.count()).select_from(SessionRow).where(SessionRow.outcome.is_(None))
        ).scalar_one(),
        "legs open": tx.execute(
            select(func.count()).select_from(LegRow).where(LegRow.ended.is_(None))
        ).scalar_one(),
        "reserved": tx.execute(
            select(func.count())
            .select_from(ReservationRow)
            .where(ReservationRow.settled.is_(False))
        ).scalar_one(),
    }


def test_one_message_in_ten_is_lost(tmp_path: Path) -> None:
    outcomes, left = asyncio.run(_play(tmp_path))
    assert outcomes == {"completed": SESSIONS}
    assert not any(left.values()), left
