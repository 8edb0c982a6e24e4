"""Rates of a plan, in one unit of work each: listed, looked up, and put in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from ringback import levels
from ringback.accounts.plan_entries import PlanEntry
from ringback.charging import decks
from ringback.charging.decks import DeckGone, Difference, Page, RateKey
from ringback.charging.plans import plan_to_change
from ringback.charging.rating import SECOND, Charge, Rate, charge
from ringback.clock import Instant
from ringback.documents import read_document
from ringback.faults import Fault, Faults
from ringback.management import places
from ringback.management.change import Action
from ringback.management.places import Kind, Place
from ringback.management.plans.whose import given_in_sight, place_of
from ringback.management.refusals import NotFound
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, Done, read, verb
from ringback.numbering import BadNumber, read_written
from ringback.store.models import DeckRow, PlanRow

MOST = 5000
"""The most rates in one answer: some 50 ms."""
_SEE, _CHANGE = Need(Right.SEE_MONEY), Need(Right.PLANS)


@dataclass(frozen=True, slots=True)
class Looked:
    """Which rate a number has by one plan, and what calls cost."""

    plan: str
    account: str
    """The account that made the plan, as in `looking.Plan`."""
    number: str
    """E.164."""
    at: Instant
    """When it is dialled."""
    rate: Rate | None
    """None: no rate is valid then, and calls are refused (no_rate)."""
    passed_over: Sequence[Rate]
    """Those of a longer prefix, or of the same one, that are not valid then."""

    def costs(self) -> Iterator[tuple[int, Charge]]:
        """Minutes, and what they cost."""
        if self.rate is not None:
            for minutes in (1, 5):
                yield minutes, charge(self.rate, minutes * 60 * SECOND)


@read("rates.list", Kind.PLAN, _SEE, at=place_of, shared=given_in_sight)
def rates(
    act: Act, place: Place, *, prefix: str = "", after: RateKey | None = None, most: int = MOST
) -> Page:
    """The rates of a plan, valid or not, of numbers that begin with `prefix`, behind the rate
    `after`."""
    return decks.page(act.tx, act.subject, prefix, after, min(most, MOST))


@read("rates.check", Kind.PLAN, _SEE, at=place_of, shared=given_in_sight)
def check(act: Act, place: Place, *, number: str, at: datetime | None = None) -> Looked:
    """Which rate a number has, dialled now or at another time. The number is read as it is dialled
    in the country of the account concerned, a time without a zone in that account's. Raises
    Faults."""
    return _look(act, place, act.subject, number, at)


@read("rates.check_extension", Kind.EXTENSION, _SEE, at=places.of_extension)
def check_extension(
    act: Act, place: Place, *, number: str, at: datetime | None = None
) -> list[Looked]:
    """The same, by the plan of each account in sight that pays for an extension's calls, the
    nearest first. Raises Faults."""
    found = []
    for level in levels.of_account(act.tx, place.id):
        payer = places.of_id(act.tx, level.id)
        if level.plan is not None and act.actor.sees(payer) and act.actor.grant(payer, _SEE):
            found.append(_look(act, place, level.plan.id, number, at))
    return found


def _look(act: Act, place: Place, plan_id: str, number: str, at: datetime | None) -> Looked:
    here = levels.of_account(act.tx, place.id)[0]
    try:
        e164 = read_written(number, here.country)
    except BadNumber as error:
        raise Faults([Fault(("number",), str(error))]) from error
    if at is not None and at.tzinfo is None:
        at = at.replace(tzinfo=ZoneInfo(here.time_zone))
    when = act.now if at is None else at.timestamp()
    deck = decks.deck_for(act.tx, plan_id, e164)
    rate, passed_over = deck.choose(e164, when), []
    for other in deck.fitting(e164):
        if other is rate:
            break
        passed_over.append(other)
    plan = act.tx.execute(
        select(PlanRow.name, PlanRow.account_id).where(PlanRow.id == plan_id)
    ).one()
    maker = Sight(act.tx, act.actor).account(plan.account_id, place.id)
    return Looked(plan.name, maker, e164, when, rate, passed_over)


@verb("rates.begin", Kind.PLAN, _CHANGE, at=place_of)
def begin(
    act: Act,
    place: Place,
    *,
    source: str,
    instead_of: str | None,
    differs: Difference,
    allow_loss: bool = False,
) -> Done[str]:
    """Begin to load rates beside those in force; returns the id of their deck. `differs` is how
    they differ from the deck `instead_of`, which is in force. Raises DeckGone if another is by now,
    Faults for a loss that is not allowed."""
    row = plan_to_change(act.tx, act.subject)
    if row is None:
        raise NotFound(Kind.PLAN)
    if row.deck_id != instead_of:
        raise DeckGone
    if differs.loss and not allow_loss:
        raise Faults([Fault(("rates",), f"{differs.loss}: if that is meant, say allow_loss")])
    deck_id = act.new_id()
    decks.begin(act.tx, deck_id, row.id, source, act.now)
    return Done(deck_id)


@verb("rates.put_in_force", Kind.PLAN, _CHANGE, at=place_of)
def put_in_force(act: Act, place: Place, *, deck_id: str, differs: Difference) -> Done[None]:
    """Put a deck in force that was begun and filled. A call keeps the rate that it was dialled at.
    Raises DeckGone if another has been begun since."""
    row = plan_to_change(act.tx, act.subject)
    if row is None:
        raise NotFound(Kind.PLAN)
    query = select(DeckRow.source).where(DeckRow.id == deck_id, DeckRow.plan_id == row.id)
    source = act.tx.execute(query).scalar()
    if source is None:
        raise DeckGone
    decks.switch(act.tx, deck_id, row.id)
    change = act.change(
        Action.UPDATED,
        place,
        kind=Kind.PLAN,
        id=row.id,
        name=row.name,
        fields={
            "rates": (differs.before, differs.after),
            "added": (None, differs.added),
            "taken_out": (None, differs.taken_out),
            "source": (None, source),
        },
        line=f"{Kind.PLAN} {row.name} of {act.actor.path_of(place)}: rates: {differs.told}",
    )
    return Done(None, [change])


def read_rates(documents: Sequence[Mapping[str, Any]]) -> list[Rate]:
    """The rates of a request or a setup file. Raises Faults."""
    entry = read_document(PlanEntry, {"name": "of these", "rates": documents})
    return [rate.rate() for rate in entry.rates]
