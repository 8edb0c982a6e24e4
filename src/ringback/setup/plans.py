"""Charging plans with their rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import insert

from ringback.accounts.plan_entries import PlanEntry
from ringback.accounts.setupfile import SetupError
from ringback.charging import decks
from ringback.charging.rating import Rate
from ringback.setup.work import Work
from ringback.store.models import PlanRow

BATCH = 500
"""Rates put in by one step: some 5 ms."""


def bring_about(work: Work, entry: PlanEntry) -> str:
    """A plan as its entry has it, for the accounts that have it already, too, without its rates;
    `limits` puts its limit in force. Returns its id."""
    what = f"plan {entry.name}"
    account = work.account_id(entry.account, f"{what}: account")
    values = {
        "kind": entry.kind,
        "limit": entry.limit,
        "special_prefixes": list(entry.special_prefixes),
        "packages": [package.model_dump() for package in entry.packages],
    }
    found = work.one(
        PlanRow,
        PlanRow.account_id == account,
        PlanRow.name == entry.name,
        PlanRow.deleted.is_(None),
    )
    if found is None:
        plan_id = work.new_id()
        work.tx.execute(
            insert(PlanRow),
            {"id": plan_id, "account_id": account, "name": entry.name, **values},
        )
        work.changes.append(f"created plan {entry.name}")
    else:
        plan_id = found["id"]
        given = {key: value for key, value in values.items() if key in entry.model_fields_set}
        if given.get("kind") == "prepaid":
            given["limit"] = entry.limit
        work.change(PlanRow, found, what, given)
    return str(plan_id)


@dataclass(frozen=True, slots=True)
class NewDeck:
    """Rates that are to take the place of those of a plan."""

    id: str
    plan: str
    rates: Sequence[Rate]
    told: str

    def batches(self) -> Iterator[Sequence[Rate]]:
        """So many as one step puts in."""
        for start in range(0, len(self.rates), BATCH):
            yield self.rates[start : start + BATCH]


def begin_rates(work: Work, plan_id: str, entry: PlanEntry) -> NewDeck | None:
    """The rates of a plan are to be those of the file, and others to be taken out; None where they
    are so already."""
    wanted = [rate.rate() for rate in entry.rates]
    differs = decks.difference(decks.rates_in_force(work.tx, plan_id), wanted)
    if differs.nothing:
        return None
    if differs.loss and not work.allow_loss:
        raise SetupError(
            f"plan {entry.name}: {differs.loss}: leave rates out of the file, or add --allow-loss"
        )
    deck = NewDeck(
        work.new_id(),
        plan_id,
        sorted(wanted, key=lambda rate: rate.prefix),
        f"plan {entry.name}: rates: {differs.told}",
    )
    decks.begin(work.tx, deck.id, plan_id, "setup file", work.now)
    return deck


def put_rates(work: Work, deck: NewDeck, rates: Sequence[Rate]) -> None:
    """Some of the rates, which are not in force yet."""
    decks.put(work.tx, deck.id, decks.rows(deck.id, rates))


def put_in_force(work: Work, deck: NewDeck) -> None:
    """All of them at once."""
    decks.switch(work.tx, deck.id, deck.plan)
    work.changes.append(deck.told)
