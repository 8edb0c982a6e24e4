"""How much room sounds take: the limit of each account counts all that lies below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, select

from ringback.store.models import AccountRow, SoundRow, SoundVariantRow

MEGABYTE = 1024 * 1024
DEFAULT_MB = 1024


class NoRoom(Exception):
    """An upload is more than the limit of an account leaves."""

    def __init__(self, account_id: str, used: int, limit: int, more: int) -> None:
        super().__init__(account_id)
        self.account_id = account_id
        self.used = used
        """In bytes, as is what was to come; the limit is in megabytes."""
        self.limit = limit
        self.more = more

    def told(self) -> str:
        """For whoever may know how much there is."""
        return (
            f"{_megabytes(self.used)} of {self.limit} MB are used, and this takes "
            f"{_megabytes(self.more)} MB: remove sounds, or see limits.storage_mb"
        )


def used(tx: Connection, account_ids: Sequence[str]) -> Mapping[str, int]:
    """How many bytes the sounds of these accounts and of all below them take."""
    own = (
        select(
            AccountRow.id.label("owner_id"),
            AccountRow.id.label("account_id"),
            func.sum(SoundVariantRow.bytes).label("bytes"),
        )
        .join(SoundRow, SoundRow.owner_id == AccountRow.id)
        .join(SoundVariantRow, SoundVariantRow.sound_id == SoundRow.id)
        .where(AccountRow.deleted.is_(None))
        .group_by(AccountRow.id)
        .cte("counted", recursive=True)
    )
    counted = own.union_all(
        select(own.c.owner_id, AccountRow.parent_id, own.c.bytes)
        .join(own, AccountRow.id == own.c.account_id)
        .where(AccountRow.parent_id.is_not(None))
    )
    query = (
        select(counted.c.account_id, func.sum(counted.c.bytes))
        .where(counted.c.account_id.in_(account_ids))
        .group_by(counted.c.account_id)
    )
    found = {account_id: int(size) for account_id, size in tx.execute(query)}
    return {account_id: found.get(account_id, 0) for account_id in account_ids}


def take_turn(tx: Connection, account_ids: Sequence[str]) -> Mapping[str, int | None]:
    """The limits of accounts, in megabytes; None: unlimited. Until the unit of work is done, nobody
    else changes what is in their folders, or takes what room is left there."""
    query = (
        select(AccountRow.id, AccountRow.limits)
        .where(AccountRow.id.in_(account_ids))
        .order_by(AccountRow.id)
        .with_for_update(key_share=True)
    )
    found = {row.id: limit_of(row.limits) for row in tx.execute(query)}
    return {account_id: found[account_id] for account_id in account_ids}


def see_room(tx: Connection, limits: Mapping[str, int | None], more: int) -> None:
    """See that a folder may take so many more bytes. `limits` has those of its owner and of all
    accounts above, the nearest first. Raises NoRoom with the nearest account that is full."""
    if more <= 0:
        return
    taken = used(tx, list(limits))
    for account_id, limit in limits.items():
        if limit is not None and taken[account_id] + more > limit * MEGABYTE:
            raise NoRoom(account_id, taken[account_id], limit, more)


def limit_of(limits: Mapping[str, Any]) -> int | None:
    """The limit in megabytes, as an account has it; None: unlimited."""
    stored = limits.get("storage_mb", DEFAULT_MB)
    return stored if isinstance(stored, int) else None


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.1f}"
