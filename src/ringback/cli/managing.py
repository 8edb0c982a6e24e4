"""How a command has something done at the desk: as the owner of the machine, its refusals in the
command's words."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import TypeVar

from ringback.cli.options import CommandError, ready_database
from ringback.cli.place import found
from ringback.config import Config
from ringback.faults import Faults
from ringback.management.actor import command_line
from ringback.management.desk import Desk
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.verbs import Act

T = TypeVar("T")


def manage(config: Config, deed: Callable[[Act], T]) -> T:
    """Do a verb or a read on the database of a configuration. Raises CommandError for what it
    refuses; BadKey, StoreError."""

    async def done() -> T:
        async with found(config) as (store, secrets):
            desk = Desk(store, secrets, time.time, random.SystemRandom())
            return await desk.run(command_line, deed)

    ready_database(config)
    try:
        return asyncio.run(done())
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
