"""What the commands `trunks` and `routes` share: they read and change the ways to the telephone
network."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from ringback.accounts.foundation import lay_foundation
from ringback.accounts.sealing import trunk_sealer
from ringback.cli.lines import say
from ringback.cli.options import CommandError, print_json, ready_database
from ringback.cli.place import made
from ringback.config import Config, load_config
from ringback.faults import Faults
from ringback.ids import new_id
from ringback.sealing import Sealer
from ringback.server.commands import tell_trunks_changed
from ringback.server.run import control_path
from ringback.store import open_store
from ringback.trunks.changes import Altered, InTheWay, NoSuch
from ringback.trunks.stored import Stored, load

Pairs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Fields as in the setup file; KEY= takes out."),
]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a change is made with: a moment, and ids that nothing has yet."""

    sealer: Sealer
    now: float
    ids: Sequence[str]


Verb = Callable[[Connection, Desk], Sequence[Altered | None]]


def stored(config: Config) -> Stored:
    """What there is. Raises CommandError, StoreError."""
    url = ready_database(config)

    async def read() -> Stored:
        store = open_store(url)
        try:
            return await store.read(load)
        finally:
            await store.close()

    return asyncio.run(read())


class _DryRun(Exception):
    """Undoes the unit of work."""

    def __init__(self, changes: Sequence[Altered | None]) -> None:
        super().__init__()
        self.changes = changes


def change(path: Path, verb: Verb, as_json: bool, *, ids: int = 1, dry_run: bool = False) -> None:
    """Make a change, tell the server, and print what changed. Raises CommandError."""
    try:
        changes = asyncio.run(_changed(load_config(path), verb, ids, dry_run=dry_run))
    except Faults as faults:
        raise CommandError("\n".join(map(str, faults.found))) from faults
    except (NoSuch, InTheWay) as error:
        raise CommandError(str(error)) from error
    if as_json:
        print_json([_described(each) for each in changes])
        return
    for line in [line for each in changes for line in each.lines()] or ["nothing changed"]:
        say(f"dry run: {line}" if dry_run else line)


async def _changed(config: Config, verb: Verb, ids: int, *, dry_run: bool) -> list[Altered]:
    async with made(config) as (store, secrets):
        now, chance = time.time(), random.SystemRandom()
        desk = Desk(trunk_sealer(secrets), now, [new_id(now, chance) for _ in range(ids)])
        server = config.server
        seed = chance.getrandbits(256)

        def unit(tx: Connection) -> Sequence[Altered | None]:
            again = random.Random(seed)  # done anew, it gives the same ids
            lay_foundation(tx, secrets, server.currency, server.home_country, now, again)
            changes = verb(tx, desk)
            if dry_run:
                raise _DryRun(changes)
            return changes

        try:
            came = await store.run(unit)
        except _DryRun as dry:
            came = dry.changes
    changes = [each for each in came if each is not None]
    if changes and not dry_run:
        await tell_trunks_changed(control_path(config))
    return changes


def _described(change: Altered) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "id": change.id,
        "name": change.name,
        "action": change.action,
        "fields": {name: list(values) for name, values in change.fields.items()},
        "secrets": dict(change.secrets),
    }
