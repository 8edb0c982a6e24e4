"""Making a backup, while the server runs: one read transaction sees all tables as of one instant.

Sounds are named by what is in them and never written again, so those that the view names are as
they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from ringback.accounts.secrets import KEY_BYTES, Secrets, check_key, key_expected
from ringback.backup.archive import KEY, BadArchive, Writer, new_archive
from ringback.backup.sealing import seal
from ringback.clock import Instant, utc
from ringback.store import rows
from ringback.store.errors import DATABASE_ERRORS, failure
from ringback.store.models import SoundVariantRow
from ringback.store.opening import database_url, name_of, open_engine
from ringback.store.revision import REVISION, check_revision


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server keeps what is backed up."""

    url: str
    """Of the database."""
    key: Path
    sounds: Path


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What is in a backup."""

    tables: int
    rows: int
    sounds: int
    missing: tuple[str, ...]
    """What should be there and is not, a line each."""


def back_up(place: Place, file: Path, passphrase: str, now: Instant) -> BackedUp:
    """Write a backup to `file`, which only its owner can read, and read it again. Raises
    StoreError, BadKey, BadArchive, OSError; then there is no file."""
    url = database_url(place.url)
    where = name_of(url)
    engine = open_engine(url, read_only=True)
    try:
        with new_archive(file) as archive, engine.connect() as tx, tx.begin():
            check_revision(tx, where)
            counts = [
                archive.table(model.name, [each.name for each in model.columns], found)
                for model in rows.tables()
                for found in [rows.rows_of(tx, model)]
            ]
            named = sorted(set(tx.execute(select(SoundVariantRow.file)).scalars()))
            missing = _put_sounds(archive, place.sounds, named)
            kept = len(named) - len(missing)
            if key_expected(tx):
                key = _key(place.key)
                if key is None:
                    missing.append(f"{place.key} is missing: no PIN or password can be checked")
                else:
                    check_key(tx, Secrets(key))
                    archive.data(KEY, seal(key, passphrase))
            archive.end(REVISION, utc(now).isoformat(timespec="seconds"))
    except DATABASE_ERRORS as error:
        raise failure(error, where) from error
    finally:
        engine.dispose()
    return BackedUp(len(counts), sum(counts), kept, tuple(missing))


def _put_sounds(archive: Writer, folder: Path, named: list[str]) -> list[str]:
    """Returns a line for each that is missing."""
    missing = []
    for name in named:
        try:
            archive.data(f"sounds/{name}", (folder / name).read_bytes())
        except FileNotFoundError:
            missing.append(f"{folder / name} is missing: calls skip this sound")
    return missing


def _key(path: Path) -> bytes | None:
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return None
    if len(key) != KEY_BYTES:
        raise BadArchive(f"{path} is no key: put the right one back, or run ringback new-key")
    return key
