"""Making extensions, and giving them their access numbers. The rest of an extension is that of any
account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert

from ringback.accounts.callback import CallbackSetup
from ringback.accounts.callback_entry import CallbackEntry
from ringback.accounts.extension_entry import AccessNumbersEntry, NewExtension
from ringback.documents import read_document
from ringback.faults import Fault, Faults, gathered
from ringback.management import places
from ringback.management.accounts import making
from ringback.management.accounts.rows import held
from ringback.management.change import Action, Change
from ringback.management.extensions import setups
from ringback.management.extensions.gathering import within
from ringback.management.extensions.setups import Owner, Stored
from ringback.management.numbers.leading import FIELD, led, list_faults
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, Done, check_fields, verb
from ringback.store.models import ExtensionRow
from ringback.trunks.turns import take_turn

_SET_UP = Need(Right.SET_UP)
NEEDS_OF_NEW: Mapping[str, Need] = {
    **{name: need for name, need in making.NEEDS_OF_NEW.items() if name != "level"},
    FIELD: _SET_UP,
    "callback": _SET_UP,
}
_CHANGED = {FIELD: _SET_UP}
_AS_NEW = Stored(CallbackSetup(), None)


@verb("extension.create", Kind.EXTENSION, Need(Right.ACCOUNTS), fields=NEEDS_OF_NEW)
def create(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[str]:
    """Make an extension of an account, with the setup and access numbers that are named, or the
    defaults and none. (An extension is an account of the lowest level: so who makes accounts makes
    it.) Returns its id. Raises Faults, Forbidden."""
    entry = read_document(NewExtension, values)
    callback = entry.callback or CallbackEntry()
    with within("callback"):
        check_fields(act.actor, place, dict.fromkeys(callback.model_fields_set), setups.FIELDS)
    take_turn(act.tx)
    wanted, made, after = entry.access_numbers or (), None, _AS_NEW
    faults: list[Fault] = []
    with gathered(faults):
        made = making.make(act, making.EXTENSION, entry, place)
    faults += list_faults(act, place, None, wanted)
    with gathered(faults), within("callback"):
        owner = Owner("" if made is None else made.place.id, place.id, wanted)
        after = setups.judge(act, place, owner, _AS_NEW, callback)
    if made is None or faults:
        raise Faults(faults)
    extension = made.place
    act.tx.execute(insert(ExtensionRow), {"id": extension.id, "callback": {}})
    changes: list[Change] = [act.change(Action.CREATED, extension, fields=made.fields)]
    changes += setups.put(act, extension, _AS_NEW, after)
    changes += led(act, extension, wanted)
    return Done(extension.id, changes, credited=made.credited)


@verb("extension.change", Kind.EXTENSION, _SET_UP, at=places.of_extension, fields=_CHANGED)
def change(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[None]:
    """Have just these access numbers lead to an extension, in this order; its other fields are
    changed as those of an account. Raises Faults."""
    entry = read_document(AccessNumbersEntry, values)
    if FIELD not in values:
        return Done(None)
    take_turn(act.tx)
    held(act.tx, place)
    wanted = entry.access_numbers or ()
    account = places.of_account(act.tx, place.chain[1])
    assert account is not None
    faults = list_faults(act, account, place, wanted)
    if faults:
        raise Faults(faults)
    return Done(None, led(act, place, wanted))
