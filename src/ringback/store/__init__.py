"""The store: tables, migrations and the unit of work."""

from ringback.store.errors import (
    StoreBusy,
    StoreClosed,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreUnusable,
    StoreVersionError,
)
from ringback.store.inline import InlineStore
from ringback.store.migrate import migrate
from ringback.store.opening import open_store
from ringback.store.port import Store
from ringback.store.sqlite import SqliteStore

__all__ = [
    "InlineStore",
    "SqliteStore",
    "Store",
    "StoreBusy",
    "StoreClosed",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreUnusable",
    "StoreVersionError",
    "migrate",
    "open_store",
]
