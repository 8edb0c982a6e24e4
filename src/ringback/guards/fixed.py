"""The fixed guards on both legs: no emergency numbers, no own access numbers, and premium-rate,
shared-cost or satellite numbers only where the plans of all payers list them. Pure.

A number of a known range is judged by its range. Any other may have digits that its range has
not, at its end or in front: networks drop the one and connect as soon as the rest is complete, and
take the other for a trunk prefix or a carrier's. So it is judged by what it begins with.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from enum import Enum, auto
from functools import lru_cache

from phonenumbers import connects_to_emergency_number, country_code_for_region

from ringback.guards.ranges import PREFIXES
from ringback.numbering import matches_prefix
from ringback.numbering.plans import NumberPlan, plan_of, split

EVERYWHERE_EMERGENCY = frozenset({"112", "911", "999"})

REMEMBERED = 4096
"""Numbers whose nature is kept in mind: each is asked about several times a session."""


class Nature(Enum):
    """What a number is that is not dialled like any other."""

    EMERGENCY = auto()
    SPECIAL = auto()


def forbidden(
    e164: str,
    *,
    is_access_number: bool,
    listed_by_all: Callable[[], bool],
    extra_special: Collection[str] = (),
) -> str | None:
    """Why a number must not be dialled, None when it may.

    `listed_by_all` tells whether the plan of every payer lists a prefix of the number, and is
    asked only about one that needs it; `extra_special` are prefixes that the owner adds to those
    known.
    """
    nature = nature_of(e164)
    if nature is Nature.EMERGENCY:
        return "an emergency number"
    if is_access_number:
        return "an access number of this server"
    special = nature is Nature.SPECIAL or (
        bool(extra_special)
        and any(matches_prefix(reading, extra_special) for reading in readings_of(e164))
    )
    if special and not listed_by_all():
        return "a premium-rate or satellite number, which not every payer's plan lists"
    return None


def forbidden_form(e164: str, dialled: str, country: str | None, prepend: str = "") -> str | None:
    """Why a number that `forbidden` lets pass must not be dialled in the form that a trunk gets,
    None when it may.

    `country` is the trunk's: of that country's numbers it wants the first digits left out and
    `prepend` put before the rest, which may be a number of its own.
    """
    whole = e164.removeprefix("+")
    code = "" if country is None else str(country_code_for_region(country))
    if not code or not whole.startswith(code) or dialled.endswith(whole):
        return None  # a whole number, which was judged
    rest = f"+{code}{dialled.removeprefix(prepend)}"
    if rest != e164 and nature_of(rest) is not None:
        return "an emergency, premium-rate or satellite number in the form that the trunk gets"
    plan = plan_of(code)
    if plan.dials(dialled) or plan.emergency.along(prepend).matched:
        return None  # such a prefix is the carrier's own sign, put before every number
    if nature_of(f"+{code}{dialled}") is Nature.EMERGENCY:
        return "an emergency number in the form that the trunk gets"
    return None


def connects_to_emergency(typed: str, country: str) -> bool:
    """Whether an exchange in `country` would have connected to an emergency service before the
    last digit of what was typed. A number there that begins so is only dialled where it needs no
    trunk prefix: Fiji has 917 1234 beside 917."""
    plan = plan_of(str(country_code_for_region(country)))
    return connects_to_emergency_number(typed, country) and not plan.dials(typed)


@lru_cache(REMEMBERED)
def readings_of(e164: str) -> Sequence[str]:
    """The number, and what it is without zeros and prefixes in front of its national part."""
    found = split(e164)
    if found is None:
        return (e164,)
    code, national = found
    return tuple(f"+{code}{reading}" for reading in plan_of(code).readings(national))


@lru_cache(REMEMBERED)
def nature_of(e164: str) -> Nature | None:
    """What the number is; None for one like any other."""
    found = split(e164)
    if found is None:  # of no country that is known: nobody can say what it costs
        emergency = e164.removeprefix("+") in EVERYWHERE_EMERGENCY
        return Nature.EMERGENCY if emergency else Nature.SPECIAL
    code, national = found
    plan = plan_of(code)
    special = plan.is_special(national)
    if special is not None:
        return Nature.SPECIAL if special or _listed(code, national) else None
    readings = plan.readings(national)
    if any(_begins_emergency(plan, reading) for reading in readings):
        return Nature.EMERGENCY
    if any(_listed(code, reading) or _begins_special(plan, reading) for reading in readings):
        return Nature.SPECIAL
    return None


def _listed(code: str, national: str) -> bool:
    return matches_prefix(code + national, PREFIXES)


def _begins_emergency(plan: NumberPlan, national: str) -> bool:
    """Whether a network that reads digit by digit would connect to an emergency service, or wait
    for the rest of its number."""
    if national in EVERYWHERE_EMERGENCY:
        return True
    along = plan.emergency.along(national)
    if not along.matched and (not national or along.digits < len(national)):
        return False
    return plan.is_special(national) is None  # else the beginning of an ordinary number


def _begins_special(plan: NumberPlan, national: str) -> bool:
    """Whether a number is of a premium-rate or shared-cost range, with too many digits or too few,
    or begins as no other numbers do."""
    special = plan.is_special(national)
    if special is not None:
        return special
    if plan.short_premium.along(national).matched:
        return True
    along = plan.special.along(national)
    if along.matched or along.digits == len(national):
        return True
    return along.digits > 0 and not plan.ordinary.begin_with(national[: along.digits])
