"""The migrations make the tables that the models describe."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, StaticPool, create_engine, text
from sqlalchemy.exc import DBAPIError
from tests.postgresql import Cluster

from ringback.store import (
    SqliteStore,
    StoreCorrupt,
    StoreUnusable,
    StoreVersionError,
    migrate,
    open_store,
)
from ringback.store.migrate import alembic_config
from ringback.store.models import Base
from ringback.store.opening import database_url, open_engine
from ringback.store.revision import REVISION
from ringback.store.sqlite import sqlite_engine


def schema(connection: Connection) -> dict[str, list[str]]:
    """Every table, index and trigger, with its columns and constraints in no special order."""
    found = connection.execute(
        text("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL AND name <> 'alembic_version'")
    )
    return {name: _parts(" ".join(sql.split())) for name, sql in found}


def _parts(sql: str) -> list[str]:
    # A table made anew has its name in quotes; a column added later carries its foreign key.
    sql = re.sub(r'^CREATE TABLE "(\w+)"', r"CREATE TABLE \1", sql)
    sql = re.sub(
        r"(\w+) (\w+) (CONSTRAINT \w+) (REFERENCES \w+ \(\w+\))",
        r"\1 \2, \3 FOREIGN KEY(\1) \4",
        sql,
    )
    table, _, columns = sql.removesuffix(")").partition("(")
    if not sql.startswith("CREATE TABLE"):
        return [sql]
    # Nobody reads columns by their order, so one that was added later may come last.
    parts = (part.strip() for part in re.split(r", (?![^(]*\))", columns))
    return [table, *sorted(parts)]


_POSTGRESQL_SCHEMA = """
SELECT table_name, column_name || ' ' || data_type || ' ' || is_nullable || ' '
    || coalesce(regexp_replace(column_default, '^.*nextval.*$', 'nextval'), '')
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT proname, pg_get_functiondef(oid) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
"""


def postgresql_schema(connection: Connection) -> set[tuple[str, str]]:
    """Every column, constraint, index, trigger and function, with its definition."""
    found = connection.execute(text(_POSTGRESQL_SCHEMA))
    return {(name, definition) for name, definition in found if "alembic" not in name}


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


def test_models_and_migrations_agree_on_postgresql(cluster: Cluster) -> None:
    urls = cluster.fresh(), cluster.empty()
    migrated, created = (open_engine(database_url(url)) for url in urls)
    with migrated.begin() as connection, created.begin() as other:
        Base.metadata.create_all(other)
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Base.metadata) == []
        found = postgresql_schema(connection)
        assert found == postgresql_schema(other)
        names = {name for name, _ in found}
        assert {"ck_ledger_accounts_available", "ledger_entries_append_only"} <= names
        assert ("ledger_entries", "id bigint NO nextval") in found
    for engine, url in zip((migrated, created), urls, strict=True):
        engine.dispose()
        cluster.drop(url)


def test_several_migrate_at_once(cluster: Cluster) -> None:
    url = cluster.empty()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(migrate, [url] * 4))
    asyncio.run(open_store(url).close())
    cluster.drop(url)


def test_tables_of_another_version_are_refused_on_postgresql(cluster: Cluster) -> None:
    url = cluster.empty()
    with pytest.raises(StoreVersionError, match="no tables yet: `ringback serve` makes them"):
        open_store(url)
    migrate(url)
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreVersionError, match=r"revision 9999.*newer Ringback"):
        migrate(url)
    with pytest.raises(StoreVersionError, match=f"revision 9999, this Ringback needs {REVISION}"):
        open_store(url)
    cluster.drop(url)


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


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_rates_of_before_decks_are_kept(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/ringback.db"
    if kind == "postgresql":
        url = request.getfixturevalue("cluster").empty()
    engine = open_engine(database_url(url))
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0002")
        for statement in (
            "INSERT INTO ledger_accounts VALUES ('l', 0, 0, 0, false)",
            "INSERT INTO accounts (id, level, name, contact_name, ledger_id) "
            "VALUES ('a', 'administrator', 'admin', 'x', 'l')",
            *(
                f"INSERT INTO plans VALUES ('{name}', 'a', '{name}', 'prepaid', 0, '[]', '[]')"
                for name in ("retail", "empty")
            ),
            "UPDATE accounts SET plan_id = 'retail'",
            "INSERT INTO rates VALUES (7, 'retail', '44', 0, 60, 20000, 10, 20000, NULL, NULL)",
        ):
            connection.exec_driver_sql(statement)
    migrate(url)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT plans.name, decks.state, decks.size, rates.id, rates.first_price FROM plans "
            "LEFT JOIN decks ON decks.id = plans.deck_id "
            "LEFT JOIN rates ON rates.deck_id = decks.id ORDER BY plans.name"
        ).fetchall()
        if kind == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall() == []
    engine.dispose()
    assert found == [("empty", None, None, None, None), ("retail", "complete", 1, 7, 20000)]


def test_why_a_leg_ended_is_known_of_legs_of_before(tmp_path: Path) -> None:
    """The retry rule asks for it, of a call that was rejected before the upgrade."""
    url = f"sqlite:///{tmp_path}/ringback.db"
    engine = open_engine(database_url(url))
    legs = {
        # ringing, answered, ended, cause
        "open": (None, None, None, None),
        "answered": (1, 2, 3, 200),
        "busy": (None, None, 3, 486),
        "rang_out": (1, None, 3, 408),
        "timed_out": (None, None, 3, 408),
        "rejected": (1, None, 3, 603),
        "unknown": (None, None, 3, 404),
        "silent": (None, None, 3, None),
    }
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0003")
        connection.exec_driver_sql(
            "INSERT INTO sessions (id, stage, started, proven, attempts, repeated) "
            "VALUES ('s', 'return', 0, true, 0, 0)"
        )
        for name, (ringing, answered, ended, cause) in legs.items():
            connection.exec_driver_sql(
                "INSERT INTO legs (id, session_id, leg, received, e164, dialled, trunk, started, "
                "ringing, answered, ended, cause, saved) "
                "VALUES (?, 's', 'A', '', '', '', 't', 0, ?, ?, ?, ?, '')",
                (name, ringing, answered, ended, cause),
            )
    migrate(url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT id, ending FROM legs")
        found = {row.id: row.ending for row in rows}
    engine.dispose()
    assert found == {
        "open": None,
        "answered": "normal",
        "busy": "busy",
        "rang_out": "no_answer",
        "timed_out": "failed",
        "rejected": "rejected",
        "unknown": "unallocated",
        "silent": "failed",
    }


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_entries_of_before_recharges_had_kinds(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A recharge of then is a payment, no other entry changes, and none can be changed after it;
    destinations that no number begins with are gone, the others stand beside the setup."""
    url = f"sqlite:///{tmp_path}/ringback.db"
    if kind == "postgresql":
        url = request.getfixturevalue("cluster").empty()
    engine = open_engine(database_url(url))
    entries = (
        "SELECT id, kind, amount, balance_after, who, explanation FROM ledger_entries ORDER BY id"
    )
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0003")
        for statement in (
            "INSERT INTO ledger_accounts VALUES ('l', 4, 0, 0, false)",
            *(
                f"INSERT INTO ledger_entries VALUES ({values}, 'x')"
                for values in (
                    "1, 'l', 'opening', 'opening', 2, NULL, 2, 0, 'w'",
                    "2, 'l', 'recharge/A', 'recharge', 3, 3, 5, 0, 'w'",
                    "3, 'l', 'leg/l', 'call', -1, 1, 4, 0, NULL",
                )
            ),
            "INSERT INTO accounts (id, level, name, contact_name, ledger_id) "
            "VALUES ('a', 'administrator', 'admin', 'x', 'l')",
            *(
                "INSERT INTO extensions (id, account_id, name, callback) "
                f"VALUES ('{id_}', 'a', '{id_}', '{json.dumps(setup)}')"
                for id_, setup in SETUPS.items()
            ),
        ):
            connection.exec_driver_sql(statement)
        before = connection.exec_driver_sql(entries).fetchall()
    migrate(url)
    with engine.connect() as connection:
        found = connection.exec_driver_sql(entries).fetchall()
        assert [row[1] for row in found] == ["opening", "payment", "call"]
        assert [(row[0], *row[2:]) for row in found] == [(row[0], *row[2:]) for row in before]
        with pytest.raises(DBAPIError, match="append-only"):
            connection.exec_driver_sql("UPDATE ledger_entries SET kind = 'gift'")
        connection.rollback()
        extensions = connection.exec_driver_sql(
            "SELECT extensions.id, callback, destinations FROM extensions "
            "JOIN accounts ON accounts.id = extensions.id AND accounts.parent_id = 'a'"
        ).fetchall()
    engine.dispose()
    assert {id_: (json.loads(setup), json.loads(lists)) for id_, setup, lists in extensions} == {
        "odd": ({"ring_seconds": 4}, {"allow": ["44"], "deny": []}),
        "plain": ({"ring_seconds": 3}, {}),
    }


