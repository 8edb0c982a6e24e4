"""The files of the converted sounds, which no row may name any more.

A file is named by what is in it and never written over; a call that plays one plays it to its end.
So when a sound is replaced or removed, its file stays for two days, and is removed by a sweep then.
The sweep cannot meet an upload: who uploads holds the folder from before the file is there until
its row is committed, and the sweep does its work only while nobody holds it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, delete, insert, select

from ringback.clock import Instant
from ringback.store import Store
from ringback.store.models import (
    AccountRow,
    SoundFolderRow,
    SoundRow,
    SoundVariantRow,
    UnwantedSoundRow,
)

KEPT_SECONDS = 2 * 86400
_AT_ONCE = 500
"""The most files that are named in one statement."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Nothing is swept meanwhile. It may wait for a sweep, so not on an event loop."""
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder, fcntl.LOCK_SH):
        yield


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    """The lock is that of the folder itself, and goes with the process that has it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


async def sweep(store: Store, folder: Path, now: Instant) -> int:
    """Remove the files that no row has named for two days, unless somebody is uploading just now.
    Returns how many. Raises StoreError, OSError."""
    try:
        with _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            there = await asyncio.to_thread(_files, folder)
            gone = await store.run(lambda tx: unwanted(tx, there, now))
            await asyncio.to_thread(_remove, folder, gone)
            return len(gone)
    except (BlockingIOError, FileNotFoundError):
        return 0


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def _remove(folder: Path, names: Sequence[str]) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)


def unwanted(tx: Connection, there: Collection[str], now: Instant) -> list[str]:
    """The files, of those that are there, that no row has named for so long. Which ones nobody
    names is noted from one time to the next; sounds of deleted accounts are forgotten."""
    _forget_deleted(tx)
    named = set(tx.execute(select(SoundVariantRow.file).distinct()).scalars())
    since = {row.file: row.since for row in tx.execute(select(UnwantedSoundRow.__table__))}
    unnamed = {name for name in there if name not in named}
    gone = sorted(name for name in unnamed if since.get(name, now) <= now - KEPT_SECONDS)
    new = [{"file": name, "since": now} for name in sorted(unnamed) if name not in since]
    if new:
        tx.execute(insert(UnwantedSoundRow), new)
    over = sorted({*since} - unnamed | {*gone})
    for start in range(0, len(over), _AT_ONCE):
        some = over[start : start + _AT_ONCE]
        tx.execute(delete(UnwantedSoundRow).where(UnwantedSoundRow.file.in_(some)))
    return gone


def _forget_deleted(tx: Connection) -> None:
    owners = select(AccountRow.id).where(AccountRow.deleted.is_not(None))
    sounds = select(SoundRow.id).where(SoundRow.owner_id.in_(owners))
    tx.execute(delete(SoundVariantRow).where(SoundVariantRow.sound_id.in_(sounds)))
    tx.execute(delete(SoundRow).where(SoundRow.owner_id.in_(owners)))
    tx.execute(delete(SoundFolderRow).where(SoundFolderRow.owner_id.in_(owners)))
