"""The file of a backup: a ZIP with a manifest, a member for each table and each sound, and the key.

    manifest.json         what is in it: format, revision of the tables, rows and SHA-256 of each
    tables/NAME.jsonl     the names of the columns, then a row a line, as JSON
    sounds/NAME           converted sounds
    key.sealed            the key of PINs and passwords, sealed by a passphrase

Values are those of the database: amounts as millionths, instants as microseconds, documents as
texts; truth values are `true` and `false` on both kinds of database.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError

from ringback.faults import Section

FORMAT = "ringback backup 1"
KEY = "key.sealed"
_MANIFEST = "manifest.json"
_LARGEST_PART = 64 * 1024 * 1024
"""Bytes of what is in memory as a whole: a row, a sound, the manifest. So a small file that unpacks
to a large one is refused before it is."""
_WHOLE_NUMBERS = range(-(1 << 63), 1 << 63)
_TABLE = re.compile("[a-z][a-z_]*")
_SOUND = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\.wav")
_BLOCK = 1 << 16

_VALUES = (str, int, float, bool, type(None))

Row = list[Any]


class BadArchive(Exception):
    """The file is no backup, or it is damaged; the message says what is wrong with it."""


class Member(Section):
    """What the manifest says of a member."""

    sha256: str
    rows: int | None = None
    """Of a table."""


def _instant(text: str) -> str:
    datetime.fromisoformat(text)
    return text


class Manifest(Section):
    format: str
    revision: Annotated[str, Field(pattern="^[0-9A-Za-z_]{1,40}$")]
    """Of the tables."""
    made: Annotated[str, AfterValidator(_instant)]
    """The time of the view, ISO 8601."""
    members: dict[str, Member]


class Writer:
    """Puts members into an archive."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self.members: dict[str, Member] = {}

    def table(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """The rows of a table; returns how many there are."""
        digest, count = hashlib.sha256(), -1
        with self._file.open(f"tables/{name}.jsonl", "w", force_zip64=True) as member:
            for row in chain([columns], rows):
                line = json.dumps(list(row), ensure_ascii=False).encode() + b"\n"
                digest.update(line)
                member.write(line)
                count += 1
        self.members[f"tables/{name}.jsonl"] = Member(sha256=digest.hexdigest(), rows=count)
        return count

    def data(self, name: str, data: bytes) -> None:
        """A sound or the key."""
        self._file.writestr(name, data)
        self.members[name] = Member(sha256=hashlib.sha256(data).hexdigest())

    def end(self, revision: str, made: str) -> None:
        """Write what the members are."""
        manifest = Manifest(format=FORMAT, revision=revision, made=made, members=self.members)
        self._file.writestr(_MANIFEST, manifest.model_dump_json(indent=1))


@contextmanager
def new_archive(path: Path) -> Iterator[Writer]:
    """Write an archive for its owner only. There is a file at `path` once all of it is written,
    read again and found right. Raises BadArchive, OSError; FileExistsError where there is a file
    already."""
    if path.exists():
        raise FileExistsError(f"{path} is there already: choose another name")
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as raw:
            with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as file:
                yield Writer(file)
            raw.flush()
            os.fsync(raw.fileno())
        with open_archive(unfinished) as written:
            written.verify()
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)


