"""Paths of accounts, as commands and files name them (spec section 11)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from ringback import levels
from ringback.accounts.names import ADMINISTRATOR
from ringback.levels import Level


def path(tx: Connection, account_id: str) -> str:
    """The names of the accounts from below the administrator to this one: `northline/acme`; of an
    extension `northline/acme:travellers`."""
    return path_of(levels.of_account(tx, account_id))


def path_of(found: Sequence[Level]) -> str:
    """The path of the first of these levels, the others being those above it."""
    itself, *above = found
    if itself.level == "extension":
        return f"{path_of(above)}:{itself.name}"
    return "/".join(level.name for level in reversed(found[:-1])) or ADMINISTRATOR
