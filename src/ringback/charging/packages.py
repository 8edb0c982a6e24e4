"""Free minutes: the packages of a plan (spec section 6, "Free minutes").

They belong to the account that the plan was given to, by prefix and calendar month in its zone,
and are shared by all whose calls that plan prices: a block they pay costs neither the callerID nor
the account. They pay whole blocks before money does, never `setup`; what is left over that is
less than a block waits for a shorter one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from ringback.clock import Instant


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one package gives one account in one month."""

    ledger_id: str
    """The account that holds the plan."""
    prefix: str
    """Of the numbers that it is for, without plus."""
    month: str
    """As 2026-11."""
    seconds: int

    @property
    def id(self) -> str:
        return f"{self.ledger_id}/{self.prefix}/{self.month}"


class Entitled(Protocol):
    """Who may have an allowance."""

    @property
    def allowance(self) -> Allowance | None: ...


def allowances_of(payers: Iterable[Entitled]) -> list[Allowance]:
    """The allowances of these payers, each once."""
    found = {payer.allowance.id: payer.allowance for payer in payers if payer.allowance is not None}
    return list(found.values())


def allowance(
    packages: Iterable[Mapping[str, Any]], number: str, ledger_id: str, at: Instant, zone: str
) -> Allowance | None:
    """The allowance for a number (E.164 with its plus) dialled at `at`: that of the package with
    the longest prefix, in the month that it then is in the account's zone. None without one."""
    digits = number.removeprefix("+")
    fitting = [package for package in packages if digits.startswith(package["prefix"])]
    if not fitting:
        return None
    package = max(fitting, key=lambda package: len(package["prefix"]))
    month = datetime.fromtimestamp(at, ZoneInfo(zone)).strftime("%Y-%m")
    return Allowance(ledger_id, package["prefix"], month, package["minutes"] * 60)
