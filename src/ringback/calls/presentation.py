"""The callerID that a leg shows (spec section 3)."""

from __future__ import annotations

from dataclasses import dataclass

from ringback.accounts.callback import CallbackSetup, SetBy
from ringback.telephony.port import Shown
from ringback.telephony.trunks import Trunk


@dataclass(frozen=True, slots=True)
class Presented:
    """What is known of the person who rang, as far as a callee may be shown it."""

    number: str | None
    """E.164 of the caller's own number, None when it was hidden."""
    name: str | None
    """The name that the caller's own phone sent."""
    is_own: bool
    """Leg A went to that number, or its PIN was given: it is no forgery."""


def shown_to_callee(
    setup: CallbackSetup,
    contact_name: str,
    public_number: str | None,
    caller: Presented,
    trunk: Trunk,
) -> Shown:
    """What leg B shows. `equipment` falls back to `server` for a number that may be forged or was
    hidden, and so does any number that the trunk does not take."""
    equipment = caller if caller.is_own and caller.number is not None else None

    number = public_number
    if setup.caller_id_number.set_by is SetBy.USER:
        number = _taken(setup.caller_id_number.value, trunk, own=True) or public_number
    elif setup.caller_id_number.set_by is SetBy.EQUIPMENT and equipment:
        number = _taken(equipment.number, trunk, own=False) or public_number

    name: str | None = contact_name
    if setup.caller_id_name.set_by is SetBy.USER:
        name = setup.caller_id_name.value
    elif setup.caller_id_name.set_by is SetBy.EQUIPMENT and equipment and equipment.name:
        name = equipment.name

    return Shown(number=None if number is None else trunk.shown.write(number), name=name)


def shown_to_caller(
    access_number: str | None, public_number: str | None, contact_name: str, trunk: Trunk
) -> Shown:
    """What leg A shows: the access number that was called, so that people know who rings, or the
    extension's public number where the trunk does not take that."""
    number = _taken(access_number, trunk, own=True) or public_number
    return Shown(number=None if number is None else trunk.shown.write(number), name=contact_name)


def _taken(number: str | None, trunk: Trunk, *, own: bool) -> str | None:
    return number if number is not None and trunk.takes(number, own=own) else None
