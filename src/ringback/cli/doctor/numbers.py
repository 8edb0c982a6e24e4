"""Callers' numbers that a trunk may mean otherwise than they are listed: without their plus, both
the national and the international reading are numbers (spec section 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import phonenumbers
from phonenumbers import PhoneNumberFormat
from sqlalchemy import Connection, select

from ringback.cli.doctor.finding import Finding, warning
from ringback.numbering import BadNumber, NumberForm
from ringback.store.models import CallerIdRow
from ringback.telephony.trunks import Trunk

MOST_NUMBERS = 5000
"""How many listed numbers are looked at."""


def examine_numbers(tx: Connection, trunks: Iterable[Trunk]) -> Iterator[Finding]:
    """Warn of listed numbers that a trunk's own country reads in two ways."""
    query = select(CallerIdRow.number).distinct().order_by(CallerIdRow.number).limit(MOST_NUMBERS)
    listed = list(tx.execute(query).scalars())
    for trunk in trunks:
        found = [told for number in listed if (told := _doubt(number, trunk.caller)) is not None]
        if found:
            more = f"; and {len(found) - 1} more listed numbers" if len(found) > 1 else ""
            yield warning(
                f"trunk {trunk.name}: {found[0]}{more}: have it send callers' numbers with + and "
                "country code; return_calls = caller calls no such number back"
            )


def _doubt(number: str, form: NumberForm) -> str | None:
    """How a number that comes without its plus may be another one; None where it may not."""
    if form.country is None:
        return None
    for text in (number.removeprefix("+"), _national(number, form.country)):
        try:
            reading = form.read(text)
        except BadNumber:
            continue
        others = [each for each in (reading.e164, *reading.others) if each != number]
        if reading.others and others:
            return f"the callerID {number}, sent as {text}, may also be {' or '.join(others)}"
    return None


def _national(number: str, country: str) -> str:
    """As it is dialled in the country; empty where it belongs to another one."""
    parsed = phonenumbers.parse(number)
    if parsed.country_code != phonenumbers.country_code_for_region(country):
        return ""
    written = phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
    return "".join(filter(str.isdigit, written))
