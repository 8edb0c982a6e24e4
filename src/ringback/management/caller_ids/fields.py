"""What may be said of a callerID, by whom, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ringback.accounts.entries import CallerIdEntry
from ringback.documents import read_document
from ringback.faults import Fault, Faults
from ringback.management.rights import Need, Right
from ringback.numbering import BadNumber, read_written

_CALLER_IDS, _GUARDS, _RECHARGE = (
    Need(right) for right in (Right.CALLER_IDS, Right.GUARDS, Right.RECHARGE)
)
FIELDS: Mapping[str, Need] = {
    "number": _CALLER_IDS,
    "name": _CALLER_IDS,
    "reference": _CALLER_IDS,
    "note": _CALLER_IDS,
    "pin": _CALLER_IDS,
    "enabled": _CALLER_IDS,
    "expires": _CALLER_IDS,
    "language": _CALLER_IDS,
    "speed_dials": _CALLER_IDS,
    "low_credit": _CALLER_IDS,
    "guards": _GUARDS,
    "destinations": _GUARDS,
    "credit": _RECHARGE,
    "order_number": _RECHARGE,
}
"""By the names of the setup file."""
COMMON_FIELDS = {name: need for name, need in FIELDS.items() if name not in ("number", "pin")}
"""Those that many callerIDs can be given at once."""


def read_entry(values: Mapping[str, Any], country: str, number: str | None = None) -> CallerIdEntry:
    """The entry that values are. Numbers are read as dialled in the country. `number` is that of a
    callerID which is to keep it. Raises Faults."""
    faults: list[Fault] = []
    known = {} if number is None else {"number": number}
    read_values = {**known, **values}
    if "number" in values:
        read_values["number"] = _read(("number",), values["number"], country, faults)
    dials = values.get("speed_dials")
    if isinstance(dials, Mapping):
        read_values["speed_dials"] = {
            key: _read(("speed_dials", str(key)), each, country, faults)
            for key, each in dials.items()
        }
    try:
        entry = read_document(CallerIdEntry, read_values)
    except Faults as error:
        told = {fault.where for fault in faults}
        faults += [fault for fault in error.found if fault.where not in told]
        entry = None
    if faults or entry is None:
        raise Faults(faults)
    return entry


def _read(where: tuple[str, ...], value: Any, country: str, faults: list[Fault]) -> Any:
    if not isinstance(value, str):
        return value
    return attempted(where, lambda: read_written(value, country), faults)


def attempted(
    where: tuple[int | str, ...], reading: Callable[[], str], faults: list[Fault]
) -> str | None:
    """A number, or a fault and None."""
    try:
        return reading()
    except BadNumber as error:
        faults.append(Fault(where, str(error)))
        return None
