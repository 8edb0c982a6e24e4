"""The migrations make the tables that the models describe."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, StaticPool, create_engine, text

from ringback.store import (
    SqliteStore,
    StoreCorrupt,
    StoreUnusable,
    StoreVersionError,
    migrate,
)
from ringback.store.migrate import alembic_config
from ringback.store.models import Base
from ringback.store.revision import REVISION
from ringback.store.sqlite import sqlite_engine


def schema(connection: Connection) -> dict[str, list[str]]:
    """Every table, index and trigger, with its columns and constraints in no special order."""
    found = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL AND name <> 'alembic_version'")
    )
    return {
        name: sorted(re.split(r", (?=CONSTRAINT)|(?<=\)) \)$", " ".join(sql.split())))
        for name, sql in found
    }


def test_models_and_migrations_agree(tmp_path: Path) -> None:
    path = tmp_path / "ringback.db"
    migrate(f"sqlite:///{path}")
    migrated = sqlite_engine(path)
    created = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(created)
    with migrated.connect() as connection, created.connect() as other:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        # What Alembic does not compare: CHECK constraints, triggers, conditions of indexes.
        assert schema(connection) == schema(other)
        assert "ledger_entries_no_update" in schema(connection)
        scripts = ScriptDirectory.from_config(alembic_config(connection))
        assert scripts.get_current_head() == REVISION
    migrated.dispose()


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ringback.db"
    migrate(f"sqlite:///{path}")
    before = path.read_bytes()
    migrate(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_tables_of_another_version_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "ringback.db"
    with pytest.raises(StoreVersionError, match="no tables yet: `ringback serve` makes them"):
        SqliteStore(path)
    migrate(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StoreVersionError, match=r"revision 9999.*newer Ringback"):
        migrate(f"sqlite:///{path}")
    with pytest.raises(StoreVersionError, match=f"revision 9999, this Ringback needs {REVISION}"):
        SqliteStore(path)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ringback.db"
    path.write_bytes(b"garbage " * 1000)
    with pytest.raises(StoreCorrupt, match="it is not an SQLite database: see "):
        migrate(f"sqlite:///{path}")
    with pytest.raises(StoreCorrupt):
        SqliteStore(path)
    with pytest.raises(StoreUnusable, match="see that its folder exists"):
        migrate(f"sqlite:///{tmp_path}/none/ringback.db")


@pytest.mark.parametrize(
    "url", ["ringback.db", "sqlite://", "sqlite:///:memory:", "postgresql://h"]
)
def test_urls_that_name_no_file_are_refused(url: str) -> None:
    with pytest.raises(StoreUnusable, match=r"\[database\] url"):
        migrate(url)
