"""Random tokens: of links, sign-in sessions and API keys. Only their hash is stored."""

from __future__ import annotations

import base64
import hashlib
import random

_BYTES = 32


def new_token(chance: random.Random) -> str:
    """256 random bits, in characters that a URL may have."""
    return base64.urlsafe_b64encode(chance.randbytes(_BYTES)).rstrip(b"=").decode()


def hash_of(token: str) -> str:
    """What is stored of a token. So many random bits need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
