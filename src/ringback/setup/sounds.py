"""Sounds: converted before the unit of work, named by what is in them, then entered.

A file of that name is never written again, so that a call that plays the sound before a change
plays it to its end, and whatever is undone has done no harm.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import insert

from ringback.accounts.entries import SoundEntry
from ringback.accounts.setupfile import SetupError
from ringback.setup.work import Work
from ringback.sounds.convert import Converted
from ringback.store.models import SoundRow

Converter = Callable[[Path, Path, str], Converted]
"""Converts a sound file into a folder; the last is what its owner calls it. Raises ValueError."""


@contextmanager
def converted(
    entries: Iterable[SoundEntry], folder: Path, target: Path, convert: Converter, *, keep: bool
) -> Iterator[Mapping[SoundEntry, Converted]]:
    """Convert all sounds, whose files are relative to `folder`, into `target`; without `keep`
    there is nothing of it afterwards. Raises SetupError with every file that cannot be used."""
    found, faults = {}, []
    with tempfile.TemporaryDirectory() as scratch:
        place = target if keep else Path(scratch)
        for entry in entries:
            try:
                found[entry] = convert(folder / entry.file, place, entry.file)
            except ValueError as error:
                faults.append(f"sound {entry.path}: {error}")
        if faults:
            raise SetupError("\n".join(faults))
        yield found


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
