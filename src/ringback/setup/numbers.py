"""Access numbers: which account holds one, and to which extension it leads.

A number that the file names at an extension only is held by the account of that, unless one above
it holds it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ringback import levels
from ringback.accounts import numbers
from ringback.accounts.callback import SetBy
from ringback.accounts.entries import ExtensionEntry
from ringback.accounts.number_entries import NumberEntry
from ringback.accounts.numbers import Found
from ringback.accounts.setupfile import SetupError
from ringback.changes import Action
from ringback.management import places
from ringback.management.extensions import setups
from ringback.management.numbers import holding
from ringback.management.places import Kind, Place
from ringback.setup.extensions import find
from ringback.setup.work import Work
from ringback.trunks.turns import take_turn


def bring_about(work: Work, entry: NumberEntry) -> None:
    """A number as its entry has it. Whether it is held above where it leads is seen at the end, so
    that the numbers of a file may change places."""
    what = f"access number {entry.number}"
    account = work.place(entry.account, f"{what}: account")
    take_turn(work.tx)
    found = numbers.find(work.tx, entry.number)
    if found is None:
        numbers.add(work.tx, entry.number, account.id, entry.destination)
        _keep(work, Action.CREATED, account, entry.number, {})
        return
    if "account" in entry.model_fields_set and found.account_id != account.id:
        _move(work, found, account, tell=True)
        found = numbers.find(work.tx, entry.number)
        assert found is not None
    if "destination" in entry.model_fields_set and found.destination != entry.destination:
        numbers.change(work.tx, entry.number, destination=entry.destination)
        fields = {"destination": (found.destination, entry.destination)}
        holder = places.of_id_ever(work.tx, found.account_id)
        assert holder is not None
        _keep(work, Action.UPDATED, holder, entry.number, fields)


def _move(work: Work, found: Found, account: Place, *, tell: bool) -> None:
    before = places.of_id_ever(work.tx, found.account_id)
    assert before is not None
    what = f"access number {found.number}"
    work.keep(what, holding.move(work.act, found, before, account), tell=tell)


def _keep(
    work: Work,
    action: Action,
    place: Place,
    number: str,
    fields: Mapping[str, tuple[str | None, str | None]],
    *,
    tell: bool = True,
) -> None:
    kind = Kind.ACCESS_NUMBER
    change = work.act.change(action, place, kind=kind, id=number, name=number, fields=fields)
    work.keep(f"access number {number}", [change], tell=tell)


@dataclass(frozen=True, slots=True)
class Led:
    """The access numbers that an extension is to have."""

    extension: Place
    name: str
    before: tuple[str, ...]
    wanted: tuple[str, ...]

    @property
    def changes(self) -> bool:
        return self.before != self.wanted


def led(work: Work, entries: Sequence[ExtensionEntry]) -> list[Led]:
    """What the file says of where numbers lead, extension by extension."""
    found = []
    for entry in entries:
        extension = find(work, entry)
        if extension is not None and "access_numbers" in entry.model_fields_set:
            wanted = entry.access_numbers
            before = tuple(numbers.leading_to(work.tx, extension.id))
            found.append(Led(extension, entry.name, before, wanted))
    return found


def lead(
    work: Work, its: Led, given_up: Mapping[str, Collection[str]], held: Collection[str]
) -> None:
    """The access numbers of an extension. `given_up` names, by their ids, those that other
    extensions of the file give up: such a number moves in one step. `held` are those of which the
    file says who holds them."""
    account, chain = places.of_id(work.tx, its.extension.chain[1]), its.extension.above
    assert account is not None
    take_turn(work.tx)
    for number in its.wanted:
        found = numbers.find(work.tx, number)
        if found is None:
            numbers.add(work.tx, number, account.id)
            _keep(work, Action.CREATED, account, number, {}, tell=False)
            continue
        other = found.extension_id
        if other not in (None, its.extension.id) and number not in given_up.get(other, ()):
            raise SetupError(
                f"extension {its.name}: access number {number} leads to the extension "
                f"{levels.of_account(work.tx, other)[0].name} already: take it out there first"
            )
        if number not in held and found.account_id not in chain:
            _move(work, found, account, tell=False)
    numbers.lead(work.tx, its.extension.id, its.wanted)
    fields = {"access_numbers": (list(its.before), list(its.wanted))}
    change = work.act.change(Action.UPDATED, its.extension, fields=fields)
    work.keep(f"extension {its.name}", [change])


def see_held(work: Work, number: str) -> None:
    """A number leads only to what is below the account that holds it."""
    found = numbers.find(work.tx, number)
    if found is None or found.extension_id is None:
        return
    extension = places.of_id(work.tx, found.extension_id)
    holder = places.of_id_ever(work.tx, found.account_id)
    if extension is not None and holder is not None and holder.id not in extension.chain:
        raise SetupError(
            f"access number {number}: account: {holder.path} is not above the extension "
            f"{extension.path}, to which it leads: write the account of that, or take the number "
            "out there"
        )


def see_shown(work: Work, entry: ExtensionEntry) -> None:
    """What leg B is shown must be an access number of the account (spec section 3)."""
    extension = find(work, entry)
    if extension is None:
        return
    shown = setups.stored(work.act, extension).setup.caller_id_number
    if shown.set_by is not SetBy.USER:
        return
    found = numbers.find(work.tx, str(shown.value))
    if not numbers.may_be_shown(found, extension.id, extension.chain[1]):
        raise SetupError(
            f"extension {entry.name}: callback.caller_id_number.value: {shown.value} is no access "
            f"number of the account {entry.account}"
        )
