"""Whether extensions and callerIDs may be used at an instant (spec section 2): not one that is
suspended or disabled, has expired or is deleted, nor an extension below such an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ringback.accounts.tree import CallerIdFacts
from ringback.clock import Instant
from ringback.guards.settings import Kind
from ringback.levels import Level


@dataclass(frozen=True, slots=True)
class OutOfUse:
    """An account, an extension or a callerID that may not be used now."""

    kind: Kind
    id: str
    name: str
    """Of a callerID its number."""
    why: str
    """Such as `is suspended`."""

    def __str__(self) -> str:
        """For whoever sees all levels."""
        return f"{self.kind} {self.name} {self.why}"

    def explained(self) -> str:
        """For everybody who may see the session, with the mending: no account is named, since it
        may be one above theirs."""
        match self.kind:
            case Kind.CALLER_ID:
                return f"its authorized callerID {self.name} {self.why}: see enabled and expires"
            case Kind.EXTENSION:
                return f"its extension {self.why}: see status and expires"
            case Kind.ACCOUNT:
                return "its account, or one above it, is out of use: see status and expires"


def of_extension(levels: Sequence[Level], now: Instant) -> OutOfUse | None:
    """The first of an extension and the accounts above it, the nearest first, that may not be
    used; None: the extension may be."""
    for level in levels:
        kind = Kind.EXTENSION if level.level == "extension" else Kind.ACCOUNT
        suspended = "is suspended" if level.suspended else None
        why = _why(suspended, level.expires, level.deleted, level.time_zone, now)
        if why is not None:
            return OutOfUse(kind, level.id, level.name, why)
    return None


def of_caller_id(who: CallerIdFacts, time_zone: str, now: Instant) -> OutOfUse | None:
    """A callerID that may not be used, whatever its extension says; None: it may be. `time_zone` is
    that in which its expiry is told."""
    disabled = None if who.enabled else "is disabled"
    why = _why(disabled, who.expires, who.deleted, time_zone, now)
    return None if why is None else OutOfUse(Kind.CALLER_ID, who.id, who.number, why)


def _why(
    off: str | None, expires: Instant | None, deleted: Instant | None, time_zone: str, now: Instant
) -> str | None:
    if deleted is not None:
        return "is deleted"
    if expires is not None and expires <= now:
        on = datetime.fromtimestamp(expires, UTC).astimezone(ZoneInfo(time_zone))
        return off or f"expired on {on:%Y-%m-%d} at {on:%H:%M} ({time_zone})"
    return off
