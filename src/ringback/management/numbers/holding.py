"""Who holds an access number: it is added at the top, handed down, and taken back from above."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from ringback.accounts import numbers
from ringback.accounts.number_entries import NewNumber
from ringback.accounts.numbers import Found
from ringback.documents import read_document
from ringback.faults import Fault, Faults
from ringback.ids import is_id
from ringback.management import places
from ringback.management.accounts.rows import held
from ringback.management.actor import authorize
from ringback.management.change import Action, Change
from ringback.management.places import Kind, Place
from ringback.management.refusals import NotFound
from ringback.management.rights import Need, Reach, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, Done, verb
from ringback.trunks.turns import take_turn

_HAND_OUT = Need(Right.NUMBERS)
_DESTINATION = {"destination": Need(Right.SET_UP)}


def holder(tx: Connection, number: str) -> Place | None:
    """For `at`: the account that holds a number. Waits for its turn first, so that what is found
    holds until the end of the unit of work."""
    take_turn(tx)
    found = numbers.find(tx, number)
    return None if found is None else places.of_id(tx, found.account_id)


def found_number(act: Act) -> Found:
    """The number that a verb is about. Raises NotFound."""
    found = numbers.find(act.tx, act.subject)
    if found is None:
        raise NotFound(Kind.ACCESS_NUMBER)
    return found


@verb("number.add", Kind.ACCESS_NUMBER, Need(Right.NUMBERS, Reach.TOP))
def add(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[str]:
    """Add a public number, with its `destination` if it has one, and hand it to the account.
    Returns it in E.164. Raises Faults."""
    entry = read_document(NewNumber, values)
    take_turn(act.tx)
    held(act.tx, place)
    faults = []
    if numbers.find(act.tx, entry.number) is not None:
        faults.append(Fault(("number",), "is there already"))
    if place.kind is Kind.EXTENSION:
        faults.append(
            Fault(("account",), "is an extension: hand the number to its account, and lead it here")
        )
    if faults:
        raise Faults(faults)
    numbers.add(act.tx, entry.number, place.id, entry.destination)
    fields = {} if entry.destination is None else {"destination": (None, entry.destination)}
    return Done(entry.number, [_told(act, Action.CREATED, place, entry.number, fields)])


@verb("number.hand", Kind.ACCESS_NUMBER, _HAND_OUT, at=holder)
def hand(act: Act, place: Place, *, account_id: str) -> Done[None]:
    """Hand a number to another account in the actor's reach: further down, or back up from there.
    It goes on leading to its extension, and has a destination as before, but not in an account
    beside. Raises NotFound and Forbidden about that account, Faults where the number is in use
    outside it."""
    found = found_number(act)
    to = places.of_account(act.tx, account_id) if is_id(account_id) else None
    to, _ = authorize(act.actor, Kind.ACCOUNT, to, _HAND_OUT)
    if to.id == place.id:
        return Done(None)
    held(act.tx, to)
    faults = shown_faults(act, found, "account", to.id, found.extension_id)
    if found.extension_id is not None:
        extension = places.of_id(act.tx, found.extension_id)
        if extension is None or to.id not in extension.chain:
            faults.append(Fault(("account",), _leads(act, found.extension_id, "not below it")))
    if faults:
        raise Faults(faults)
    return Done(None, move(act, found, place, to))


def move(act: Act, found: Found, place: Place, to: Place) -> list[Change]:
    """Have another account hold a number, and tell both. It keeps its destination, but not in an
    account beside."""
    down, up = place.id in to.chain, to.id in place.chain
    destination = found.destination if down or up else None
    numbers.change(act.tx, found.number, account_id=to.id, destination=destination)
    lost: dict[str, tuple[Any, Any]] = {}
    if destination != found.destination:
        lost = {"destination": (found.destination, None)}
    # Each of both accounts is told of the other only what lies below it.
    left = {"account": (place.seen(place.path), place.seen(to.path) if down else None), **lost}
    came = {"account": (to.seen(place.path) if up else None, to.seen(to.path))}
    return [
        _told(act, Action.UPDATED, where, found.number, fields)
        for where, fields in ((place, left), (to, came))
    ]


@verb("number.change", Kind.ACCESS_NUMBER, Need(Right.SET_UP), at=holder, fields=_DESTINATION)
def change(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[None]:
    """Change the destination of a number. Raises Faults."""
    found = found_number(act)
    entry = read_document(NewNumber, {**values, "number": found.number})
    if "destination" not in values or entry.destination == found.destination:
        return Done(None)
    numbers.change(act.tx, found.number, destination=entry.destination)
    fields = {"destination": (found.destination, entry.destination)}
    return Done(None, [_told(act, Action.UPDATED, place, found.number, fields)])


@verb("number.remove", Kind.ACCESS_NUMBER, Need(Right.NUMBERS, Reach.TOP), at=holder)
def remove(act: Act, place: Place) -> Done[None]:
    """Forget a number that is not in use any more. Raises Faults that name where it is."""
    found = found_number(act)
    faults = shown_faults(act, found, "extension", None, None)
    if found.extension_id is not None:
        faults.append(Fault(("extension",), _leads(act, found.extension_id)))
    if faults:
        raise Faults(faults)
    numbers.remove(act.tx, found.number)
    return Done(None, [_told(act, Action.DELETED, place, found.number, {})])


def shown_faults(
    act: Act, found: Found, field: str, account_id: str | None, extension_id: str | None
) -> list[Fault]:
    """Who shows the number to called parties and could no longer, once it is held by an account and
    leads to an extension."""
    sight = Sight(act.tx, act.actor)
    return [
        Fault(
            (field,),
            f"the extension {sight.path(id_)} shows the number to called parties: change its "
            "caller_id_number first",
        )
        for id_, parent_id in numbers.shown_by(act.tx, found)
        if id_ != extension_id and parent_id != account_id
    ]


def _leads(act: Act, extension_id: str, where: str = "") -> str:
    path = Sight(act.tx, act.actor).path(extension_id)
    which = f"{path}, {where}" if where else path
    return f"the number leads to the extension {which}: let it lead nowhere first"


def _told(
    act: Act, action: Action, place: Place, number: str, fields: Mapping[str, tuple[Any, Any]]
) -> Change:
    return act.change(action, place, kind=Kind.ACCESS_NUMBER, id=number, name=number, fields=fields)
