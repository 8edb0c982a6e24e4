"""Sessions with their legs and charges, as the API writes them (spec section 9).

Whoever looks sees the charges of the payers at and below the accounts in reach, never what accounts
above pay or earn; trunks, and what names them, only who sees the server administrator's account.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, or_, select

from ringback.amounts import format_amount
from ringback.clock import Instant, utc
from ringback.management import places
from ringback.management.actor import Actor
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, read
from ringback.store.models import (
    AccountRow,
    CallerIdRow,
    ChargeRow,
    EventRow,
    LegRow,
    SessionRow,
)

LATEST = 50
MOST = 1000
"""The most sessions in one answer."""

_UPWARDS = (None, "extension", "user", "organization", "provider", "administrator")
"""The levels of payers; a callerID has none."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions. What is None does not matter."""

    id: str | None = None
    """An id, or its last characters."""
    since: Instant | None = None
    until: Instant | None = None
    """They began from `since` on, before `until`."""
    caller: str | None = None
    """The caller's number, E.164."""
    outcome: str | None = None
    """`live`: those that are not over."""


LIVE = "live"
ANY = Wanted()


@read("session.list", Kind.SESSION, Need(Right.VIEW))
def sessions(
    act: Act,
    place: Place,
    *,
    wanted: Wanted = ANY,
    after: str | None = None,
    limit: int = LATEST,
) -> list[dict[str, Any]]:
    """The sessions of an account and below, the latest first. `after` is the id of the last that
    one has already."""
    query = (
        select(SessionRow.__table__, AccountRow.name.label("extension"), CallerIdRow.number)
        .outerjoin(AccountRow, AccountRow.id == SessionRow.extension_id)
        .outerjoin(CallerIdRow, CallerIdRow.id == SessionRow.caller_id)
        .order_by(SessionRow.started.desc(), SessionRow.id)
        .limit(min(limit, MOST))
    )
    if place.above or act.actor.view is not None:
        query = query.where(places.is_below(SessionRow.extension_id, [place.id]))
    query = _narrowed(query, wanted)
    if after is not None:
        last = select(SessionRow.started).where(SessionRow.id == after).scalar_subquery()
        same = and_(SessionRow.started == last, SessionRow.id > after)
        query = query.where(or_(SessionRow.started < last, same))
    sees = Sees(act.tx, act.actor)
    return [_document(act.tx, row, sees) for row in act.tx.execute(query).mappings().all()]


def _narrowed(query: Select[Any], wanted: Wanted) -> Select[Any]:
    if wanted.id is not None:
        query = query.where(SessionRow.id.endswith(wanted.id, autoescape=True))
    if wanted.since is not None:
        query = query.where(SessionRow.started >= wanted.since)
    if wanted.until is not None:
        query = query.where(SessionRow.started < wanted.until)
    if wanted.caller is not None:
        query = query.where(SessionRow.caller == wanted.caller)
    if wanted.outcome == LIVE:
        return query.where(SessionRow.outcome.is_(None))
    if wanted.outcome is not None:
        query = query.where(SessionRow.outcome == wanted.outcome)
    return query


class Sees:
    """What one actor sees of the money and the network, for one unit of work: each account is
    looked up once."""

    def __init__(self, tx: Connection, actor: Actor) -> None:
        self.network = actor.sees(places.of_id(tx, places.top(tx)))
        """Whether trunks and their causes are shown."""
        self._tx = tx
        self._actor = actor
        self._known: dict[str, bool] = {}

    def charge(self, account_id: str | None, extension_id: str | None) -> bool:
        """Whether what a payer was charged is shown: the account, or a callerID of the
        extension."""
        if account_id is not None:
            return self._may(account_id, Right.SEE_MONEY)
        return extension_id is not None and self._may(extension_id, Right.SEE_CREDIT)

    def _may(self, place_id: str, right: Right) -> bool:
        if place_id not in self._known:
            place = places.of_id_ever(self._tx, place_id)
            self._known[place_id] = self._actor.grant(place, Need(right)) is not None and (
                self._actor.sees(place)
            )
        return self._known[place_id]


def _document(tx: Connection, row: Any, sees: Sees) -> dict[str, Any]:
    def charged(account_id: str | None) -> bool:
        return sees.charge(account_id, row["extension_id"])

    return {
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
        "refusals": _refusals(tx, row["id"], sees),
        "legs": _legs(tx, row["id"], sees, charged),
    }


Shown = Callable[[str | None], bool]
"""Whether the charge of an account is shown; None: of the callerID."""


def _legs(tx: Connection, session: str, sees: Sees, charged: Shown) -> list[dict[str, Any]]:
    query = select(LegRow.__table__).where(LegRow.session_id == session).order_by(LegRow.started)
    return [
        {
            "id": row["id"],
            "leg": row["leg"],
            "number": {
                "received": row["received"],
                "e164": row["e164"],
                "dialled": row["dialled"] if sees.network else None,
            },
            "trunk": row["trunk"] if sees.network else None,
            **{name: written(row[name]) for name in ("started", "ringing", "answered", "ended")},
            "cause": row["cause"] if sees.network else None,
            "billed_seconds": row["billed_seconds"],
            "charges": _charges(tx, row["id"], charged),
        }
        for row in tx.execute(query).mappings().all()
    ]


def _charges(tx: Connection, leg: str, charged: Shown) -> list[dict[str, Any]]:
    """What each payer was charged for a leg, from the callerID upwards. `profit` is what the payer
    below was charged, less the payer's own charge; None if nobody below pays."""
    charge = ChargeRow.__table__
    query = (
        select(charge, AccountRow.level, AccountRow.id.label("account_id"))
        .outerjoin(AccountRow, AccountRow.ledger_id == charge.c.ledger_id)
        .where(charge.c.leg_id == leg)
    )
    rows = [row for row in tx.execute(query).mappings().all() if charged(row["account_id"])]
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


def _refusals(tx: Connection, session: str, sees: Sees) -> list[dict[str, Any]]:
    """What was refused in a session, and why: the trigger, the return call, or a number. A reason
    may name what is above, so it is told only to who sees all of that."""
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
            "reason": row["data"]["reason"] if sees.network else None,
        }
        for row in tx.execute(query).mappings().all()
    ]


def written(instant: Instant | None) -> str | None:
    """An instant as the API writes it."""
    return None if instant is None else utc(instant).isoformat(timespec="milliseconds")