SETUPS = {
    "odd": {"ring_seconds": 4, "destinations": {"allow": ["0044", "44"], "deny": ["020"]}},
    "plain": {"ring_seconds": 3},
}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_extensions_of_before_become_accounts(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """With a balance of their own; their numbers are their account's, and what refers to them
    still does."""
    url = f"sqlite:///{tmp_path}/ringback.db"
    if kind == "postgresql":
        url = request.getfixturevalue("cluster").empty()
    engine = open_engine(database_url(url))
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0021")
        for statement in (
            *(f"INSERT INTO ledger_accounts VALUES ('{id_}', 4, 0, 0, false)" for id_ in "lmc"),
            "INSERT INTO accounts (id, level, name, contact_name, ledger_id) "
            "VALUES ('a', 'administrator', 'admin', 'x', 'l')",
            "INSERT INTO accounts (id, parent_id, level, name, contact_name, ledger_id) "
            "VALUES ('b', 'a', 'user', 'same', 'y', 'm')",
            "INSERT INTO extensions (id, account_id, name, callback, guards) "
            "VALUES ('e', 'a', 'same', '{}', '{\"sessions\": 7}')",
            "INSERT INTO access_numbers VALUES ('+442071838750', 'e', 0)",
            "INSERT INTO caller_ids (id, extension_id, number, enabled, speed_dials, ledger_id) "
            "VALUES ('i', 'e', '+447700900123', true, '{}', 'c')",
            'INSERT INTO plans (id, account_id, name, kind, "limit", special_prefixes, packages) '
            "VALUES ('p', 'a', 'retail', 'prepaid', 0, '[]', '[]')",
        ):
            connection.exec_driver_sql(statement)
    migrate(url)
    with engine.connect() as connection:
        (found,) = connection.exec_driver_sql(
            "SELECT parent_id, level, name, contact_name, status, guards, balance FROM accounts "
            "JOIN ledger_accounts ON ledger_accounts.id = ledger_id WHERE accounts.id = 'e'"
        ).fetchall()
        assert tuple(found) == ("a", "extension", "same", None, "enabled", '{"sessions": 7}', 0)
        numbers = connection.exec_driver_sql(
            "SELECT number, account_id, extension_id, position FROM access_numbers"
        ).fetchall()
        assert [tuple(row) for row in numbers] == [("+442071838750", "a", "e", 0)]
        caller_ids = connection.exec_driver_sql("SELECT id, extension_id FROM caller_ids")
        assert [tuple(row) for row in caller_ids] == [("i", "e")]
    engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_sounds_of_before_have_variants_and_folders(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/ringback.db"
    if kind == "postgresql":
        url = request.getfixturevalue("cluster").empty()
    engine = open_engine(database_url(url))
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0022")
        for statement in (
            "INSERT INTO ledger_accounts VALUES ('l', 4, 0, 0, false)",
            "INSERT INTO accounts (id, level, name, contact_name, ledger_id) "
            "VALUES ('a', 'administrator', 'admin', 'x', 'l')",
            "INSERT INTO sounds VALUES ('1', 'a', '/x/y/bye.wav', 'en', 'f.wav', 1500000)",
            "INSERT INTO sounds VALUES ('2', 'a', '/x/y/bye.wav', 'de', 'g.wav', 2000000)",
            "INSERT INTO sounds VALUES ('3', 'a', '/bye.wav', 'en', 'f.wav', 1500000)",
            "INSERT INTO sounds VALUES ('4', 'gone', '/bye.wav', 'en', 'f.wav', 1500000)",
        ):
            connection.exec_driver_sql(statement)
    migrate(url)
    with engine.connect() as connection:
        sounds = connection.exec_driver_sql("SELECT id, owner_id, path FROM sounds ORDER BY id")
        assert [tuple(row) for row in sounds] == [
            ("1", "a", "/x/y/bye.wav"),
            ("3", "a", "/bye.wav"),
        ]
        variants = connection.exec_driver_sql(
            "SELECT sound_id, language, file, seconds, bytes FROM sound_variants ORDER BY 1, 2"
        )
        assert [tuple(row) for row in variants] == [
            ("1", "de", "g.wav", 2000000, 32044),
            ("1", "en", "f.wav", 1500000, 24044),
            ("3", "en", "f.wav", 1500000, 24044),
        ]
        folders = connection.exec_driver_sql(
            "SELECT owner_id, path, private FROM sound_folders ORDER BY path"
        )
        assert [tuple(row) for row in folders] == [("a", "/x", False), ("a", "/x/y", False)]
    engine.dispose()
