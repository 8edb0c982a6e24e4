"""The store: tables, migrations and the unit of work."""

from ringback.store.errors import (
    StoreBusy,
    StoreClosed,
    StoreConflict,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreUnreachable,
    StoreUnusable,
    StoreVersionError,
)
from ringback.store.inline import InlineStore
from ringback.store.migrate import migrate
from ringback.store.opening import is_missing, open_store
from ringback.store.port import Store
from ringback.store.postgresql import PostgresqlStore, encoding_fault
from ringback.store.sqlite import SqliteStore

__all__ = [
    "InlineStore",
    "PostgresqlStore",
    "SqliteStore",
    "Store",
    "StoreBusy",
    "StoreClosed",
    "StoreConflict",
    "StoreCorrupt",
    "StoreError",
    "StoreFull",
    "StoreUnreachable",
    "StoreUnusable",
    "StoreVersionError",
    "encoding_fault",
    "is_missing",
    "migrate",
    "open_store",
]
