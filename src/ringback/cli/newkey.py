"""`ringback new-key`: another key of PINs and passwords in place of a lost one."""

from __future__ import annotations

import asyncio
import secrets as chance
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ringback.accounts.newkey import replace_key
from ringback.accounts.secrets import (
    KEY_BYTES,
    BadKey,
    Secrets,
    check_key,
    write_key,
)
from ringback.cli.lines import say
from ringback.cli.options import DEFAULT_CONFIG, CommandError, ConfigOption, ready_database
from ringback.config import Config, load_config
from ringback.management.people import second_factor
from ringback.server.run import key_path
from ringback.store import Store, open_store


def command(
    force: Annotated[
        bool, typer.Option("--force", help="Also if the key is there and right.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Make another key in place of a lost one. It voids every PIN, password of an extension and
    second factor, and says whose; nobody gets in by them until they are set anew. Stop the server
    before."""
    loaded = load_config(config)
    ready_database(loaded)
    void, factors = asyncio.run(_replace(loaded, force=force))
    for whose in void:
        say(f"void: {whose}")
    for address in factors:
        say(f"void: second factor of {address}: use ringback logins reset {address}")
    say(f"{key_path(loaded)} is a new key")
    if void:
        say(f"void: {len(void)} PINs and passwords: set them anew in the setup file, and apply it")


async def _replace(config: Config, *, force: bool) -> tuple[list[str], list[str]]:
    """Whose secrets are void, and the addresses of those whose second factor is."""
    path = key_path(config)
    secrets = _there(path)
    store = open_store(config.database_url, serving=True)  # a server has the old key in memory
    try:
        if not force and secrets is not None and await _is_right(store, secrets):
            raise CommandError(
                f"{path} is the right key, and nothing is lost: to void every PIN and password all "
                "the same, add --force"
            )
        new = Secrets(key := chance.token_bytes(KEY_BYTES))
        unnamed = _write(path.with_suffix(".new"), key)
        void = await store.run(lambda tx: (replace_key(tx, new), second_factor.holders(tx)))
        _put_in_place(unnamed, path)
    finally:
        await store.close()
    return void


def _there(path: Path) -> Secrets | None:
    """The key that there is, if it is one. Raises OSError where it cannot be read: then it is not
    lost."""
    if not path.exists():
        return None
    key = path.read_bytes()
    return Secrets(key) if len(key) == KEY_BYTES else None


async def _is_right(store: Store, secrets: Secrets) -> bool:
    try:
        await store.read(lambda tx: check_key(tx, secrets))
    except BadKey:
        return False
    return True


def _write(path: Path, key: bytes) -> Path:
    path.unlink(missing_ok=True)  # left by a command that was killed
    write_key(path, key)
    return path


def _put_in_place(new: Path, path: Path) -> None:
    """A wrong key may be that of another database, so it is kept."""
    if path.exists():
        path.rename(path.with_name(f"{path.name}.{datetime.now():%Y%m%d-%H%M%S}"))
    new.rename(path)
