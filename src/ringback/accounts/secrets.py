"""Passwords and PINs: kept as HMAC-SHA-256 under a key that is not in the database.

Four to twelve digits are too few for a slow hash to protect, and many calls a second check one.
What protects them is the key, in a file of its own, and the lock-out.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

KEY_BYTES = 32


class BadKey(Exception):
    """The key file cannot be used; the message says why and how to mend it."""


class Secrets:
    """Makes and compares the MACs of secrets."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def mac(self, secret: str) -> str:
        """What is stored of a secret."""
        return hmac.new(self._key, secret.encode(), hashlib.sha256).hexdigest()

    def matches(self, entry: str, mac: str | None) -> bool:
        """Whether an entry is the secret of that MAC, in the same time for every entry, and also
        where there is no secret at all."""
        return hmac.compare_digest(self.mac(entry), mac or "") and mac is not None


def load_secrets(path: Path) -> Secrets:
    """Read the key file, or make one where there is none. Raises BadKey."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) != KEY_BYTES:
            raise BadKey(
                f"{path} is not a key of {KEY_BYTES} bytes: restore it from a backup, or remove "
                "it and set every PIN and password anew"
            ) from None
        return Secrets(key)
    except OSError as error:
        raise BadKey(f"{path}: {error.strerror}") from error
    key = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return Secrets(key)
