"""The callback setup of an extension: what it is, and changing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from ringback.accounts import numbers
from ringback.accounts.callback import CallbackSetup, from_document, to_document
from ringback.accounts.callback_entry import CallbackEntry
from ringback.accounts.judging import differences, judged, lets_anybody_call
from ringback.documents import read_document
from ringback.faults import Fault, Faults
from ringback.management import places
from ringback.management.change import Action, Change, SecretChange
from ringback.management.places import Kind, Place
from ringback.management.refusals import Forbidden
from ringback.management.rights import Need, Right
from ringback.management.sounds.listing import find as find_sound
from ringback.management.verbs import Act, Done, read, verb
from ringback.sounds.paths import split
from ringback.store.models import ExtensionRow
from ringback.trunks.turns import take_turn

_SET_UP, _OPEN = Need(Right.SET_UP), Need(Right.OPEN_TO_ANYONE)
FIELDS: Mapping[str, Need] = {
    **dict.fromkeys(CallbackEntry.model_fields, _SET_UP),
    "open_to_anyone": _OPEN,
}
_OPENING = ("return_calls", "password", "require_caller_pin", "open_to_anyone")
_SOUNDS = ("disconnect_sound", "no_credit_sound")


@dataclass(frozen=True, slots=True)
class Setup:
    """A setup with all its fields, those too that have their defaults."""

    fields: Mapping[str, Any]
    """As JSON has them. Of the password there is only whether it is set."""
    hints: tuple[Fault, ...]
    """What keeps no call from working, and is not as it was meant, perhaps."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A setup as it is kept."""

    setup: CallbackSetup
    password_mac: str | None

    @property
    def is_open(self) -> bool:
        return lets_anybody_call(self.setup, has_password=self.password_mac is not None)


@dataclass(frozen=True, slots=True)
class Owner:
    """The extension whose setup is judged."""

    id: str
    account_id: str
    numbers: Sequence[str] = ()
    """Access numbers that are about to lead to it."""


@read("callback.get", Kind.EXTENSION, Need(Right.VIEW), at=places.of_extension)
def setup(act: Act, place: Place) -> Setup:
    """The callback setup of an extension."""
    return _shown(act, place, stored(act, place))


@verb("callback.change", Kind.EXTENSION, _SET_UP, at=places.of_extension, fields=FIELDS)
def change(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[Setup]:
    """Change what `values` say of a setup, for new decisions of calls that are live, too. Raises
    Faults with all that the result contradicts, Forbidden where it would let anybody call."""
    entry = read_document(CallbackEntry, values)
    if "caller_id_number" in values:
        take_turn(act.tx)  # before anything is held
    before = stored(act, place, lock=True)
    after = judge(act, place, Owner(place.id, place.chain[1]), before, entry)
    return Done(_shown(act, place, after), put(act, place, before, after))


def judge(
    act: Act,
    place: Place,
    owner: Owner,
    before: Stored,
    entry: CallbackEntry,
) -> Stored:
    """What a change of an extension's setup comes to; `place` is where the actor's rights count.
    Raises Faults, Forbidden."""
    named = entry.model_fields_set
    mac = before.password_mac
    if "password" in named:
        mac = None if entry.password is None else act.secrets.mac(owner.id, entry.password)
    faults = _number_faults(act, owner, entry)
    try:
        setup = judged(before.setup, entry, has_password=mac is not None)
    except Faults as found:
        raise Faults([*found.found, *faults]) from found
    if faults:
        raise Faults(faults)
    after = Stored(setup, mac)
    wider = not before.is_open or before.setup.return_calls is not setup.return_calls
    if after.is_open and wider and act.actor.grant(place, _OPEN) is None:
        refused = [name for name in _OPENING if name in named]
        raise Forbidden("", [Fault((name,), str(_OPEN)) for name in refused])
    return after


def put(act: Act, place: Place, before: Stored, after: Stored) -> list[Change]:
    """Keep a setup, and tell what changed."""
    fields = differences(before.setup, after.setup)
    secrets = {}
    if before.password_mac != after.password_mac:
        secrets["password"] = SecretChange.between(before.password_mac, after.password_mac)
    if not fields and not secrets:
        return []
    values = {"callback": to_document(after.setup), "password_mac": after.password_mac}
    act.tx.execute(update(ExtensionRow).where(ExtensionRow.id == place.id).values(**values))
    return [act.change(Action.UPDATED, place, fields=fields, secrets=secrets)]


def stored(act: Act, place: Place, *, lock: bool = False) -> Stored:
    query = select(ExtensionRow.callback, ExtensionRow.password_mac).where(
        ExtensionRow.id == place.id
    )
    row = act.tx.execute(query.with_for_update(key_share=True) if lock else query).one()
    return Stored(from_document(row.callback), row.password_mac)


def _number_faults(act: Act, owner: Owner, entry: CallbackEntry) -> list[Fault]:
    """What leg B is shown must be an access number of the account (spec section 3). One of somebody
    else is refused like one that nobody has."""
    shown = None if entry.caller_id_number is None else entry.caller_id_number.value
    if shown is None or shown in owner.numbers:
        return []
    take_turn(act.tx)
    if numbers.may_be_shown(numbers.find(act.tx, shown), owner.id, owner.account_id):
        return []
    return [Fault(("caller_id_number", "value"), f"{shown} is no access number of the account")]


def _shown(act: Act, place: Place, stored: Stored) -> Setup:
    fields = stored.setup.model_dump(mode="json", by_alias=True)
    fields["password_set"] = stored.password_mac is not None
    paths = {name: fields[name] for name in _SOUNDS if fields[name] is not None}
    hints = [
        Fault((name,), f"there is no sound {path}: it is skipped until there is")
        for name, path in paths.items()
        if not _is_sound(act, place, path)
    ]
    return Setup(fields, tuple(hints))


def _is_sound(act: Act, place: Place, path: str) -> bool:
    level, name = split(path)
    return level < len(place.chain) and find_sound(act.tx, place, level, name) is not None
