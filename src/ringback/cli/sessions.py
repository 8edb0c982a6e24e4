"""`ringback sessions`: shows the records, to people and to programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection, select

from ringback.amounts import format_amount
from ringback.cli.lines import NARROW
from ringback.cli.live import LIVE, written
from ringback.cli.options import SHORT_ID, CommandError
from ringback.store import open_store
from ringback.store.models import (
    AccountRow,
    CallerIdRow,
    ChargeRow,
    EventRow,
    LegRow,
    SessionRow,
)

LATEST = 50

_UPWARDS = (None, "extension", "user", "organization", "provider", "administrator")
"""The levels of payers; a callerID has none."""


async def read(url: str, session: str | None, latest: int = LATEST) -> list[dict[str, Any]]:
    """The latest sessions, the newest first, or those whose id is or ends in `session`, as the API
    will write them."""
    store = open_store(url)
    try:
        return await store.read(lambda tx: _sessions(tx, session, latest))
    finally:
        await store.close()


def only(found: list[dict[str, Any]], session: str) -> dict[str, Any]:
    """The one session that an id or its last digits name. Raises CommandError."""
    if len(found) == 1:
        return found[0]
    if not found:
        raise CommandError(f"there is no session {session!r}: `ringback sessions` lists them")
    ids = ", ".join(each["id"] for each in found[:3]) + (", …" if len(found) > 3 else "")
    raise CommandError(f"several sessions end in {session!r}: write more of the id: {ids}")


def _sessions(tx: Connection, session: str | None, latest: int) -> list[dict[str, Any]]:
    query = (
        select(SessionRow.__table__, AccountRow.name.label("extension"), CallerIdRow.number)
        .outerjoin(AccountRow, AccountRow.id == SessionRow.extension_id)
        .outerjoin(CallerIdRow, CallerIdRow.id == SessionRow.caller_id)
        .order_by(SessionRow.started.desc(), SessionRow.id)
        .limit(latest)
    )
    if session is not None:
        query = query.where(SessionRow.id.endswith(session, autoescape=True))
    return [
        {
            "id": row["id"],
            "extension": row["extension"],
            "access_number": row["access_number"],
            "caller": row["caller"] or row["caller_received"],
            "caller_received": row["caller_received"],
            "caller_id": row["number"],
            "outcome": row["outcome"],
            "stage": row["stage"],
            "started": written(row["started"]),
            "ended": written(row["ended"]),
            "repeated": row["repeated"],
            "refusals": _refusals(tx, row["id"]),
            "legs": _legs(tx, row["id"]),
        }
        for row in tx.execute(query).mappings()
    ]


def _legs(tx: Connection, session: str) -> list[dict[str, Any]]:
    query = select(LegRow.__table__).where(LegRow.session_id == session).order_by(LegRow.started)
    return [
        {
            "id": row["id"],
            "leg": row["leg"],
            "number": {name: row[name] for name in ("received", "e164", "dialled")},
            "trunk": row["trunk"],
            **{name: written(row[name]) for name in ("started", "ringing", "answered", "ended")},
            "cause": row["cause"],
            "billed_seconds": row["billed_seconds"],
            "charges": _charges(tx, row["id"]),
        }
        for row in tx.execute(query).mappings()
    ]


def _charges(tx: Connection, leg: str) -> list[dict[str, Any]]:
    """What each payer was charged for a leg, from the callerID upwards. `profit` is what the payer
    below was charged, less the payer's own charge; None if nobody below pays."""
    charge = ChargeRow.__table__
    query = (
        select(charge, AccountRow.level)
        .outerjoin(AccountRow, AccountRow.ledger_id == charge.c.ledger_id)
        .where(charge.c.leg_id == leg)
    )
    rows = tx.execute(query).mappings().all()
    return [
        {
            "payer": row["payer"],
            "level": row["level"] or "caller_id",
            "amount": format_amount(row["amount"]),
            "profit": None
            if row["income"] is None
            else format_amount(row["income"] - row["amount"]),
            "explanation": row["explanation"],
        }
        for row in sorted(rows, key=lambda row: _UPWARDS.index(row["level"]))
    ]


_REFUSED = ("trigger_refused", "return_refused", "number_refused", "call_not_made")


