"""Charging plans with their rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ringback.accounts.plan_entries import PlanEntry
from ringback.accounts.setupfile import SetupError
from ringback.amounts import parse_amount
from ringback.charging import decks
from ringback.charging.decks import Difference
from ringback.charging.rating import Rate
from ringback.documents import given
from ringback.management.plans import looking, making, rates
from ringback.management.plans.whose import find_plan
from ringback.management.refusals import NotFound
from ringback.setup.accounts import without
from ringback.setup.work import Work

BATCH = 500
"""Rates put in by one step: some 5 ms."""


def bring_about(work: Work, entry: PlanEntry) -> str:
    """A plan as its entry has it, without its rates; what leaves less credit to those who have it
    waits for `restrict`, since the file may change them, too. Returns its id."""
    what = f"plan {entry.name}"
    account = work.place(entry.account, f"{what}: account")
    plan_id = _find(work, entry)
    values = without(given(entry), "account", "rates")
    with work.about(what):
        if plan_id is None:
            return work.did(what, making.create(work.act, account.id, values=values))
        if restricts(work, plan_id, entry):
            values = without(values, "kind", "limit")
        values = without(values, "name")
        work.did(what, making.change(work.act, plan_id, values=values))
    return plan_id


def restricts(work: Work, plan_id: str, entry: PlanEntry) -> bool:
    """Whether the entry leaves less credit to those who have the plan."""
    before = looking.plan(work.act, plan_id).settings
    named = entry.model_fields_set
    ends = "kind" in named and (before["kind"], entry.kind) == ("postpaid", "prepaid")
    return ends or ("limit" in named and entry.limit < parse_amount(before["limit"]))


def restrict(work: Work, entry: PlanEntry) -> None:
    """The rest of `bring_about`."""
    plan_id = _find(work, entry)
    if plan_id is None or not restricts(work, plan_id, entry):
        return
    values = {name: value for name, value in given(entry).items() if name in ("kind", "limit")}
    what = f"plan {entry.name}"
    with work.about(what):
        work.did(what, making.change(work.act, plan_id, values=values))


def _find(work: Work, entry: PlanEntry) -> str | None:
    """The plan of this name that the account made."""
    try:
        return find_plan(work.tx, work.act.actor, f"{entry.account}:{entry.name}")
    except NotFound:
        return None


@dataclass(frozen=True, slots=True)
class NewDeck:
    """Rates that are to take the place of those of a plan."""

    id: str
    plan: str
    rates: Sequence[Rate]
    differs: Difference

    def batches(self) -> Iterator[Sequence[Rate]]:
        """So many as one step puts in."""
        for start in range(0, len(self.rates), BATCH):
            yield self.rates[start : start + BATCH]


def begin_rates(work: Work, plan_id: str, entry: PlanEntry) -> NewDeck | None:
    """The rates of a plan are to be those of the file, and others to be taken out; None where they
    are so already."""
    what = f"plan {entry.name}"
    wanted = [rate.rate() for rate in entry.rates]
    there = decks.page(work.tx, plan_id, "", None, 1).deck_id
    differs = decks.difference(decks.rates_in_force(work.tx, plan_id), wanted)
    if differs.nothing:
        return None
    if differs.loss and not work.allow_loss:
        raise SetupError(
            f"{what}: {differs.loss}: leave rates out of the file, or add --allow-loss"
        )
    with work.about(what):
        begun = rates.begin(
            *(work.act, plan_id),
            source="setup file",
            instead_of=there,
            differs=differs,
            allow_loss=work.allow_loss,
        )
        deck = work.did(what, begun)
    return NewDeck(deck, plan_id, sorted(wanted, key=lambda rate: rate.prefix), differs)


def put_rates(work: Work, deck: NewDeck, some: Sequence[Rate]) -> None:
    """Some of the rates, which are not in force yet."""
    decks.put(work.tx, deck.id, decks.rows(deck.id, some))


def put_in_force(work: Work, deck: NewDeck) -> None:
    """All of them at once."""
    what = "rates"
    with work.about(what):
        work.did(
            what,
            rates.put_in_force(work.act, deck.plan, deck_id=deck.id, differs=deck.differs),
        )
