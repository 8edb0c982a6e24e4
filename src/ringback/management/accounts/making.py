"""An account is made below another one; what an extension has in common with it, too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringback.accounts.account_entry import AnyAccountEntry, columns
from ringback.accounts.entries import AccountEntry
from ringback.accounts.foundation import insert_account
from ringback.amounts import format_amount
from ringback.documents import read_document
from ringback.faults import Fault, Faults, gathered
from ringback.management import places
from ringback.management.accounts import credit, limits
from ringback.management.accounts.giving import plan_meant
from ringback.management.accounts.limits import Limited
from ringback.management.accounts.rows import EXTENSION as EXTENSION
from ringback.management.accounts.rows import document, held, name_faults
from ringback.management.change import Action
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, Done, verb

LEVELS = ("administrator", "provider", "organization", "user", EXTENSION)
"""From the top."""

NEEDS_OF_NEW: Mapping[str, Need] = {
    "name": Need(Right.ACCOUNTS),
    "level": Need(Right.ACCOUNTS),
    "contact_name": Need(Right.ACCOUNTS),
    "country": Need(Right.ACCOUNTS),
    "language": Need(Right.ACCOUNTS),
    "time_zone": Need(Right.ACCOUNTS),
    "status": Need(Right.ACCOUNTS),
    "expires": Need(Right.ACCOUNTS),
    "limits": Need(Right.ACCOUNTS),
    "plan": Need(Right.PLANS),
    "balance": Need(Right.RECHARGE),
    "credit_limit": Need(Right.PLANS),
    "low_credit": Need(Right.PLANS),
    "guards": Need(Right.GUARDS),
    "destinations": Need(Right.GUARDS),
}
"""What is said of a new account, by those who have rights in the account above it."""


@dataclass(frozen=True, slots=True)
class Made:
    """A new account or extension."""

    place: Place
    fields: Mapping[str, tuple[Any, Any]]
    """What is set of it, as a change tells it."""
    credited: list[str]


@verb("account.create", Kind.ACCOUNT, Need(Right.ACCOUNTS), fields=NEEDS_OF_NEW)
def create(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[str]:
    """Make an account below the place. Returns its id. Raises Faults."""
    entry = read_document(AccountEntry, values)
    made = make(act, entry.level, entry, place)
    opening = f" with {format_amount(entry.balance)}" if entry.balance else ""
    line = f"created account {act.actor.path_of(made.place)}{opening}"
    change = act.change(Action.CREATED, made.place, fields=made.fields, line=line)
    return Done(made.place.id, [change], credited=made.credited)


def make(act: Act, level: str, entry: AnyAccountEntry, parent: Place) -> Made:
    """The account of a level, an extension's too, below another one, with its balance, plan and
    credit limit. Raises NotFound where that has been deleted meanwhile, Faults."""
    faults: list[Fault] = []
    plan_id = None
    if level == EXTENSION:
        with gathered(faults):
            limits.see_room(act, Limited.EXTENSIONS, parent, 1, ("account",))
    above = held(act.tx, parent)
    faults += _level_faults(level, above["level"])
    faults += name_faults(act.tx, parent.id, level, entry.name)
    with gathered(faults):
        plan_id = plan_meant(act, entry.plan, parent, parent.chain)
    if faults:
        raise Faults(faults)
    id_, ledger_id = act.new_id(), act.new_id()
    insert_account(
        act.tx,
        id_,
        ledger_id,
        act.now,
        parent_id=parent.id,
        level=level,
        plan_id=plan_id,
        balance=entry.balance,
        who=act.actor.name,
        by_account_id=act.by_account_id,
        **columns(entry, level=level),
    )
    place = places.of_id(act.tx, id_)
    assert place is not None
    return Made(place, _told(act, entry, place), credit.put_in_force(act.tx, id_))


def _level_faults(level: str, of_parent: str) -> list[Fault]:
    if LEVELS.index(level) > LEVELS.index(of_parent):
        return []
    if of_parent == EXTENSION:
        return [Fault(("parent",), "is an extension, below which there is no account")]
    return [Fault(("level",), f"must be below that of the account above, {of_parent}")]


def _told(act: Act, entry: AnyAccountEntry, place: Place) -> dict[str, tuple[Any, Any]]:
    row = held(act.tx, place)
    after = {"level": row["level"], **document(act.tx, row)}
    if entry.balance:
        after["balance"] = format_amount(entry.balance)
    named = {"level", "name", *entry.model_fields_set}
    return {name: (None, value) for name, value in after.items() if name in named}
