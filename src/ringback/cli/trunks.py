"""`ringback trunks` and `ringback routes`: what the setup file says of them, by hand."""

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
from ringback.accounts.secrets import key_expected, load_secrets
from ringback.cli.lines import say
from ringback.cli.options import (
    DEFAULT_CONFIG,
    CommandError,
    ConfigOption,
    plain_table,
    print_json,
    ready_database,
    wide_console,
)
from ringback.cli.pairs import read_pairs, shown
from ringback.cli.trunkfile import read_trunk_file
from ringback.cli.trunktest import ask_trunk
from ringback.config import Config, load_config
from ringback.faults import Faults
from ringback.ids import new_id
from ringback.sealing import Sealer
from ringback.server.commands import tell_trunks_changed
from ringback.server.run import control_path, key_path, make_data_dir
from ringback.store import Store, migrate, open_store
from ringback.trunks.changes import Altered, InTheWay, NoSuch
from ringback.trunks.entries import RouteEntry, TrunkEntry
from ringback.trunks.presets import PRESETS
from ringback.trunks.routeverbs import add_route, change_route, put_route, remove_route
from ringback.trunks.stored import Stored, load, opened
from ringback.trunks.trunkverbs import add_trunk, change_trunk, put_trunk, remove_trunk

trunks = typer.Typer(help="The ways to the telephone network.", no_args_is_help=True)
routes = typer.Typer(help="Which trunks carry the calls to which numbers.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="The name of the trunk.")]
PrefixArgument = Annotated[
    str, typer.Argument(help='Leading digits of the numbers, without +; "" for every number.')
]
Pairs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Fields as in the setup file; KEY= takes out."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]


@dataclass(frozen=True, slots=True)
class _Desk:
    """What a change is made with: a moment, and ids that nothing has yet."""

    sealer: Sealer
    now: float
    ids: Sequence[str]


Verb = Callable[[Connection, _Desk], Sequence[Altered | None]]


@trunks.command(name="list")
def list_trunks(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List the trunks with what is set of each."""
    found = [each.described() for each in _stored(load_config(config)).trunks]
    if as_json:
        print_json(found)
        return
    table = plain_table("trunk", "host", "")
    for trunk in found:
        rest = {name: value for name, value in trunk.items() if name not in ("id", "name", "host")}
        told = (f"{name}={shown(value)}" for name, value in rest.items() if value not in (None, []))
        table.add_row(trunk["name"], trunk.get("host"), "  ".join(told))
    wide_console().print(table)


@trunks.command(name="presets")
def list_presets(as_json: JsonOption = False) -> None:
    """List the carriers that Ringback knows."""
    if as_json:
        print_json(
            [
                {"name": name, "title": each.title, "page": each.page, **each.values}
                for name, each in PRESETS.items()
            ]
        )
        return
    table = plain_table("preset", "carrier", "documented at")
    for name, each in PRESETS.items():
        table.add_row(name, each.title, each.page)
    wide_console().print(table)


@trunks.command(name="add")
def add_(
    name: NameArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a trunk: ringback trunks add london-1 host=sip.example.net user=acme password=-"""
    said = {**_trunk_pairs(pairs), "name": name}
    _change(config, lambda tx, desk: [add_trunk(tx, said, desk.sealer, desk.ids[0])], as_json)


@trunks.command(name="change")
def change_(
    name: NameArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change a trunk, for new calls; name=NEW renames it."""
    said = _trunk_pairs(pairs)
    _change(
        config,
        lambda tx, desk: [change_trunk(tx, name, said, desk.now, desk.sealer, desk.ids[0])],
        as_json,
    )


@trunks.command(name="remove")
def remove_(
    name: NameArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Remove a trunk that no route names. Its calls go on."""
    _change(config, lambda tx, desk: [remove_trunk(tx, name, desk.now)], as_json)


@trunks.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="A ringback.toml with [[trunk]] and [[route]].")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Bring trunks and routes of a configuration file into the database."""
    found = read_trunk_file(file)

    def verb(tx: Connection, desk: _Desk) -> list[Altered | None]:
        ids = iter(desk.ids)
        return [
            *(put_trunk(tx, each, desk.now, desk.sealer, next(ids)) for each in found.trunks),
            *(put_route(tx, each, next(ids)) for each in found.routes),
        ]

    _change(config, verb, as_json, ids=found.count, dry_run=dry_run)
    if not dry_run and not as_json:
        say(f"now take the [[trunk]] and [[route]] tables out of {file}: serve refuses them")


@trunks.command(name="test")
def test_(
    name: NameArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Ask a trunk whether it is there and lets us in; exits with 1 if not."""
    loaded = load_config(config)
    secrets = load_secrets(key_path(loaded), expected=True)
    there = opened(_stored(loaded), trunk_sealer(secrets))
    trunk = next((each for each in there.trunks if each.name == name), None)
    if trunk is None:
        raise CommandError(f"there is no trunk {name!r}")
    found = asyncio.run(ask_trunk(loaded.sip, trunk))
    if as_json:
        print_json(found.described())
    else:
        for line in found.lines():
            say(line)
    raise typer.Exit(0 if found.works else 1)


@routes.command(name="list")
def list_routes(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List the routes."""
    found = [each.described() for each in _stored(load_config(config)).routes]
    if as_json:
        print_json(found)
        return
    table = plain_table("prefix", "trunks", "weights")
    for route in found:
        table.add_row(
            route["prefix"] or "every number", shown(route["trunks"]), shown(route["weights"])
        )
    wide_console().print(table)


@routes.command(name="add")
def add_route_(
    prefix: PrefixArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a route: ringback routes add 44 trunks=london-1,london-2"""
    said = {**read_pairs(pairs or [], RouteEntry), "prefix": prefix}
    _change(config, lambda tx, desk: [add_route(tx, said, desk.ids[0])], as_json)


@routes.command(name="change")
def change_route_(
    prefix: PrefixArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change a route, for new calls; prefix=NEW gives it another prefix."""
    said = read_pairs(pairs or [], RouteEntry)
    _change(config, lambda tx, desk: [change_route(tx, prefix, said)], as_json)


@routes.command(name="remove")
def remove_route_(
    prefix: PrefixArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Remove a route."""
    _change(config, lambda tx, desk: [remove_route(tx, prefix)], as_json)


def _trunk_pairs(pairs: Sequence[str] | None) -> dict[str, Any]:
    return read_pairs(pairs or [], TrunkEntry, secret="password")


def _stored(config: Config) -> Stored:
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


def _change(path: Path, verb: Verb, as_json: bool, *, ids: int = 1, dry_run: bool = False) -> None:
    """Make a change, tell the server, and print what changed. Raises CommandError."""
    try:
        changes = asyncio.run(_made(load_config(path), verb, ids, dry_run=dry_run))
    except Faults as faults:
        raise CommandError("\n".join(map(str, faults.found))) from faults
    except (NoSuch, InTheWay) as error:
        raise CommandError(str(error)) from error
    if as_json:
        print_json([_described(change) for change in changes])
        return
    for line in [line for change in changes for line in change.lines()] or ["nothing changed"]:
        say(f"dry run: {line}" if dry_run else line)


async def _made(config: Config, verb: Verb, ids: int, *, dry_run: bool) -> list[Altered]:
    make_data_dir(config)
    migrate(config.database_url)
    store: Store = open_store(config.database_url)
    try:
        secrets = load_secrets(key_path(config), expected=await store.read(key_expected))
        now, chance = time.time(), random.SystemRandom()
        desk = _Desk(trunk_sealer(secrets), now, [new_id(now, chance) for _ in range(ids)])
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
            made = await store.run(unit)
        except _DryRun as dry:
            made = dry.changes
    finally:
        await store.close()
    changes = [change for change in made if change is not None]
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
