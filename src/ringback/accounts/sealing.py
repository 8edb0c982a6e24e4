"""Secrets that have to be read again (TOTP secrets, passwords of trunks): encrypted with a key that
is derived from the key file, and bound to their owner, so that none can be put in another's place.
"""

from __future__ import annotations

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ringback.accounts.secrets import Secrets

_NONCE_BYTES = 12  # NIST SP 800-38D section 8.2.2: random ones suffice for 2**32 secrets


class BadSeal(Exception):
    """It was sealed with another key, or for another owner or purpose, or it is damaged."""


def seal(secrets: Secrets, purpose: str, owner: str, text: str) -> str:
    """The text encrypted (AES-256-GCM). `owner` is the id of whose it is."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(secrets.key_for(purpose)).encrypt(nonce, text.encode(), owner.encode())
    return base64.b64encode(nonce + sealed).decode()


def unseal(secrets: Secrets, purpose: str, owner: str, sealed: str) -> str:
    """The text that was sealed. Raises BadSeal."""
    try:
        raw = base64.b64decode(sealed, validate=True)
        nonce, encrypted = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
        return AESGCM(secrets.key_for(purpose)).decrypt(nonce, encrypted, owner.encode()).decode()
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise BadSeal("a stored secret cannot be read with this key") from error
