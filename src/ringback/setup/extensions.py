"""Extensions and their callback setups."""

from __future__ import annotations

from sqlalchemy import select

from ringback.accounts import numbers
from ringback.accounts.entries import ExtensionEntry
from ringback.accounts.judging import judged
from ringback.accounts.setupfile import SetupError
from ringback.documents import given
from ringback.management import places
from ringback.management.accounts import changing
from ringback.management.extensions import extensions, setups
from ringback.management.extensions.gathering import within
from ringback.management.extensions.setups import Stored
from ringback.management.naming import child
from ringback.management.places import Place
from ringback.setup.accounts import without
from ringback.setup.work import Work
from ringback.store.models import AccountRow

OWN = ("account", "access_numbers", "callback", "caller_ids")
"""What is not said of it as of any account."""


def bring_about(work: Work, entry: ExtensionEntry) -> str:
    """An extension as its entry has it, without its access numbers and callerIDs. Returns its
    id."""
    what = f"extension {entry.name}"
    account = work.place(entry.account, f"{what}: account")
    place = child(work.tx, account, entry.name, extension=True)
    values = without(given(entry), *OWN)
    new = place is None
    if new:
        _see_it_is_new(work, what, entry)
    with work.about(what):
        if place is None:
            made = work.did(what, extensions.create(work.act, account.id, values=values))
            place = places.of_id(work.tx, made)
        else:
            values = without(values, "name", "balance")
            work.did(what, changing.change(work.act, place.id, values=values))
        assert place is not None
        _set_up(work, what, place, entry, tell=not new)
    return place.id


def _set_up(work: Work, what: str, place: Place, entry: ExtensionEntry, *, tell: bool) -> None:
    """Its callback setup. Which number it may show is seen when all numbers are where they are to
    be (`numbers.see_shown`)."""
    named = entry.callback.model_fields_set
    before = setups.stored(work.act, place, lock=True)
    mac = before.password_mac
    if "password" in named:
        password = entry.callback.password
        mac = None if password is None else work.secrets.mac(place.id, password)
    with within("callback"):
        setup = judged(before.setup, entry.callback, has_password=mac is not None)
    changes = setups.put(work.act, place, before, Stored(setup, mac))
    work.keep(what, changes, tell=tell)


def find(work: Work, entry: ExtensionEntry) -> Place | None:
    """The extension that is meant; None where it could not be made."""
    account = work.find(entry.account)
    return None if account is None else child(work.tx, account, entry.name, extension=True)


def _see_it_is_new(work: Work, what: str, entry: ExtensionEntry) -> None:
    """Where another account has an extension of this name, the entry may mean that: a new one
    brings an access number of its own."""
    query = select(AccountRow.parent_id).where(
        AccountRow.name == entry.name,
        AccountRow.level == "extension",
        AccountRow.deleted.is_(None),
    )
    found = (places.of_id(work.tx, str(above)) for above in work.tx.execute(query).scalars())
    others = sorted(each.path for each in found if each is not None)
    if not others:
        return
    leads = (numbers.find(work.tx, number) for number in entry.access_numbers)
    if all(number is not None and number.extension_id is not None for number in leads):
        raise SetupError(
            f"{what}: account: {entry.account} has no extension of this name, but "
            f"{' and '.join(others)} has: write that account; or, for another extension, "
            "access_numbers of its own"
        )
