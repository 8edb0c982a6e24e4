"""Sounds in the folders of accounts and extensions."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, read
from ringback.store.models import SoundRow, SoundVariantRow


@dataclass(frozen=True, slots=True)
class OwnSound:
    """A sound in one language."""

    path: str
    language: str
    file: str
    """By which `SoundLibrary.path` finds it."""


@read("setup.sounds", Kind.SOUND, Need(Right.VIEW))
def sounds(act: Act, place: Place) -> list[OwnSound]:
    """The sounds in the folder of an account or extension, in the order of their paths."""
    query = (
        select(SoundRow.path, SoundVariantRow.language, SoundVariantRow.file)
        .join(SoundVariantRow, SoundVariantRow.sound_id == SoundRow.id)
        .where(SoundRow.owner_id == place.id)
    )
    return [OwnSound(*row) for row in sorted(tuple(row) for row in act.tx.execute(query))]
