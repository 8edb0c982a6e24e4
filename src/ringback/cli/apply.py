"""`ringback apply`: brings about what a setup file says."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ringback.accounts.entries import SetupFile
from ringback.accounts.schema import setup_schema
from ringback.accounts.secrets import Secrets
from ringback.accounts.setupfile import load_setup
from ringback.charging import decks
from ringback.cli.lines import say
from ringback.cli.options import DEFAULT_CONFIG, ConfigOption, print_json
from ringback.cli.place import found, made
from ringback.cli.progress import bars
from ringback.clock import LoopClock
from ringback.config import Config, load_config
from ringback.server.commands import tell_credited, tell_standing_changed, tell_trunks_changed
from ringback.server.run import control_path, sounds_path
from ringback.setup import Applied, HalfApplied, apply_setup, size_of
from ringback.sounds.convert import convert
from ringback.store import InlineStore, Store, is_missing, migrate
from ringback.store.pace import Pace


def _print_schema(wanted: bool) -> None:
    if wanted:
        print_json(setup_schema())
        raise typer.Exit


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
    schema: Annotated[
        bool,
        typer.Option(
            "--schema",
            callback=_print_schema,
            is_eager=True,
            help="Print the JSON Schema of setup files, for editors.",
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
    async with _rehearsed_on(config) as (store, secrets):
        with bars() as bar:
            applied = await _apply_to(
                *(store, secrets, config, setup, folder),
                dry_run=True,
                allow_loss=allow_loss,
                checked=bar("checking", size_of(setup)),
            )
    return applied.changes


@asynccontextmanager
async def _rehearsed_on(config: Config) -> AsyncIterator[tuple[Store, Secrets]]:
    """The database, or one in memory where there is none."""
    if is_missing(config.database_url):
        yield InlineStore(), Secrets(os.urandom(32))
    else:
        migrate(config.database_url)
        async with found(config) as place:
            yield place


async def _apply(config: Config, setup: SetupFile, folder: Path, *, allow_loss: bool) -> int:
    """Returns how many changes were made, and printed."""
    clock = LoopClock(asyncio.get_running_loop())
    credited: list[str] = []
    try:
        async with made(config) as (store, secrets):
            # If a garbage collection over a large file came in a unit of work, calls would wait
            # for it.
            gc.freeze()
            with bars() as bar:
                applied = await _apply_to(
                    *(store, secrets, config, setup, folder),
                    allow_loss=allow_loss,
                    tell=say,
                    checked=bar("checking", size_of(setup)),
                    applied=bar("applying", size_of(setup)),
                    pause=Pace(clock).pause,
                )
            credited = applied.credited
            await decks.sweep(store, clock)
    except HalfApplied as error:
        credited = error.credited
        raise
    finally:
        await tell_credited(control_path(config), credited)
        await tell_standing_changed(control_path(config))
        if setup.trunks or setup.routes:
            await tell_trunks_changed(control_path(config))
    return len(applied.changes)


async def _apply_to(
    store: Store, secrets: Secrets, config: Config, setup: SetupFile, folder: Path, **how: Any
) -> Applied:
    """`apply_setup`, with what both have in common."""
    return await apply_setup(
        *(setup, store, secrets, time.time(), random.SystemRandom()),
        currency=config.server.currency,
        home_country=config.server.home_country,
        folder=folder,
        sounds_folder=sounds_path(config),
        convert=convert,
        **how,
    )
