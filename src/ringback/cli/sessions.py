"""`ringback sessions`: shows the records, to people and to programs."""

from __future__ import annotations

import asyncio
import csv
import difflib
import sys
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ringback import levels
from ringback.calls.outcome import Outcome
from ringback.cells import guarded
from ringback.cli.lines import NARROW
from ringback.cli.live import bring_up_to_date
from ringback.cli.managing import look
from ringback.cli.options import (
    DEFAULT_CONFIG,
    SHORT_ID,
    CommandError,
    ConfigOption,
    JsonOption,
    print_json,
    read_moment,
    wide_console,
)
from ringback.config import load_config
from ringback.management import places
from ringback.management.verbs import Act
from ringback.numbering import BadNumber, read_written
from ringback.reports.sessions import LATEST, LIVE, MOST, Wanted, sessions
from ringback.server.control import ask
from ringback.server.run import control_path
from ringback.wording import listed


def command(
    session: Annotated[str | None, typer.Argument(help="A session's id: show all of it.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Begun from a month, date or time on.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Begun before it.")] = None,
    caller: Annotated[str | None, typer.Option(help="The caller's number.")] = None,
    outcome: Annotated[
        str | None, typer.Option(help="Such as completed, refused_unlisted, or live.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV, a line a leg.")] = False,
    as_json: JsonOption = False,
    end: Annotated[
        bool, typer.Option("--end", help="End the session, or withdraw its callback.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List sessions, the latest first, or show one with its legs and charges, or end one. Without a
    period they are the latest 50."""
    if end and session is None:
        raise CommandError("--end needs the session to be ended: ringback sessions ID --end")
    if as_csv and as_json:
        raise CommandError("choose --csv or --json, not both")
    if outcome is not None and outcome not in (LIVE, *Outcome):
        near = difflib.get_close_matches(outcome, Outcome) or [*Outcome]
        raise CommandError(f"--outcome: write {LIVE}, or one of {', '.join(near)}")
    loaded = load_config(config)

    def page(act: Act, after: str | None = None) -> list[dict[str, Any]]:
        top = places.top(act.tx)
        zone = levels.of_account(act.tx, top)[0].time_zone
        began, over = (None if each is None else read_moment(each, zone) for each in (since, until))
        wanted = Wanted(session, began, over, _number(caller, loaded.server.home_country), outcome)
        return sessions(act, top, wanted=wanted, after=after, limit=MOST if whole else LATEST)

    whole = since is not None or until is not None
    found = look(loaded, page)
    while whole and len(found) % MOST == 0 and found:
        last = found[-1]["id"]
        more = look(loaded, partial(page, after=last))
        if not more:
            break
        found += more
    asyncio.run(bring_up_to_date(found, control_path(loaded)))
    one = None if session is None else only(found, session)
    if end and one is not None:
        asyncio.run(ask(control_path(loaded), "end", session=one["id"]))
    elif as_json:
        print_json(one or found)
    elif as_csv:
        write_csv(found, sys.stdout)
    elif one is not None:
        show_whole(one, wide_console())
    else:
        show(found, wide_console())


_COLUMNS = (
    *("session", "extension", "access_number", "caller", "caller_id", "outcome", "stage"),
    *("started", "ended", "leg", "number", "trunk", "answered", "leg_ended", "cause"),
    *("billed_seconds", "charged"),
)


def write_csv(found: Sequence[dict[str, Any]], file: TextIO) -> None:
    """A line for each leg, and one for a session without any."""
    writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for session in found:
        for leg in session["legs"] or [{}]:
            cells = {name: session.get(name) for name in _COLUMNS[1:9]} | _of_leg(leg)
            cells["session"] = session["id"]
            writer.writerow(
                {name: guarded("" if cell is None else str(cell)) for name, cell in cells.items()}
            )


def _of_leg(leg: dict[str, Any]) -> dict[str, Any]:
    if not leg:
        return {}
    charges = "; ".join(f"{each['payer']} {each['amount']}" for each in leg["charges"])
    names = ("leg", "trunk", "answered", "cause", "billed_seconds")
    more = {"number": leg["number"]["e164"], "leg_ended": leg["ended"], "charged": charges}
    return {name: leg[name] for name in names} | more


def _number(text: str | None, country: str) -> str | None:
    try:
        return None if text is None else read_written(text, country)
    except BadNumber as error:
        raise CommandError(f"--caller: {error}") from error


def only(found: list[dict[str, Any]], session: str) -> dict[str, Any]:
    """The one session that an id or its last digits name. Raises CommandError."""
    if len(found) == 1:
        return found[0]
    if not found:
        raise CommandError(f"there is no session {session!r}: `ringback sessions` lists them")
    ids = listed((each["id"] for each in found), 3)
    raise CommandError(f"several sessions end in {session!r}: write more of the id: {ids}")


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
