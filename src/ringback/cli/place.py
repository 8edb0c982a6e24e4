"""Where a command works: the database of a configuration, and the key of its secrets."""

from __future__ import annotations

import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ringback.accounts.foundation import lay_foundation
from ringback.accounts.secrets import KEY_BYTES, Secrets, key_expected, load_secrets
from ringback.config import Config
from ringback.server.run import key_path, make_data_dir
from ringback.store import Store, migrate, open_store


@asynccontextmanager
async def made(config: Config) -> AsyncIterator[tuple[Store, Secrets]]:
    """Both, made where there are none yet. Raises StoreError; BadKey, also where the database was
    made with a key that is lost."""
    make_data_dir(config)
    migrate(config.database_url)
    async with found(config) as place:
        yield place


async def founded(config: Config) -> None:
    """See that there is what every server has, made where there is none yet. Raises StoreError,
    BadKey, OtherCurrency."""
    server, chance = config.server, random.SystemRandom()
    async with made(config) as (store, secrets):
        await store.run(
            lambda tx: lay_foundation(
                tx, secrets, server.currency, server.home_country, time.time(), chance
            )
        )


@asynccontextmanager
async def seen(config: Config) -> AsyncIterator[tuple[Store, Secrets]]:
    """The database, and the key if it is there: what is only looked at needs none. (A key in its
    place makes nothing that outlasts the command.)"""
    store = open_store(config.database_url)
    try:
        path = key_path(config)
        yield store, load_secrets(path) if path.exists() else Secrets(os.urandom(KEY_BYTES))
    finally:
        await store.close()


@asynccontextmanager
async def found(config: Config) -> AsyncIterator[tuple[Store, Secrets]]:
    """The same of a database that is there, with its tables up to date."""
    store = open_store(config.database_url)
    try:
        yield store, load_secrets(key_path(config), expected=await store.read(key_expected))
    finally:
        await store.close()
