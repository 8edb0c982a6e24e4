"""Exports of a store, and what they are applied to."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.accounts.helpers import KEY, NOW, Place, convert

from ringback.accounts.setupfile import load_setup
from ringback.management import places
from ringback.management.actor import command_line
from ringback.management.desk import Desk, Identity
from ringback.setup import apply_setup
from ringback.setup.exporting import Export
from ringback.store import Store


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was exported."""

    text: str
    missing: Sequence[str]


def export(
    place: Place, *, who: Identity = command_line, account_id: str = "", sounds: bool = True
) -> Written:
    """All that there is, or an account with what is below it."""
    return asyncio.run(_export(place, who, account_id, sounds=sounds))


async def _export(place: Place, who: Identity, account_id: str, *, sounds: bool) -> Written:
    desk = Desk(place.store, KEY, lambda: NOW, random.Random(5))
    top = await place.store.read(places.top)
    parts: list[str] = []

    def keep(name: str) -> str | None:
        return f"sounds/{name}" if (place.sounds / name).exists() else None

    run = Export(desk, who, account_id or top, parts.append, keep if sounds else None)
    missing = await run.run()
    return Written("".join(parts), missing)


def apply_text(text: str, store: Store, folder: Path) -> list[str]:
    """What applying a text to a store changed."""
    path = folder / "exported.yaml"
    path.write_text(text, encoding="utf-8")
    applied = asyncio.run(
        apply_setup(
            *(load_setup(path), store, KEY, NOW, random.Random(7)),
            currency="GBP",
            home_country="GB",
            folder=folder,
            sounds_folder=folder / "sounds",
            convert=convert,
        )
    )
    return applied.changes
