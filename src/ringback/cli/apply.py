"""`ringback apply`: brings about what a setup file says."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import time
from pathlib import Path
from typing import Annotated

import typer

from ringback.accounts.apply import HalfApplied, apply_setup, size_of
from ringback.accounts.entries import SetupFile
from ringback.accounts.secrets import Secrets, key_expected, load_secrets
from ringback.accounts.setupfile import load_setup
from ringback.charging import decks
from ringback.cli.lines import say
from ringback.cli.options import DEFAULT_CONFIG, ConfigOption
from ringback.cli.progress import bars
from ringback.clock import Clock, LoopClock
from ringback.config import Config, load_config
from ringback.server.commands import tell_credited, tell_trunks_changed
from ringback.server.run import control_path, key_path, make_data_dir, sounds_path
from ringback.sounds.convert import convert
from ringback.store import InlineStore, Store, is_missing, migrate, open_store

LEAST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.005, 0.02


def command(
    file: Annotated[Path, typer.Argument(help="The setup file.")],
    config: ConfigOption = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    allow_loss: Annotated[
        bool,
        typer.Option(
            "--allow-loss",
            help="Also take PINs and passwords off, and most of a plan's rates out.",
        ),
    ] = False,
) -> None:
    """Make the changes that a setup file asks for; doing it again changes nothing. All of the file
    is checked first; calls go on meanwhile."""
    loaded, setup = load_config(config), load_setup(file)
    if dry_run:
        changes = asyncio.run(_rehearse(loaded, setup, file.parent, allow_loss=allow_loss))
        for change in changes or ["nothing changed"]:
            say(f"dry run: {change}")
    elif not asyncio.run(_apply(loaded, setup, file.parent, allow_loss=allow_loss)):
        say("nothing changed")


async def _rehearse(
    config: Config, setup: SetupFile, folder: Path, *, allow_loss: bool
) -> list[str]:
    """What would change; a dry run leaves nothing behind."""
    store: Store
    if is_missing(config.database_url):
        secrets, store = Secrets(os.urandom(32)), InlineStore()
    else:
        migrate(config.database_url)
        store = open_store(config.database_url)
        secrets = load_secrets(key_path(config), expected=await store.read(key_expected))
    try:
        with bars() as bar:
            applied = await apply_setup(
                *(setup, store, secrets, time.time(), random.SystemRandom()),
                currency=config.server.currency,
                home_country=config.server.home_country,
                folder=folder,
                sounds_folder=sounds_path(config),
                convert=convert,
                dry_run=True,
                allow_loss=allow_loss,
                checked=bar("checking", size_of(setup)),
            )
    finally:
        await store.close()
    return applied.changes


async def _apply(config: Config, setup: SetupFile, folder: Path, *, allow_loss: bool) -> int:
    """Returns how many changes were made, and printed."""
    make_data_dir(config)
    migrate(config.database_url)
    store = open_store(config.database_url)
    clock = LoopClock(asyncio.get_running_loop())
    credited: list[str] = []
    try:
        secrets = load_secrets(key_path(config), expected=await store.read(key_expected))
        # If a garbage collection over a large file came in a unit of work, calls would wait for it.
        gc.freeze()
        with bars() as bar:
            applied = await apply_setup(
                *(setup, store, secrets, time.time(), random.SystemRandom()),
                currency=config.server.currency,
                home_country=config.server.home_country,
                folder=folder,
                sounds_folder=sounds_path(config),
                convert=convert,
                allow_loss=allow_loss,
                tell=say,
                checked=bar("checking", size_of(setup)),
                applied=bar("applying", size_of(setup)),
                pause=_Pace(clock).pause,
            )
        credited = applied.credited
        await decks.sweep(store, clock)
    except HalfApplied as error:
        credited = error.credited
        raise
    finally:
        await store.close()
        await tell_credited(control_path(config), credited)
        if setup.trunks or setup.routes:
            await tell_trunks_changed(control_path(config))
    return len(applied.changes)


class _Pace:
    """Pauses after each unit of work as long as it took, so that a running server gets its turn:
    SQLite does not queue who waits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.now()

    async def pause(self) -> None:
        now = self._clock.now()
        took = max(LEAST_PAUSE_SECONDS, min(now - self._began, LONGEST_PAUSE_SECONDS))
        await self._clock.sleep_until(now + took)
        self._began = self._clock.now()
