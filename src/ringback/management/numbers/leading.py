"""Where access numbers lead: each to one extension at most, whose first one is its public
number."""

from __future__ import annotations

from collections.abc import Sequence

from ringback.accounts import numbers
from ringback.faults import Fault, Faults, twice
from ringback.ids import is_id
from ringback.management import places
from ringback.management.accounts.rows import held
from ringback.management.actor import authorize
from ringback.management.change import Action, Change
from ringback.management.numbers.holding import found_number, holder, shown_faults
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, Done, verb

_SET_UP = Need(Right.SET_UP)
FIELD = "access_numbers"


@verb("number.lead", Kind.ACCESS_NUMBER, _SET_UP, at=holder)
def lead(
    act: Act, place: Place, *, extension_id: str | None, position: int | None = None
) -> Done[None]:
    """Have a number lead to an extension at or below its holder, or nowhere. `position` is its
    place among the numbers there, 0 being the public number; without one it stays where it is, or
    comes last. Raises NotFound and Forbidden about the extension, Faults."""
    found = found_number(act)
    to = None if extension_id is None else _target(act, place, extension_id)
    faults = shown_faults(act, found, "extension", found.account_id, extension_id)
    if position is not None and position < 0:
        faults.append(Fault(("position",), "must be 0 or more"))
    if faults:
        raise Faults(faults)
    changes: list[Change] = []
    if found.extension_id is not None and found.extension_id != extension_id:
        left = places.of_extension(act.tx, found.extension_id)
        rest = numbers.leading_to(act.tx, found.extension_id)
        rest.remove(found.number)
        if left is not None:
            changes += led(act, left, rest)
    if to is not None:
        there = numbers.leading_to(act.tx, to.id)
        others = [number for number in there if number != found.number]
        if position is None:
            position = there.index(found.number) if found.number in there else len(others)
        others.insert(position, found.number)
        changes += led(act, to, others)
    return Done(None, changes)


def _target(act: Act, place: Place, extension_id: str) -> Place:
    found = places.of_extension(act.tx, extension_id) if is_id(extension_id) else None
    extension, _ = authorize(act.actor, Kind.EXTENSION, found, _SET_UP)
    held(act.tx, extension)
    if place.id not in extension.chain:
        raise Faults(
            [
                Fault(
                    ("extension",),
                    "is not below the account that holds the number: hand the number to the "
                    "extension's account, or to one above it, first",
                )
            ]
        )
    return extension


def led(act: Act, extension: Place, wanted: Sequence[str]) -> list[Change]:
    """Have just these numbers lead to an extension, and tell it."""
    before = numbers.leading_to(act.tx, extension.id)
    if before == list(wanted):
        return []
    numbers.lead(act.tx, extension.id, wanted)
    return [act.change(Action.UPDATED, extension, fields={FIELD: (before, list(wanted))})]


def list_faults(
    act: Act, account: Place, extension: Place | None, wanted: Sequence[str]
) -> list[Fault]:
    """What is wrong with the numbers that an extension of an account is to have; None is an
    extension that is not there yet. The caller has waited for its turn. A number that the actor may
    not lead here is refused like one that nobody has."""
    before = [] if extension is None else numbers.leading_to(act.tx, extension.id)
    faults = [*twice(((FIELD, i), number) for i, number in enumerate(wanted))]
    for i, number in enumerate(wanted):
        if number not in before and (fault := _claimed(act, account, number)) is not None:
            faults.append(Fault((FIELD, i), fault))
    for number in before:
        if number not in wanted:
            faults += _given_up(act, account, number)
    return faults


def _claimed(act: Act, account: Place, number: str) -> str | None:
    found = numbers.find(act.tx, number)
    if found is None or not _may_lead(act, account, found.account_id):
        return f"{number} is no access number of the account: have it handed to the account first"
    if found.extension_id is None:
        return None
    path = Sight(act.tx, act.actor).path(found.extension_id)
    return f"{number} leads to the extension {path} already: take it out there first"


def _given_up(act: Act, account: Place, number: str) -> list[Fault]:
    found = numbers.find(act.tx, number)
    assert found is not None
    if not _may_lead(act, account, found.account_id):
        return [Fault((FIELD,), f"{number} was led here from above, and is taken out only there")]
    return shown_faults(act, found, FIELD, found.account_id, None)


def _may_lead(act: Act, account: Place, holder_id: str) -> bool:
    if holder_id not in account.chain:
        return False
    return act.actor.grant(places.of_account(act.tx, holder_id), _SET_UP) is not None
