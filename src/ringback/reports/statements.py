"""Statements of accounts and of callerIDs, for who may see their money (spec section 9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import select

from ringback import levels
from ringback.charging.statement import Statement, statement
from ringback.clock import Instant
from ringback.management.places import Kind, Place, of_caller_id
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, read
from ringback.store.models import AccountRow, CallerIdRow

Period = Callable[[str], tuple[Instant | None, Instant | None]]
"""The two ends of a period, in a time zone; None: without that end."""


@dataclass(frozen=True, slots=True)
class NamedStatement:
    """A statement, its owner's name, and the time zone of its dates."""

    name: str
    """Path of the account, or number of the callerID."""
    zone: str
    statement: Statement


@read("account.statement", Kind.ACCOUNT, Need(Right.SEE_MONEY))
def account_statement(act: Act, place: Place, *, period: Period) -> NamedStatement:
    """The statement of an account. Raises BooksDisagree, and what `period` raises."""
    query = select(AccountRow.ledger_id).where(AccountRow.id == place.id)
    ledger_id = act.tx.execute(query).scalar_one()
    return _statement(act, place, Sight(act.tx, act.actor).path(place.id), ledger_id, period)


@read("caller_id.statement", Kind.CALLER_ID, Need(Right.SEE_CREDIT), at=of_caller_id)
def caller_id_statement(act: Act, place: Place, *, period: Period) -> NamedStatement:
    """The statement of a callerID, likewise."""
    query = select(CallerIdRow.number, CallerIdRow.ledger_id).where(CallerIdRow.id == act.subject)
    number, ledger_id = act.tx.execute(query).one()
    return _statement(act, place, number, ledger_id, period)


def _statement(act: Act, place: Place, name: str, ledger_id: str, period: Period) -> NamedStatement:
    zone = levels.of_account(act.tx, place.id)[0].time_zone
    found = statement(act.tx, ledger_id, *period(zone))
    sight = Sight(act.tx, act.actor)
    entries = [
        replace(each, who=each.who and sight.author(place.id, each.by_account_id, each.who))
        for each in found.entries
    ]
    return NamedStatement(name, zone, replace(found, entries=entries))
