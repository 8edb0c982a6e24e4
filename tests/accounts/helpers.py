"""A setup document, and a store to apply it to."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml
from sqlalchemy import Connection, func, select

from ringback.accounts.secrets import Secrets
from ringback.accounts.setupfile import SetupError, load_setup
from ringback.charging import ledger
from ringback.charging.decks import rates_in_force
from ringback.charging.rating import Rate
from ringback.setup import apply_setup
from ringback.sounds.convert import Converted
from ringback.store import Store
from ringback.store.models import (
    CallerIdRow,
    PlanRow,
)

T = TypeVar("T")
NOW = 1_800_000_000.0
KEY = Secrets(b"k" * 32)

DOCUMENT: dict[str, Any] = {
    "accounts": [
        {
            "name": "acme",
            "parent": "admin",
            "level": "organization",
            "contact_name": "Acme Travel",
            "country": "GB",
            "time_zone": "Europe/London",
            "language": "en",
            "plan": "retail",
            "balance": "100.00",
        },
        {"name": "anna", "parent": "acme", "level": "user", "contact_name": "Anna"},
    ],
    "extensions": [
        {
            "name": "travellers",
            "account": "anna",
            "access_numbers": ["+442071838750", "+442079460001"],
            "callback": {"ring_seconds": 8, "require_caller_pin": True, "password": "0815"},
            "caller_ids": [
                {
                    "number": "+447700900123",
                    "pin": "0042",
                    "credit": "5.00",
                    "order_number": "A-1",
                    "speed_dials": {"1": "+442079460000"},
                }
            ],
        }
    ],
    "plans": [
        {
            "name": "retail",
            "special_prefixes": ["881"],
            "rates": [{"prefix": "44", "first_price": "0.02", "price_per_minute": "0.02"}],
        }
    ],
}


FIRST = [
    "created account admin",
    "created account acme with 100.00",
    "created account acme/anna",
    "created plan retail of admin",
    "plan retail of admin: rates: 1 added, 0 taken out",
    "account acme: plan none -> retail",
    "created extension acme/anna:travellers",
    "created callerID +447700900123 of acme/anna:travellers",
    "recharged +447700900123 by 5.00 (order A-1)",
    'extension acme/anna:travellers: access_numbers [] -> ["+442071838750", "+442079460001"]',
]
"""What the first application of `DOCUMENT` tells."""


class Place:
    """A folder with a setup file, and a store that is empty at first."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.sounds = folder / "sounds"
        self.store = store
        self.document = copy.deepcopy(DOCUMENT)
        self._chance = random.Random(1)

    def apply(self, **how: Any) -> list[str]:
        """Write the document and apply it: see `applied`."""
        return asyncio.run(self.applied(**how))

    async def applied(
        self,
        *,
        dry_run: bool = False,
        home_country: str = "GB",
        currency: str = "GBP",
        secrets: Secrets = KEY,
        allow_loss: bool = False,
        tell: Callable[[str], None] = lambda change: None,
    ) -> list[str]:
        path = self.folder / "setup.yaml"
        path.write_text(yaml.safe_dump(self.document))
        applied = await apply_setup(
            load_setup(path),
            self.store,
            secrets,
            NOW,
            self._chance,
            currency=currency,
            home_country=home_country,
            folder=self.folder,
            sounds_folder=self.sounds,
            convert=convert,
            dry_run=dry_run,
            allow_loss=allow_loss,
            tell=tell,
        )
        return applied.changes

    def read(self, work: Callable[[Connection], T]) -> T:
        return asyncio.run(self.store.read(work))

    def run(self, work: Callable[[Connection], T]) -> T:
        return asyncio.run(self.store.run(work))


def convert(source: Path, folder: Path, name: str) -> Converted:
    """In place of the conversion, which has tests of its own."""
    if not source.exists():
        raise ValueError(f"{name}: there is no such file")
    folder.mkdir(exist_ok=True)
    data = source.read_bytes()
    file = folder / f"{hashlib.sha256(data).hexdigest()[:32]}.wav"
    file.write_bytes(data)
    return Converted(file.name, 1.5, len(data))


def credit(place: Place, number: str = "+447700900123") -> ledger.Balance:
    def work(tx: Connection) -> ledger.Balance:
        ledger_id = tx.execute(
            select(CallerIdRow.ledger_id).where(CallerIdRow.number == number)
        ).scalar()
        assert ledger_id is not None
        return ledger.balance(tx, ledger_id)

    return place.read(work)


def faults(place: Place) -> list[str]:
    with pytest.raises(SetupError) as caught:
        place.apply()
    return str(caught.value).split("\n")


def extension_of(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = place.document["extensions"][0]
    return found


def caller_id_of(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = extension_of(place)["caller_ids"][0]
    return found


def count(place: Place, model: type[Any]) -> int:
    return place.read(lambda tx: tx.execute(select(func.count()).select_from(model)).scalar_one())


def rates_of(place: Place, plan: str) -> list[Rate]:
    def work(tx: Connection) -> list[Rate]:
        plan_id = tx.execute(select(PlanRow.id).where(PlanRow.name == plan)).scalar_one()
        return rates_in_force(tx, plan_id)

    return place.read(work)
