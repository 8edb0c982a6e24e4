"""What is done to decks within one unit of work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    column,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    table,
    update,
)

from ringback.amounts import to_millionths
from ringback.charging.decks.deck import Deck
from ringback.charging.rating import Rate, microseconds
from ringback.clock import Instant
from ringback.prefixes import LONGEST
from ringback.store import models
from ringback.store.changes import updates
from ringback.store.prepared import Prepared

_D, _P, _R = models.DeckRow, models.PlanRow, models.RateRow
_VALUES = (
    _R.prefix,
    _R.setup,
    _R.first_block,
    _R.first_price,
    _R.next_block,
    _R.price_per_minute,
    _R.valid_from,
    _R.valid_to,
)
# Plan and rates in one statement, so that they are of one deck where each statement has a view of
# its own (PostgreSQL, READ COMMITTED).
_IN_FORCE = select(*_VALUES).join(_P, _P.deck_id == _R.deck_id).where(_P.id == bindparam("plan_id"))
_FITTING = Prepared(_IN_FORCE.where(_R.prefix.in_(bindparam("prefixes", expanding=True))))
# Without the types of the model: rows are made ready before the unit of work begins.
_INSERT = insert(table("rates", column("deck_id"), *(column(each.key) for each in _VALUES)))
_COUNT = Prepared(
    update(_D)
    .where(_D.id == bindparam("id"), _D.state == "loading")
    .values(size=_D.size + bindparam("more"))
)
_CONDEMN = update(_D).where(_D.state != "condemned").values(state="condemned")
_NO_DECK = update(_P).where(_P.id == bindparam("plan_id")).values(deck_id=None)
_SOME = select(_R.id).where(_R.deck_id == bindparam("deck_id")).limit(bindparam("most"))
_DELETE_SOME = delete(_R).where(_R.id.in_(_SOME))
_DELETE_DECK = delete(_D).where(_D.id == bindparam("id"))

_ALWAYS = -1.0
"""The place of a rate without a beginning among those of its prefix: before 1970, when the first
may begin."""
_SINCE = func.coalesce(_R.valid_from, literal(_ALWAYS, _R.valid_from.type))

Row = Mapping[str, Any]
RateKey = tuple[str, Instant | None]
"""Which rate of a plan: its prefix, and when it begins."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the rates in force of a plan, by prefix and beginning."""

    deck_id: str | None
    """The deck that they are of; None: the plan has none yet."""
    rates: Sequence[Rate]
    more: bool
    """Whether rates come after these."""

    @property
    def last(self) -> RateKey:
        """What to begin the next page after."""
        rate = self.rates[-1]
        return rate.prefix, rate.valid_from


@updates(_D, _D.state == "loading", state="complete")
def _complete(tx: Connection, id: str) -> None:
    """All rates of the deck are there."""


@updates(_P)
def _name_deck(tx: Connection, id: str, deck_id: str) -> None:
    """The plan has the rates of that deck from now on."""


class DeckGone(Exception):
    """The rates that were being loaded or read are not those of the plan any more, or never will
    be; nothing has changed."""

    def __init__(self) -> None:
        super().__init__("another import into this plan has begun since: begin again after it")


def deck_for(tx: Connection, plan_id: str, number: str) -> Deck:
    """The rates in force of a plan that a number (E.164 with its plus) may have."""
    digits = number.removeprefix("+")
    prefixes = [digits[:length] for length in range(len(digits) + 1)]
    return Deck(Rate(*row) for row in _FITTING.rows(tx, plan_id=plan_id, prefixes=prefixes))


def rates_in_force(tx: Connection, plan_id: str) -> list[Rate]:
    """All of a plan."""
    return [Rate(*row) for row in tx.execute(_IN_FORCE, {"plan_id": plan_id})]


def page(
    tx: Connection, plan_id: str, prefix: str = "", after: RateKey | None = None, most: int = 100
) -> Page:
    """At most so many of the rates in force of a plan, of numbers that begin with `prefix`, behind
    the rate `after`. Each page is of one deck; the next one may be of another."""
    # Between these two, wherever letters and signs are sorted, there are only digits behind it.
    first, last = prefix, prefix.ljust(LONGEST, "9")
    wanted = [_R.deck_id == _P.deck_id]
    if after is not None:
        first, since = max(prefix, after[0]), _ALWAYS if after[1] is None else after[1]
        wanted.append(or_(_R.prefix > after[0], since < _SINCE))
    wanted.append(_R.prefix.between(first, last))
    query = (
        select(_P.deck_id, *_VALUES)
        .outerjoin(_R, and_(*wanted))
        .where(_P.id == plan_id)
        .order_by(_R.prefix, _SINCE)
        .limit(most + 1)
    )
    rows = tx.execute(query).all()
    rates = [Rate(*row[1:]) for row in rows if row.prefix is not None]
    return Page(rows[0].deck_id, rates[:most], len(rates) > most)


def begin(tx: Connection, deck_id: str, plan_id: str, source: str, now: Instant) -> None:
    """An empty deck, in place of any other that is being loaded for the plan."""
    tx.execute(_CONDEMN.where(_D.plan_id == plan_id, _D.state == "loading"))
    tx.execute(
        insert(_D),
        {
            "id": deck_id,
            "plan_id": plan_id,
            "source": source,
            "loaded": now,
            "state": "loading",
            "size": 0,
        },
    )


def rows(deck_id: str, rates: Iterable[Rate]) -> list[Row]:
    """The rates as `put` takes them."""
    return [
        {
            "deck_id": deck_id,
            "prefix": rate.prefix,
            "setup": to_millionths(rate.setup),
            "first_block": rate.first_block,
            "first_price": None if rate.first_price is None else to_millionths(rate.first_price),
            "next_block": rate.next_block,
            "price_per_minute": to_millionths(rate.price_per_minute),
            "valid_from": None if rate.valid_from is None else microseconds(rate.valid_from),
            "valid_to": None if rate.valid_to is None else microseconds(rate.valid_to),
        }
        for rate in rates
    ]


def put(tx: Connection, deck_id: str, batch: list[Row]) -> None:
    """Rates into a deck that is being loaded. Raises DeckGone."""
    if _COUNT.run(tx, id=deck_id, more=len(batch)) == 0:
        raise DeckGone
    if batch:
        tx.execute(_INSERT, batch)


def switch(tx: Connection, deck_id: str, plan_id: str) -> None:
    """A loaded deck is in force from now on; the one before is condemned. Raises DeckGone."""
    if _complete(tx, deck_id) == 0:
        raise DeckGone
    tx.execute(_CONDEMN.where(_D.plan_id == plan_id, _D.state == "complete", _D.id != deck_id))
    _name_deck(tx, plan_id, deck_id)


def take_all(tx: Connection, plan_id: str) -> None:
    """A plan has no rates any more; its decks are condemned."""
    tx.execute(_NO_DECK, {"plan_id": plan_id})
    tx.execute(_CONDEMN.where(_D.plan_id == plan_id))


def condemned(tx: Connection, since: Instant) -> list[str]:
    """The decks to be deleted, those among them whose loading began before `since` and was never
    ended."""
    tx.execute(_CONDEMN.where(_D.state == "loading", _D.loaded < since))
    return list(tx.execute(select(_D.id).where(_D.state == "condemned")).scalars())


def delete_some(tx: Connection, deck_id: str, most: int) -> bool:
    """Delete some rates of a condemned deck, or the deck once it has none. False: it is gone."""
    if tx.execute(_DELETE_SOME, {"deck_id": deck_id, "most": most}).rowcount:
        return True
    tx.execute(_DELETE_DECK, {"id": deck_id})
    return False
