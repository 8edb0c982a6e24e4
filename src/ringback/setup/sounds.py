"""Sounds: converted before the unit of work, named by what is in them, then entered.

A file of that name is never written again, so that a call that plays the sound before a change
plays it to its end, and whatever is undone has done no harm.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert

from ringback.accounts.entries import SoundEntry
from ringback.accounts.setupfile import SetupError
from ringback.setup.work import Work
from ringback.store.models import SoundRow

Converter = Callable[[Path, Path], float]
"""Converts a sound file to telephone audio; returns its seconds, raises ValueError."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A converted sound."""

    file: str
    seconds: float


@contextmanager
def converted(
    entries: Iterable[SoundEntry], folder: Path, target: Path, convert: Converter, *, keep: bool
) -> Iterator[Mapping[SoundEntry, Converted]]:
    """Convert all sounds, whose files are relative to `folder`, into `target`; without `keep`
    there is nothing of it afterwards. Raises SetupError with every file that cannot be used."""
    found, faults = {}, []
    with tempfile.TemporaryDirectory() as scratch:
        place = target if keep else Path(scratch)
        for number, entry in enumerate(entries):
            try:
                place.mkdir(parents=True, exist_ok=True)
                found[entry] = _convert(folder / entry.file, place, number, convert)
            except ValueError as error:
                faults.append(f"sound {entry.path}: {error}")
        if faults:
            raise SetupError("\n".join(faults))
        yield found


def _convert(source: Path, place: Path, number: int, convert: Converter) -> Converted:
    unnamed = place / f"apply-{number}.wav"
    seconds = convert(source, unnamed)
    digest = hashlib.sha256(unnamed.read_bytes()).hexdigest()
    named = unnamed.replace(place / f"{digest[:32]}.wav")
    return Converted(named.name, seconds)


def bring_about(work: Work, entry: SoundEntry, sound: Converted) -> None:
    """A converted sound in the folder of its account."""
    what = f"account {entry.account}: sound {entry.path} ({entry.language})"
    owner = work.account_id(entry.account, f"sound {entry.path}: account")
    found = work.one(
        SoundRow,
        SoundRow.owner_id == owner,
        SoundRow.path == entry.path,
        SoundRow.language == entry.language,
    )
    if found is None:
        work.tx.execute(
            insert(SoundRow),
            {
                "id": work.new_id(),
                "owner_id": owner,
                "path": entry.path,
                "language": entry.language,
                "file": sound.file,
                "seconds": sound.seconds,
            },
        )
        work.changes.append(f"{what} added")
    elif found["file"] != sound.file:
        work.change(SoundRow, found, what, {"file": sound.file, "seconds": sound.seconds})
