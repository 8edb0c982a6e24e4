"""E-mails that a verb asks for. Whoever ran the verb sends them, or hands the link on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    """What a link is for."""

    INVITATION = "invitation"
    RESET = "reset"
    EMAIL = "email"


class Notice(StrEnum):
    """What a letter without a link tells."""

    SECOND_FACTOR_RESET = "second factor reset"
    PASSWORD_CHANGED = "password changed"
    ADDRESS_CHANGED = "address changed"


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter. Its token opens what the link is for, so it stands in no log."""

    to: str | None
    """None: the first administrator's, which is printed."""
    what: Purpose | Notice
    token: str | None = None

    def __repr__(self) -> str:
        return f"Letter({self.what!r})"

    def link(self, public_url: str) -> str:
        """The link under `[server] public_url`."""
        return f"{public_url.rstrip('/')}/{self.what}/{self.token}"
