"""Files of sounds that no row names go, once a day."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ringback.clock import Clock
from ringback.sounds.files import sweep
from ringback.store import Store, StoreError

EVERY_SECONDS = 86400.0


async def sweep_daily(
    store: Store, folder: Path, clock: Clock, report: Callable[[str], None]
) -> None:
    """Runs until it is cancelled."""
    while True:
        try:
            await sweep(store, folder, clock.now())
        except (StoreError, OSError) as error:
            report(f"files of sounds that nobody needs could not be removed: {error}")
        await clock.sleep_until(clock.now() + EVERY_SECONDS)
