"""Restoring a backup, into an empty place only: all of it, or nothing.

The archive is read as a whole before anything is touched. Tables are made as they were when it was
made, filled, and brought up to date, in one transaction. What was open then is closed: after it
nothing is dialled.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Connection, inspect

from ringback.accounts.secrets import KEY_BYTES, Secrets, check_key, write_key
from ringback.backup.archive import KEY, Archive, BadArchive, open_archive
from ringback.backup.backing_up import Place
from ringback.backup.sealing import unseal
from ringback.calls.recovery import close_all
from ringback.clock import Instant
from ringback.management.people import sign_ins
from ringback.store import rows
from ringback.store.errors import DATABASE_ERRORS, failure
from ringback.store.migrate import make_file, upgrade
from ringback.store.opening import database_files, database_url, name_of, open_engine
from ringback.trunks.stored import trunks_by_name
from ringback.trunks.trunkverbs import stop_registering


class NotEmpty(Exception):
    """Something is there already; nothing was restored."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored."""

    made: str
    """When the backup was made."""
    tables: int
    rows: int
    sounds: int
    key: bool
    expired: int
    """Requests that were open then."""
    interrupted: int
    """Sessions that had an answered leg then."""
    registrations: list[str]
    """The trunks that register no more until they are told to: another server may do so."""
    sign_ins: int
    """Sign-in sessions that were open then; all have ended."""


def restore(
    file: Path,
    place: Place,
    passphrase: str,
    now: Instant,
    *,
    node: str,
) -> Restored:
    """Restore a backup. Raises BadArchive, WrongPassphrase, NotEmpty, StoreError, BadKey, OSError;
    then nothing has changed."""
    with open_archive(file) as archive:
        archive.verify()
        key = _key(archive, file, passphrase)
        _see_no_files(place, key)
        url = database_url(place.url)
        with _undone(url, place) as written:
            with _transaction(url) as tx:
                _fill(tx, archive, name_of(url))
                if key is not None:
                    check_key(tx, Secrets(key))
                closed = close_all(tx, node, now, trunks_by_name(tx))
                registrations = stop_registering(tx)
                ended = sign_ins.end_everybodys(tx, now)
                _write_files(archive, place, key, written)
            written.clear()
        return Restored(
            made=archive.manifest.made,
            tables=len(archive.tables),
            rows=sum(archive.tables.values()),
            sounds=len(archive.sounds),
            key=key is not None,
            expired=closed.expired,
            interrupted=closed.interrupted,
            registrations=registrations,
            sign_ins=ended,
        )


def _key(archive: Archive, file: Path, passphrase: str) -> bytes | None:
    if not archive.has_key:
        return None
    key = unseal(archive.data(KEY), passphrase)
    if len(key) != KEY_BYTES:
        raise BadArchive(f"{file} is damaged: its key is no key")
    return key


def _see_no_files(place: Place, key: bytes | None) -> None:
    if place.key.exists() and place.key.read_bytes() != key:
        raise NotEmpty(f"{place.key} is there already, another key: {_ELSEWHERE}")
    if place.sounds.is_dir() and any(place.sounds.iterdir()):
        raise NotEmpty(f"there are sounds in {place.sounds} already: {_ELSEWHERE}")


_ELSEWHERE = (
    "a backup is restored into an empty place only: give ringback.toml another data_dir or "
    "[database] url, or move away what is there"
)


@contextmanager
def _undone(url: URL, place: Place) -> Iterator[list[Path]]:
    """Files that are in the list at the end are removed, and a database file that was not there
    before."""
    new = [file for file in database_files(place.url) if not file.exists()]
    make_file(url)
    written = list(new)
    try:
        yield written
    finally:
        for path in written:
            path.unlink(missing_ok=True)


@contextmanager
def _transaction(url: URL) -> Iterator[Connection]:
    where = name_of(url)
    engine = open_engine(url)
    try:
        with engine.begin() as tx:
            yield tx
    except DATABASE_ERRORS as error:
        raise failure(error, where) from error
    finally:
        engine.dispose()


def _fill(tx: Connection, archive: Archive, where: str) -> None:
    _make_empty(tx, where)
    upgrade(tx, where, archive.manifest.revision)
    there = set(inspect(tx).get_table_names()) - {"alembic_version"}
    try:
        with rows.in_any_order(tx):
            for name in archive.tables:
                if name not in there:
                    raise BadArchive(f"the backup is damaged: there is no table {name}")
                found = archive.rows(name)
                rows.put_rows(tx, name, next(found), found)
    except (KeyError, ValueError) as error:
        raise BadArchive(f"the backup is damaged: {error}") from error
    for name, expected in archive.tables.items():
        if rows.count(tx, name) != expected:
            raise BadArchive(f"the backup is damaged: rows of {name} are missing")
    rows.go_on_counting(tx)
    upgrade(tx, where)


def _make_empty(tx: Connection, where: str) -> None:
    """Tables of ours without a row are made anew, as they may be of another revision."""
    ours = {model.name for model in rows.tables()} | {"alembic_version"}
    there = ours & set(inspect(tx).get_table_names())
    for name in sorted(there - {"alembic_version"}):
        if rows.count(tx, name):
            raise NotEmpty(f"the database {where} has records already ({name}): {_ELSEWHERE}")
    if tx.dialect.name == "sqlite":
        for name in there:
            tx.exec_driver_sql(f'DROP TABLE "{name}"')
    elif there:
        names = ", ".join(f'"{name}"' for name in sorted(there))
        tx.exec_driver_sql(f"DROP TABLE {names} CASCADE")
        tx.exec_driver_sql("DROP FUNCTION IF EXISTS refuse_change() CASCADE")


def _write_files(archive: Archive, place: Place, key: bytes | None, written: list[Path]) -> None:
    """Sounds and key; whatever is written is in the list before."""
    place.sounds.mkdir(parents=True, exist_ok=True)
    for name in archive.sounds:
        path = place.sounds / name
        written.append(path)
        path.write_bytes(archive.data(f"sounds/{name}"))
    if key is not None and not place.key.exists():
        written.append(place.key)
        write_key(place.key, key)
