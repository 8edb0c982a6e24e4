"""Putting a sound into a folder: the one rule, whoever asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ringback.faults import Fault, Faults
from ringback.sounds.convert import Converted
from ringback.sounds.paths import check_new_sound, folders_of
from ringback.sounds.storage import see_room, take_turn
from ringback.store.models import SoundFolderRow, SoundRow, SoundVariantRow


@dataclass(frozen=True, slots=True)
class Shelved:
    """What became of a sound that was put into a folder."""

    sound_id: str
    languages: tuple[str, ...]
    """In which it was there before."""
    before: str | None
    """The file that it had in this language."""


def put(
    tx: Connection,
    chain: Sequence[str],
    path: str,
    language: str,
    upload: Converted,
    new_id: Callable[[], str],
) -> Shelved:
    """Put a converted sound into the folder of the first of `chain`, which has the ids of the owner
    and of all above it: a new sound, another language of one, or another file for one. Folders on
    the way are made. Raises Faults, NoRoom."""
    checked("path", check_new_sound, path)
    owner, limits = chain[0], take_turn(tx, chain)
    variants = _variants(tx, owner, path)
    before = variants.get(language)
    if before is not None and before.file == upload.file:
        return Shelved(before.id, tuple(sorted(variants)), before.file)
    see_room(tx, limits, upload.bytes - (0 if before is None else before.bytes))
    values = {"file": upload.file, "seconds": upload.seconds, "bytes": upload.bytes}
    if before is not None:
        row = SoundVariantRow.sound_id == before.id, SoundVariantRow.language == language
        tx.execute(update(SoundVariantRow).where(*row).values(values))
        return Shelved(before.id, tuple(sorted(variants)), before.file)
    sound_id = next((each.id for each in variants.values()), None)
    if sound_id is None:
        make_way(tx, owner, path, new_id)
        sound_id = new_id()
        tx.execute(insert(SoundRow), {"id": sound_id, "owner_id": owner, "path": path})
    key = {"sound_id": sound_id, "language": language}
    tx.execute(insert(SoundVariantRow), {**key, **values})
    return Shelved(sound_id, tuple(sorted(variants)), None)


def make_way(tx: Connection, owner: str, path: str, new_id: Callable[[], str]) -> None:
    """Make the folders on the way to something new. Raises Faults where a folder and a sound would
    have one path."""
    folders = folders_of(path)
    there = select(SoundFolderRow.path).where(
        SoundFolderRow.owner_id == owner, SoundFolderRow.path.in_([*folders, path])
    )
    have = set(tx.execute(there).scalars())
    in_the_way = select(SoundRow.path).where(
        SoundRow.owner_id == owner, SoundRow.path.in_([*folders, path])
    )
    for taken in sorted(tx.execute(in_the_way).scalars()):
        raise Faults([Fault(("path",), f"there is a sound {taken} already")])
    if path in have:
        raise Faults([Fault(("path",), f"there is a folder {path} already")])
    new = [
        {"id": new_id(), "owner_id": owner, "path": folder, "private": False}
        for folder in folders
        if folder not in have
    ]
    if new:
        tx.execute(insert(SoundFolderRow), new)


def checked(field: str, check: Callable[[str], str], value: str) -> str:
    """A value that a rule takes; raises Faults where it does not."""
    try:
        return check(value)
    except ValueError as error:
        raise Faults([Fault((field,), str(error))]) from error


def _variants(tx: Connection, owner: str, path: str) -> dict[str, Any]:
    query = (
        select(SoundRow.id, SoundVariantRow.language, SoundVariantRow.file, SoundVariantRow.bytes)
        .join(SoundVariantRow, SoundVariantRow.sound_id == SoundRow.id)
        .where(SoundRow.owner_id == owner, SoundRow.path == path)
    )
    return {row.language: row for row in tx.execute(query)}
