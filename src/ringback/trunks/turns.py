"""Changes of trunks, routes and access numbers take turns, so that each finds names and references
as the one before has left them."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ringback.store.models import AccountRow

_TOP = select(AccountRow.id).where(AccountRow.level == "administrator")


def take_turn(tx: Connection) -> None:
    """Wait until nobody else is changing any, and hold others off until the end of the transaction.
    (SQLite has one writer anyway.)"""
    tx.execute(_TOP.with_for_update(key_share=True))  # new accounts below need not wait
