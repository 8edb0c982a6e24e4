"""A secret sealed by a passphrase: scrypt (RFC 7914) and AES-256-GCM."""

from __future__ import annotations

import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_SALT_BYTES, _NONCE_BYTES = 16, 12
_COST, _BLOCK, _LANES = 1 << 16, 8, 1
"""64 MB and some 0.3 s for each try."""
_MEMORY_BYTES = 128 * 1024 * 1024
_PURPOSE = b"ringback backup 1: secrets.key"


class WrongPassphrase(Exception):
    """It does not open what was sealed."""


def seal(secret: bytes, passphrase: str) -> bytes:
    """The secret, to be opened with the passphrase only."""
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    return salt + nonce + _cipher(passphrase, salt).encrypt(nonce, secret, _PURPOSE)


def unseal(sealed: bytes, passphrase: str) -> bytes:
    """Raises WrongPassphrase, also where what was sealed has been changed."""
    salt, rest = sealed[:_SALT_BYTES], sealed[_SALT_BYTES:]
    nonce, secret = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
    try:
        return _cipher(passphrase, salt).decrypt(nonce, secret, _PURPOSE)
    except (InvalidTag, ValueError) as error:
        raise WrongPassphrase("the passphrase is not the one that sealed the key") from error


def _cipher(passphrase: str, salt: bytes) -> AESGCM:
    derived = hashlib.scrypt(
        passphrase.encode("utf-8", "surrogateescape"),
        salt=salt,
        n=_COST,
        r=_BLOCK,
        p=_LANES,
        maxmem=_MEMORY_BYTES,
        dklen=32,
    )
    return AESGCM(derived)
