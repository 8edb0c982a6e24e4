"""What the server's owner sets for everybody (spec section 8)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Guards over the whole server."""

    return_calls_per_hour: int = 30
    """To one number; so are those per day."""
    return_calls_per_day: int = 100
    special_prefixes: tuple[str, ...] = ()
    """Premium-rate and satellite prefixes beside those known."""
