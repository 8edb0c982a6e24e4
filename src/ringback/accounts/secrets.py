"""Passwords and PINs: kept as HMAC-SHA-256 under a key that is not in the database.

Four to twelve digits are too few for a slow hash to protect, and many calls a second check one.
What protects them is the key, in a file of its own, and the lock-out.
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
from sqlalchemy import Connection, insert, select

from ringback.store.models import SettingRow

KEY_BYTES = 32

_SETTING = "secrets_check"
_CHECKED = "the key of PINs and passwords"
_NO_MAC = "0" * 64


class BadKey(Exception):
    """The key file cannot be used; the message says why and how to mend it."""


class Secrets:
    """Makes and compares the MACs of secrets."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def mac(self, secret: str) -> str:
        """What is stored of a secret."""
        return hmac.new(self._key, secret.encode(), hashlib.sha256).hexdigest()

    def key_for(self, purpose: str) -> bytes:
        """A key of 32 bytes for another purpose, from which this one cannot be found (HKDF,
        RFC 5869)."""
        return HKDF(SHA256(), 32, salt=None, info=f"ringback {purpose}".encode()).derive(self._key)

    def matches(self, entry: str, mac: str | None) -> bool:
        """Whether an entry is the secret of that MAC, in the same time for every entry, and also
        where there is no secret at all."""
        return hmac.compare_digest(self.mac(entry), mac or _NO_MAC)


def load_secrets(path: Path) -> Secrets:
    """Read the key file, or make one, for its owner only, where there is none. Raises BadKey."""
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise BadKey(f"{path}: {error.strerror}") from error
    if len(key) != KEY_BYTES:
        raise BadKey(
            f"{path} is not a key of {KEY_BYTES} bytes: restore it from a backup, or remove "
            "it and set every PIN and password anew"
        )
    return Secrets(key)


def _make_key(path: Path) -> None:
    """Whole or not at all, and never over another: two processes may begin at once."""
    descriptor, name = tempfile.mkstemp(dir=path.parent)  # readable by its owner only
    unnamed = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(unnamed)
    finally:
        unnamed.unlink()


def check_key(tx: Connection, own: Secrets) -> None:
    """See that the database's secrets were made with this key; the first key is remembered, by
    the MAC of a text that no secret can be. Raises BadKey."""
    check = own.mac(_CHECKED)
    there = tx.execute(select(SettingRow.value).where(SettingRow.name == _SETTING)).scalar()
    if there is None:
        tx.execute(insert(SettingRow), {"name": _SETTING, "value": check})
    elif not hmac.compare_digest(there, check):
        raise BadKey(
            "the key of PINs and passwords is not the one that this database was made with: put "
            "the right secrets.key into data_dir (it belongs to every backup)"
        )
