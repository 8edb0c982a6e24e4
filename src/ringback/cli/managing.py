"""How a command has something done at the desk: as the owner of the machine, its refusals in the
command's words."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeVar

from ringback.accounts.secrets import Secrets
from ringback.cli.options import CommandError, ready_database
from ringback.cli.place import found, seen
from ringback.config import Config
from ringback.faults import Faults
from ringback.management.actor import command_line
from ringback.management.desk import Desk
from ringback.management.places import OF_THE_SERVER
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.verbs import Act, Done
from ringback.server.commands import (
    tell_credited,
    tell_standing_changed,
    tell_trunks_changed,
)
from ringback.server.run import control_path
from ringback.store import Store

T = TypeVar("T")


def look(config: Config, deed: Callable[[Act], T]) -> T:
    """Do a read on the database of a configuration. Raises CommandError for what it refuses;
    BadKey, StoreError."""
    return asyncio.run(looked(config, deed))


async def looked(config: Config, deed: Callable[[Act], T]) -> T:
    """The same, within a running loop."""
    return await _at_desk(seen(config), config, lambda desk: desk.read(command_line, deed))


def manage(config: Config, deed: Callable[[Act], Done[T]]) -> Done[T]:
    """Do a verb, likewise, and tell the running server what has become of it."""

    async def work(desk: Desk) -> Done[T]:
        done = await desk.run(command_line, deed)
        await tell(control_path(config), done)
        return done

    return asyncio.run(at_desk(config, work))


async def tell(path: Path, done: Done[Any]) -> None:
    """Tell the running server, if there is one, what it would else find out by and by."""
    if done.credited:
        await tell_credited(path, done.credited)
    if any(change.of_standing for change in done.changes):
        await tell_standing_changed(path)
    if any(change.kind in OF_THE_SERVER for change in done.changes):
        await tell_trunks_changed(path)


async def at_desk(config: Config, work: Callable[[Desk], Awaitable[T]]) -> T:
    """Do several verbs and reads, likewise."""
    return await _at_desk(found(config), config, work)


async def _at_desk(
    place: AbstractAsyncContextManager[tuple[Store, Secrets]],
    config: Config,
    work: Callable[[Desk], Awaitable[T]],
) -> T:
    ready_database(config)
    try:
        async with place as (store, secrets):
            return await work(Desk(store, secrets, time.time, random.SystemRandom()))
    except (NotFound, Forbidden) as refusal:
        raise CommandError(str(refusal)) from refusal
    except Faults as faults:
        raise CommandError("\n".join(str(fault) for fault in faults.found)) from faults


def public_url(config: Config) -> str:
    """What links begin with. Raises CommandError where the configuration does not say it."""
    if config.server.public_url is None:
        raise CommandError(
            "set [server] public_url in ringback.toml first, such as "
            '"https://ringback.example.org": the link begins with it'
        )
    return config.server.public_url
