"""Everything that the doctor looks at."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection

from ringback.accounts.foundation import OtherCurrency, check_currency
from ringback.accounts.sealing import trunk_sealer
from ringback.accounts.secrets import KEY_BYTES, Secrets
from ringback.cli.doctor.finding import Finding, fault, ok, warning
from ringback.cli.doctor.network import examine_network, examine_routes
from ringback.cli.doctor.numbers import examine_numbers
from ringback.cli.doctor.requests import examine_requests
from ringback.cli.doctor.setup import examine_setup
from ringback.cli.doctor.spending import examine_spending
from ringback.config import Config, ConfigError, see_none_moved
from ringback.server.private import exposed
from ringback.server.run import key_path, sounds_path
from ringback.store import StoreError, encoding_fault, is_missing, migrate, open_store
from ringback.trunks.stored import Opened, load, opened

LEAST_FREE_BYTES = 500 * 1024 * 1024


async def examine(config: Config, file: Path) -> list[Finding]:
    """Look at everything; `file` is the configuration itself. Returns what was found."""
    private = [fault(f"serve does not start: {line}") for line in exposed(config, file)]
    database, there = await _database(config)
    network = await examine_network(config, [] if there is None else there.trunks)
    routes = [] if there is None else examine_routes(there.trunks, there.routes)
    return [*private, *_moved(config, file), *_folder(config), *database, *network, *routes]


def _moved(config: Config, file: Path) -> Iterator[Finding]:
    try:
        see_none_moved(config, file)
    except ConfigError as error:
        for line in str(error).splitlines():
            yield fault(f"serve does not start: {line}")


def _folder(config: Config) -> Iterator[Finding]:
    folder = config.server.data_dir
    if not folder.exists():
        return  # nothing has been applied: `_database` says so
    if not os.access(folder, os.W_OK | os.X_OK):
        yield fault(f"{folder} may not be written: see its owner and mode")
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        yield warning(f"{folder}: only {free // 1024**2} MB are free: make room")
    yield from _key_file(key_path(config))


def _key_file(path: Path) -> Iterator[Finding]:
    if not path.exists():
        yield warning(f"{path} is not there yet: it is made with the first setup")
    elif not os.access(path, os.R_OK):
        yield fault(f"{path} may not be read: see its owner and mode")
    elif path.stat().st_size != KEY_BYTES:
        yield fault(f"{path} is no key: restore it from a backup")
    else:
        yield ok("the key of PINs and passwords is there")


async def _database(config: Config) -> tuple[list[Finding], Opened | None]:
    """What was found in it, and its trunks and routes, if they can be read."""
    url = config.database_url
    try:
        if is_missing(url):
            return [warning("nothing has been applied yet: run ringback apply setup.yaml")], None
        migrate(url)
        store = open_store(url)
    except StoreError as error:
        return [fault(str(error))], None
    secrets = _secrets(config)
    # Without the key every password of a trunk is one that cannot be opened.
    sealer = trunk_sealer(secrets or Secrets(bytes(KEY_BYTES)))

    def work(tx: Connection) -> tuple[list[Finding], Opened]:
        found = opened(load(tx), sealer)
        return [
            ok("the database can be used"),
            *_whole_database(tx, config),
            *examine_setup(tx, secrets, sounds_path(config), time.time()),
            *(warning(trouble) for trouble in found.troubles),
            *examine_spending(tx),
            *examine_numbers(tx, found.trunks),
            *examine_requests(tx, config, found.trunks),
        ], found

    try:
        return await store.read(work)
    except StoreError as error:
        return [fault(str(error))], None
    finally:
        await store.close()


def _whole_database(tx: Connection, config: Config) -> Iterator[Finding]:
    encoding = encoding_fault(tx)
    if encoding is not None:
        yield fault(f"the database: {encoding}, and move with ringback backup and restore")
    try:
        check_currency(tx, config.server.currency)
    except OtherCurrency as error:
        yield fault(f"serve does not start: {error}")


def _secrets(config: Config) -> Secrets | None:
    """The key, if its file can be used."""
    try:
        key = key_path(config).read_bytes()
    except OSError:
        return None
    return Secrets(key) if len(key) == KEY_BYTES else None
