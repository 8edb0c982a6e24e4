"""Accounts, and the plans given to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringback.accounts.entries import AccountEntry
from ringback.accounts.names import ADMINISTRATOR
from ringback.accounts.setupfile import SetupError
from ringback.documents import given
from ringback.management import places
from ringback.management.accounts import changing, making
from ringback.management.naming import child
from ringback.management.places import Place
from ringback.setup.work import Work

MONEY = ("plan", "credit_limit")
"""What depends on plans, which come after the accounts that make them."""


def bring_about(work: Work, entry: AccountEntry) -> None:
    """An account as its entry has it, without what depends on plans."""
    what = f"account {entry.name}"
    values = without(given(entry), "parent", *MONEY)
    place = _find(work, entry)
    with work.about(what):
        if place is None:
            work.did(what, making.create(work.act, _parent(work, entry).id, values=values))
            return
        _see_level(work, entry, place)
        values = without(values, "name", "level", "balance")
        work.did(what, changing.change(work.act, place.id, values=values))


def settle(work: Work, entry: AccountEntry) -> None:
    """The account pays by its plan, and has its credit limit, from now on."""
    place = _find(work, entry)
    values = given(entry)
    money = {name: values[name] for name in MONEY if name in values}
    if place is None:  # it could not be made
        return
    what = f"account {entry.name}"
    with work.about(what):
        work.did(what, changing.change(work.act, place.id, values=money))


def without(values: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The values of other names."""
    return {name: value for name, value in values.items() if name not in names}


def _find(work: Work, entry: AccountEntry) -> Place | None:
    """The account that is meant: below its `parent`; where that is not said, below the
    administrator, or the only one of the name."""
    if entry.name == ADMINISTRATOR:
        return places.of_id(work.tx, places.top(work.tx))
    parent = work.find(entry.parent)
    found = None if parent is None else child(work.tx, parent, entry.name)
    if found is None and "parent" not in entry.model_fields_set:
        return work.find(entry.name)
    return found


def _parent(work: Work, entry: AccountEntry) -> Place:
    parent = work.find(entry.parent)
    if parent is None:
        raise SetupError(
            f"account {entry.name}: there is no account {entry.parent!r} for its parent: put it "
            "before this one"
        )
    return parent


def _see_level(work: Work, entry: AccountEntry, place: Place) -> None:
    level = places.level_of(work.tx, place)
    if "level" in entry.model_fields_set and entry.level != level:
        raise SetupError(f"account {entry.name}: it is there already, as {level}: keep that level")
