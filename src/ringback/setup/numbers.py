"""Access numbers: which account holds one, and to which extension it leads.

A number that the file names at an extension only is held by the account of that, unless one above
it holds it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ringback import levels
from ringback.accounts import naming, numbers
from ringback.accounts.callback import SetBy, from_document
from ringback.accounts.entries import ExtensionEntry
from ringback.accounts.number_entries import NumberEntry
from ringback.accounts.setupfile import SetupError
from ringback.setup.extensions import find_extension
from ringback.setup.work import Work, told


def bring_about(work: Work, entry: NumberEntry) -> None:
    """A number as its entry has it. Whether it is held above where it leads is seen at the end."""
    what = f"access number {entry.number}"
    account = work.account_id(entry.account, f"{what}: account")
    found = numbers.find(work.tx, entry.number)
    if found is None:
        numbers.add(work.tx, entry.number, account, entry.destination)
        work.changes.append(f"created {what} of {naming.path(work.tx, account)}")
        return
    values: dict[str, str | None] = {}
    if "account" in entry.model_fields_set and found.account_id != account:
        values["account_id"] = account
        paths = (naming.path(work.tx, id_) for id_ in (found.account_id, account))
        work.changes.append(f"{what}: {told('account', *paths)}")
    if "destination" in entry.model_fields_set and found.destination != entry.destination:
        values["destination"] = entry.destination
        change = told("destination", found.destination, entry.destination)
        work.changes.append(f"{what}: {change}")
    if values:
        numbers.change(work.tx, entry.number, **values)


@dataclass(frozen=True, slots=True)
class Led:
    """The access numbers that an extension is to have."""

    extension: str
    """Its id."""
    account: str
    """The id of its account."""
    name: str
    wanted: tuple[str, ...]
    changes: bool


def led(work: Work, entries: Sequence[ExtensionEntry]) -> list[Led]:
    """What the file says of where numbers lead, extension by extension."""
    found = []
    for entry in entries:
        extension = find_extension(work, entry)
        if extension is not None and "access_numbers" in entry.model_fields_set:
            its, account, wanted = extension["id"], extension["parent_id"], entry.access_numbers
            changes = numbers.leading_to(work.tx, its) != list(wanted)
            found.append(Led(its, account, entry.name, wanted, changes))
    return found


def lead(
    work: Work, its: Led, given_up: Mapping[str, Collection[str]], held: Collection[str]
) -> None:
    """The access numbers of an extension. `given_up` names, by their ids, those that other
    extensions of the file give up: such a number moves in one step. `held` are those of which the
    file says who holds them."""
    chain = [level.id for level in levels.of_account(work.tx, its.account)]
    for number in its.wanted:
        found = numbers.find(work.tx, number)
        if found is None:
            numbers.add(work.tx, number, its.account)
            continue
        other = found.extension_id
        if other not in (None, its.extension) and number not in given_up.get(other, ()):
            raise SetupError(
                f"extension {its.name}: access number {number} leads to the extension "
                f"{levels.of_account(work.tx, other)[0].name} already: take it out there first"
            )
        if number not in held and found.account_id not in chain:
            numbers.change(work.tx, number, account_id=its.account)
    numbers.lead(work.tx, its.extension, its.wanted)
    work.changes.append(f"extension {its.name}: access numbers {', '.join(its.wanted) or 'none'}")


def see_held(work: Work, number: str) -> None:
    """A number leads only to what is below the account that holds it."""
    found = numbers.find(work.tx, number)
    if found is None or found.extension_id is None:
        return
    chain = levels.of_account(work.tx, found.extension_id)
    if found.account_id not in {level.id for level in chain}:
        raise SetupError(
            f"access number {number}: account: {naming.path(work.tx, found.account_id)} is not "
            f"above the extension {naming.path_of(chain)}, to which it leads: write the account of "
            "that, or take the number out there"
        )


def see_shown(work: Work, entry: ExtensionEntry) -> None:
    """What leg B is shown must be an access number of the account (spec section 3)."""
    extension = find_extension(work, entry)
    if extension is None:
        return
    shown = from_document(extension["callback"]).caller_id_number
    if shown.set_by is not SetBy.USER:
        return
    found = numbers.find(work.tx, str(shown.value))
    if not numbers.may_be_shown(found, extension["id"], extension["parent_id"]):
        raise SetupError(
            f"extension {entry.name}: callback.caller_id_number.value: {shown.value} is no access "
            f"number of the account {entry.account}"
        )
