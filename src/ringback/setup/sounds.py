"""Sounds: converted before the unit of work, named by what is in them, then entered.

A file of that name is never written again, so that a call that plays the sound before a change
plays it to its end, and whatever is undone has done no harm.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ringback import levels
from ringback.accounts.entries import SoundEntry
from ringback.accounts.setupfile import SetupError
from ringback.faults import Faults
from ringback.setup.work import Work
from ringback.sounds import shelf
from ringback.sounds.convert import Converted
from ringback.sounds.files import held
from ringback.sounds.storage import NoRoom
from ringback.wording import from_to

Converter = Callable[[Path, Path, str], Converted]
"""Converts a sound file into a folder; the last is what its owner calls it. Raises ValueError."""


@contextmanager
def converted(
    entries: Sequence[SoundEntry], folder: Path, target: Path, convert: Converter, *, keep: bool
) -> Iterator[Mapping[SoundEntry, Converted]]:
    """Convert all sounds, whose files are relative to `folder`, into `target`; without `keep`
    there is nothing of it afterwards. Raises SetupError with every file that cannot be used."""
    found, faults = {}, []
    if not entries:
        yield {}
        return
    with tempfile.TemporaryDirectory() as scratch:
        place = target if keep else Path(scratch)
        with held(place):
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
    chain = [level.id for level in levels.of_account(work.tx, owner)]
    try:
        put = shelf.put(work.tx, chain, entry.path, entry.language, sound, work.new_id)
    except Faults as faults:
        raise SetupError("\n".join(f"{what}: {fault}" for fault in faults.found)) from faults
    except NoRoom as full:
        name = levels.of_account(work.tx, full.account_id)[0].name
        raise SetupError(f"{what}: account {name}: {full.told()}") from full
    if put.before is None:
        work.changes.append(f"{what} added")
    elif put.before != sound.file:
        work.changes.append(f"{what}: {from_to('file', put.before, sound.file)}")
