"""Secrets that have to be read again, sealed with a key that is derived from the key file."""

from __future__ import annotations

from ringback.accounts.secrets import Secrets
from ringback.sealing import BadSeal, Sealer

__all__ = ["BadSeal", "seal", "trunk_sealer", "unseal"]


def seal(secrets: Secrets, purpose: str, owner: str, text: str) -> str:
    """The text encrypted. `owner` is the id of whose it is."""
    return secrets.sealer(purpose).seal(owner, text)


def unseal(secrets: Secrets, purpose: str, owner: str, sealed: str) -> str:
    """The text that was sealed. Raises BadSeal."""
    return secrets.sealer(purpose).unseal(owner, sealed)


def trunk_sealer(secrets: Secrets) -> Sealer:
    """For the passwords of trunks."""
    return secrets.sealer("passwords of trunks")
