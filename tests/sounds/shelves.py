"""Sounds as rows, in the folders of a chain of accounts."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, insert

from ringback.accounts.foundation import insert_account
from ringback.store.models import SoundRow, SoundVariantRow

OWNERS = ("extension", "user", "organization", "provider", "administrator")
"""The ids of the chain; each is the name of its level."""


def fill(tx: Connection, sounds: Iterable[tuple[str, str, str]]) -> None:
    """The chain, and sounds by owner, path and language; their files are `OWNER-LANGUAGE.wav`."""
    above = None
    for owner in reversed(OWNERS):
        insert_account(
            tx,
            owner,
            f"ledger-{owner}",
            0.0,
            parent_id=above,
            level=owner,
            name=owner,
            contact_name=owner.title(),
        )
        above = owner
    ids: dict[tuple[str, str], str] = {}
    for number, (owner, path, language) in enumerate(sounds):
        if (owner, path) not in ids:
            ids[owner, path] = str(number)
            tx.execute(insert(SoundRow), {"id": str(number), "owner_id": owner, "path": path})
        row = {
            "sound_id": ids[owner, path],
            "language": language,
            "file": f"{owner}-{language}.wav",
            "seconds": 1.0,
            "bytes": 16044,
        }
        tx.execute(insert(SoundVariantRow), row)
