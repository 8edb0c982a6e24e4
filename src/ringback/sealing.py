"""Secrets that must be read again, such as the password that a trunk asks for: encrypted in the
database, each bound to its owner (AES-256-GCM, NIST SP 800-38D)."""

from __future__ import annotations

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_FORM = "1:"
"""What a sealed text begins with, so that another form can be told from this one."""


class CannotOpen(ValueError):
    """A sealed text was sealed with another key or for another owner, or is none."""


class Sealer:
    """Seals texts of one kind with a key of their own."""

    def __init__(self, key: bytes) -> None:
        """`key` has 32 bytes, and is used for nothing else."""
        self._cipher = AESGCM(key)

    def seal(self, owner: str, text: str) -> str:
        """The text as it is stored for the owner with that id. Each time it looks different."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, text.encode(), owner.encode())
        return _FORM + base64.b64encode(sealed).decode()

    def open(self, owner: str, sealed: str) -> str:
        """The inverse of `seal`. Raises CannotOpen."""
        try:
            if not sealed.startswith(_FORM):
                raise ValueError("no sealed text")
            data = base64.b64decode(sealed.removeprefix(_FORM), validate=True)
            nonce, encrypted = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
            opened: bytes = self._cipher.decrypt(nonce, encrypted, owner.encode())
            return opened.decode()
        except (InvalidTag, ValueError, binascii.Error) as error:
            raise CannotOpen("it was sealed with another key") from error