def _refusals(tx: Connection, session: str) -> list[dict[str, Any]]:
    """What was refused in a session, and why: the trigger, the return call, or a number."""
    event = EventRow.__table__
    query = (
        select(event)
        .where(event.c.session_id == session, event.c.type.in_(_REFUSED))
        .order_by(event.c.ordinal)
    )
    return [
        {
            "at": written(row["at"]),
            "type": row["type"],
            "number": row["data"].get("number"),
            "reason": row["data"]["reason"],
        }
        for row in tx.execute(query).mappings()
    ]


def show(found: list[dict[str, Any]], console: Console) -> None:
    """Print the list."""
    if not found:
        console.print("no sessions yet")
        return
    narrow = console.width < NARROW
    table = _table(
        *(("session",) if narrow else ("started", "session", "caller")),
        folded=("outcome",) if narrow else ("outcome", "stage"),
    )
    for session in found:
        started = _local(session["started"])[5:]  # without the year it fits into 80 columns
        id_, caller = session["id"][-SHORT_ID:], session["caller"] or "hidden"
        outcome, stage = _outcome(session), session["stage"]
        if narrow:
            table.add_row(started, outcome)
            table.add_row(f"  {id_} {caller}", f"stage {stage}")
        else:
            table.add_row(started, id_, caller, outcome, stage)
    console.print(table)


def show_whole(session: dict[str, Any], console: Console) -> None:
    """Print one session with its legs and charges."""
    facts = {
        "session": session["id"],
        "extension": session["extension"],
        "access number": session["access_number"],
        "caller": session["caller"] or "hidden",
        "callerID": session["caller_id"],
        "outcome": f"{_outcome(session)}, stage {session['stage']}",
        "started": _local(session["started"]),
        "ended": _local(session["ended"]),
    }
    for name, value in facts.items():
        console.print(f"{name + ':':<15}{value or '-'}", markup=False, highlight=False)
    for refusal in session["refusals"]:
        number = f"{refusal['number']}: " if refusal["number"] else ""
        told = f"{'refused:':<15}{number}{refusal['reason']}"
        console.print(told, markup=False, highlight=False)
    if not session["legs"]:
        console.print("no call was made")
        return
    if console.width < NARROW:
        _show_legs(session["legs"], console)
        return
    table = _table("leg", "number", "trunk", "answered", "ended", folded=("charges",))
    for leg in session["legs"]:
        table.add_row(
            leg["leg"],
            leg["number"]["e164"],
            escape(leg["trunk"] or ""),
            _local(leg["answered"])[11:],
            _local(leg["ended"])[11:],
            escape(_charged(leg)),
        )
    console.print(table)


def _show_legs(legs: list[dict[str, Any]], console: Console) -> None:
    """Leg by leg, for a narrow terminal."""
    for leg in legs:
        answered, ended = (_local(leg[name])[11:] or "-" for name in ("answered", "ended"))
        lines = (
            f"leg {leg['leg']}: {leg['number']['e164']}, trunk {leg['trunk'] or '-'}",
            f"answered {answered}, ended {ended}",
            *_charged(leg).split("\n"),
        )
        for number, line in enumerate(lines):
            console.print(Padding(Text(line), (0, 0, 0, 2 if number else 0)))


def _outcome(session: dict[str, Any]) -> str:
    more = f" ({session['repeated']} more)" if session["repeated"] else ""
    outcome: str = session["outcome"] or session.get("state", LIVE)
    return outcome + more


def _charged(leg: dict[str, Any]) -> str:
    """Who paid what for a leg, in a line each; or why nobody did."""
    if not leg["charges"]:
        if leg["ended"] is None:
            state = "talking" if leg["answered"] else "ringing" if leg["ringing"] else "dialled"
            since = leg["answered"] or leg["ringing"] or leg["started"]
            return f"{state} since {_local(since)[11:]}"
        if leg["answered"] is not None and leg["ended"] is not None:
            return "answered late, unpaid"
        return f"answered with {leg['cause']}" if leg["cause"] else "not answered"
    return "\n".join(
        [f"{leg['billed_seconds']} s charged"]
        + [
            f"{charge['payer']}: {charge['amount']} ({charge['explanation']})"
            for charge in leg["charges"]
        ]
    )


def _table(*whole: str, folded: Sequence[str]) -> Table:
    """A table that keeps its first columns whole, and wraps those in `folded` if it must be
    narrow."""
    table = Table()
    for name in (*whole, *folded):
        table.add_column(name, no_wrap=name in whole, overflow="fold")
    return table


def _local(time: str | None) -> str:
    if time is None:
        return ""
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M:%S")
