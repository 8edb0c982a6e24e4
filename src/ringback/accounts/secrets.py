"""Passwords and PINs: kept as HMAC-SHA-256 under a key that is not in the database.

Four to twelve digits are too few for a slow hash to protect, and many calls a second check one.
What protects them is the key, in a file of its own, and the lock-out.

A MAC is bound to its owner: HMAC(D, owner's id, HMAC(K, secret)), where K is the key of the file
and D is derived from it. So equal PINs do not look equal, and a MAC is worth nothing in the row of
another. What an older Ringback stored is the inner HMAC, which `foundation` binds without the
secret being known.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, delete, insert, select

from ringback.sealing import Sealer
from ringback.store.models import SettingRow

KEY_BYTES = 32
VOID = "void"
"""What stands for a MAC whose key is lost: there is a secret, and no entry is right."""

_SETTING = "secrets_check"
_CHECKED = "the key of PINs and passwords"
_NO_MAC = "0" * 64
_BINDING = b"ringback: secrets bound to their owner"


class BadKey(Exception):
    """The key file cannot be used; the message says why and how to mend it."""


class Secrets:
    """Makes and compares the MACs of secrets."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._derived = derived(key, _BINDING)

    def mac(self, owner: str, secret: str) -> str:
        """What is stored of a secret of the extension or callerID with the id `owner`."""
        return self.bound(owner, _mac(self._key, secret))

    def bound(self, owner: str, unbound: str) -> str:
        """The MAC of a secret, made of what an older Ringback stored of it."""
        return _mac(self._derived, f"{owner}\0{unbound}")

    def matches(self, owner: str, entry: str, mac: str | None) -> bool:
        """Whether an entry is the owner's secret of that MAC, in the same time for every entry, and
        also where there is no secret at all."""
        return hmac.compare_digest(self.mac(owner, entry), mac or _NO_MAC)

    def check(self) -> str:
        """The MAC of a text that no secret can be, by which the database knows its key."""
        return _mac(self._key, _CHECKED)

    def key_for(self, purpose: str) -> bytes:
        """A key of 32 bytes for another purpose, from which this one cannot be found."""
        return derived(self._key, f"ringback {purpose}".encode())

    def sealer(self, purpose: str) -> Sealer:
        """Encrypts what has to be read again."""
        return Sealer(self.key_for(purpose))


def derived(key: bytes, purpose: bytes) -> bytes:
    """A key of 32 bytes for one purpose, derived from that of the file by HKDF with SHA-256 (RFC
    5869), without salt."""
    return HKDF(SHA256(), 32, salt=None, info=purpose).derive(key)


def _mac(key: bytes, text: str) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def load_secrets(path: Path, *, expected: bool = False) -> Secrets:
    """Read the key file, or make one, for its owner only, where there is none. `expected`: the
    database was made with a key, so that none is made. Raises BadKey."""
    try:
        if not path.exists():
            if expected:
                raise BadKey(
                    f"{path} is missing, the key of PINs and passwords: put it back from a backup, "
                    "or make another with `ringback new-key`, which voids all of them"
                )
            write_key(path, secrets.token_bytes(KEY_BYTES))
        key = path.read_bytes()
    except OSError as error:
        raise BadKey(f"{path}: {error.strerror}") from error
    if len(key) != KEY_BYTES:
        raise BadKey(
            f"{path} is not a key of {KEY_BYTES} bytes: restore it from a backup, or make another "
            "with `ringback new-key`, which voids every PIN and password"
        )
    return Secrets(key)


def write_key(path: Path, key: bytes) -> None:
    """Write a key file, whole or not at all, and never over another: two processes may begin at
    once. Raises OSError."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)  # readable by its owner only
    unnamed = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(unnamed)
    finally:
        unnamed.unlink()


def key_expected(tx: Connection) -> bool:
    """Whether the database was made with a key."""
    return tx.execute(_CHECK).scalar() is not None


def check_key(tx: Connection, own: Secrets) -> None:
    """See that the database's secrets were made with this key; the first key is remembered. Raises
    BadKey."""
    check = own.check()
    there = tx.execute(_CHECK).scalar()
    if there is None:
        remember_key(tx, own)
    elif not hmac.compare_digest(there, check):
        raise BadKey(
            "the key of PINs and passwords is not the one that this database was made with: put "
            "the right secrets.key into data_dir (it is in every backup), or void all of them with "
            "`ringback new-key`"
        )


def remember_key(tx: Connection, own: Secrets) -> None:
    """From now on the database's key is this one."""
    tx.execute(delete(SettingRow).where(SettingRow.name == _SETTING))
    tx.execute(insert(SettingRow), {"name": _SETTING, "value": own.check()})


_CHECK = select(SettingRow.value).where(SettingRow.name == _SETTING)
