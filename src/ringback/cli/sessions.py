"""`ringback sessions`: the records, for people and for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, select

from ringback.amounts import format_amount
from ringback.clock import Instant, utc
from ringback.store import open_store
from ringback.store.models import Account, CallerId, Charge, Extension, Leg, Session

LATEST = 50

_UPWARDS = (None, "user", "organization", "provider", "administrator")
"""The levels of payers; a callerID has none."""


async def read(url: str, session: str | None, latest: int = LATEST) -> list[dict[str, Any]]:
    """The latest sessions, the newest first, or the one asked for, as the API has them."""
    store = open_store(url)
    try:
        return await store.read(lambda tx: _sessions(tx, session, latest))
    finally:
        await store.close()


def _sessions(tx: Connection, session: str | None, latest: int) -> list[dict[str, Any]]:
    query = (
        select(Session.__table__, Extension.name.label("extension"), CallerId.number)
        .outerjoin(Extension, Extension.id == Session.extension_id)
        .outerjoin(CallerId, CallerId.id == Session.caller_id)
        .order_by(Session.started.desc(), Session.id)
        .limit(latest)
    )
    if session is not None:
        query = query.where(Session.id.endswith(session, autoescape=True)).limit(1)
    return [
        {
            "id": row["id"],
            "extension": row["extension"],
            "access_number": row["access_number"],
            "caller": row["caller"],
            "caller_id": row["number"],
            "outcome": row["outcome"],
            "stage": row["stage"],
            "started": _time(row["started"]),
            "ended": _time(row["ended"]),
            "repeated": row["repeated"],
            "legs": _legs(tx, row["id"]),
        }
        for row in tx.execute(query).mappings()
    ]


def _legs(tx: Connection, session: str) -> list[dict[str, Any]]:
    query = select(Leg.__table__).where(Leg.session_id == session).order_by(Leg.started)
    return [
        {
            "leg": row["leg"],
            "number": {name: row[name] for name in ("received", "e164", "dialled")},
            "trunk": row["trunk"],
            **{name: _time(row[name]) for name in ("started", "ringing", "answered", "ended")},
            "cause": row["cause"],
            "billed_seconds": row["billed_seconds"],
            "charges": _charges(tx, row["id"]),
        }
        for row in tx.execute(query).mappings()
    ]


def _charges(tx: Connection, leg: str) -> list[dict[str, Any]]:
    """What each payer was charged for a leg, from the callerID up. `profit` is what the payer
    below was charged less that; None where nobody below pays."""
    charge = Charge.__table__
    query = (
        select(charge, Account.level)
        .outerjoin(Account, Account.ledger_id == charge.c.ledger_id)
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


def _time(instant: Instant | None) -> str | None:
    return None if instant is None else utc(instant).isoformat(timespec="milliseconds")


def show(found: list[dict[str, Any]], console: Console, *, whole: bool) -> None:
    """As tables."""
    table = _table("started", "session", "caller", "outcome", "stage")
    for session in found:
        table.add_row(
            _local(session["started"]),
            session["id"][-12:],
            session["caller"] or "hidden",
            (session["outcome"] or "live")
            + (f" ({session['repeated']} more)" if session["repeated"] else ""),
            session["stage"],
        )
    console.print(table)
    if whole:
        for session in found:
            _show_legs(session, console)


def _show_legs(session: dict[str, Any], console: Console) -> None:
    table = _table("leg", "number", "trunk", "answered", "ended", "seconds", "charges")
    for leg in session["legs"]:
        table.add_row(
            leg["leg"],
            leg["number"]["e164"],
            leg["trunk"],
            _local(leg["answered"])[11:],
            _local(leg["ended"])[11:],
            "" if leg["billed_seconds"] is None else str(leg["billed_seconds"]),
            "\n".join(
                f"{charge['payer']} {charge['amount']} ({charge['explanation'].partition(': ')[2]})"
                for charge in leg["charges"]
            )
            or (f"answered with {leg['cause']}" if leg["cause"] else "not answered"),
        )
    console.print(table)


def _table(*names: str) -> Table:
    """A table that keeps numbers and times whole; the last column may be folded."""
    table = Table()
    for name in names:
        table.add_column(name, no_wrap=name != names[-1])
    return table


def _local(time: str | None) -> str:
    if time is None:
        return ""
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M:%S")
