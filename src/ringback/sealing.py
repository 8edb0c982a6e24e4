"""Secrets that have to be read again (TOTP secrets, passwords of trunks): encrypted, and bound to
their owner, so that none can be put in another's place."""

from __future__ import annotations

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12  # NIST SP 800-38D section 8.2.2: random ones suffice for 2**32 secrets


class BadSeal(ValueError):
    """It was sealed with another key, or for another owner or purpose, or it is damaged."""


class Sealer:
    """Seals texts for one purpose (AES-256-GCM)."""

    def __init__(self, key: bytes) -> None:
        """`key` has 32 bytes, and no other purpose."""
        self._cipher = AESGCM(key)

    def seal(self, owner: str, text: str) -> str:
        """The text encrypted. `owner` is the id of whose it is."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, text.encode(), owner.encode())
        return base64.b64encode(sealed).decode()

    def unseal(self, owner: str, sealed: str) -> str:
        """The text that was sealed. Raises BadSeal."""
        try:
            raw = base64.b64decode(sealed, validate=True)
            nonce, encrypted = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            opened: bytes = self._cipher.decrypt(nonce, encrypted, owner.encode())
            return opened.decode()
        except (InvalidTag, ValueError, binascii.Error) as error:
            raise BadSeal("a stored secret cannot be read with this key") from error