class Archive:
    """A backup that is read."""

    def __init__(self, file: zipfile.ZipFile, manifest: Manifest, path: Path) -> None:
        self._file = file
        self._path = path
        self.manifest = manifest

    @property
    def tables(self) -> dict[str, int]:
        """How many rows there are of each table."""
        return {
            name.removeprefix("tables/").removesuffix(".jsonl"): member.rows or 0
            for name, member in self.manifest.members.items()
            if name.startswith("tables/")
        }

    @property
    def sounds(self) -> list[str]:
        """The names of the sounds."""
        return [
            name.removeprefix("sounds/")
            for name in self.manifest.members
            if name.startswith("sounds/")
        ]

    @property
    def has_key(self) -> bool:
        return KEY in self.manifest.members

    def rows(self, table: str) -> Iterator[Row]:
        """The names of a table's columns, then its rows."""
        width = 0
        with self._file.open(f"tables/{table}.jsonl") as member:
            while True:
                with _damage(self._path):
                    line = member.readline()
                    row = _row(line, width) if line or not width else None
                if row is None:
                    return
                width = len(row)
                yield row

    def data(self, name: str) -> bytes:
        """A sound or the key."""
        with _damage(self._path):
            return self._file.read(name)

    def verify(self) -> None:
        """See that each member is there, whole, and as it was written. Raises BadArchive."""
        for name, member in self.manifest.members.items():
            digest, lines, part = hashlib.sha256(), 0, 0
            with _damage(self._path), self._file.open(name) as opened:
                while block := opened.read(_BLOCK):
                    digest.update(block)
                    lines += block.count(b"\n")
                    ended = -1 if member.rows is None else block.rfind(b"\n")
                    part = len(block) - ended - 1 + (part if ended < 0 else 0)
                    if part > _LARGEST_PART:
                        raise BadArchive(f"{self._path} is damaged: {name} is too large")
            if digest.hexdigest() != member.sha256:
                raise BadArchive(f"{self._path} is damaged: {name} is not what was written")
            if member.rows is not None and lines != member.rows + 1:
                raise BadArchive(f"{self._path} is damaged: rows of {name} are missing")


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Read a backup. Raises BadArchive, OSError."""
    if path.exists() and not path.is_file():
        raise BadArchive(f"{path} is no file")  # a device would be read without end
    with _damage(path):
        file = zipfile.ZipFile(path)
    with file:
        with _damage(path):
            manifest = _manifest(file, path)
        yield Archive(file, manifest, path)


def _manifest(file: zipfile.ZipFile, path: Path) -> Manifest:
    try:
        if file.getinfo(_MANIFEST).file_size > _LARGEST_PART:
            raise BadArchive(f"{path} is no backup of Ringback: its manifest is too large")
        read = json.loads(file.read(_MANIFEST))
        if read["format"] != FORMAT:
            raise BadArchive(
                f"{path} is a backup of another form, {str(read['format'])[:40]!r}: restore it "
                "with the Ringback that made it"
            )
        manifest = Manifest.model_validate(read)
    except (KeyError, TypeError, ValueError, RecursionError, ValidationError) as error:
        raise BadArchive(f"{path} is no backup of Ringback") from error
    for name in manifest.members:
        folder, _, rest = name.partition("/")
        form = {"tables": rf"{_TABLE.pattern}\.jsonl", "sounds": _SOUND.pattern}.get(folder, "")
        if name != KEY and not re.fullmatch(form, rest):
            raise BadArchive(f"{path} is no backup of Ringback: {name[:80]!r} has no place in it")
    return manifest


def _row(line: bytes, width: int) -> Row:
    """A line of a table: its row of so many values, or, if that is 0, the names of its columns.
    Raises ValueError."""
    row = json.loads(line)
    if not isinstance(row, list) or len(row) != (width or len(row)):
        raise ValueError("a row has another form than its table")
    names = not width
    for value in row:
        fits = isinstance(value, str) if names else isinstance(value, _VALUES)
        if not fits or (isinstance(value, int) and value not in _WHOLE_NUMBERS):
            raise ValueError("a value has another form than its table")
    if names and (not row or len(set(row)) < len(row)):
        raise ValueError("a table has no columns, or one of them twice")
    return row


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        KeyError,
        ValueError,
        RecursionError,
    ) as error:
        raise BadArchive(f"{path} is no backup of Ringback, or it is damaged ({error})") from error
    except (NotImplementedError, RuntimeError) as error:  # encrypted, or packed in another way
        raise BadArchive(f"{path} is no backup of Ringback ({error})") from error
