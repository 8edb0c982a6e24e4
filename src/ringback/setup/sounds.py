"""Sounds: converted before the unit of work, named by what is in them, then entered.

A file of that name is never written again, so that a call that plays the sound before a change
plays it to its end, and whatever is undone has done no harm.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ringback.accounts.entries import SoundEntry
from ringback.accounts.setupfile import SetupError
from ringback.management.sounds import changing
from ringback.setup.work import Work
from ringback.sounds.convert import Converted
from ringback.sounds.files import held

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
    owner = work.place(entry.account, f"sound {entry.path}: account")
    with work.about(what):
        done = changing.put(
            *(work.act, owner.id), path=entry.path, language=entry.language, upload=sound
        )
        work.did(what, done)
