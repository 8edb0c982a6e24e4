"""Rows as the database has them, without the models' types: read from either kind of database and
written to either."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Table,
    column,
    func,
    insert,
    inspect,
    select,
    table,
    text,
    type_coerce,
)
from sqlalchemy.types import NullType

from ringback.store.models import Base

READ_AT_ONCE = 1000

_FOREIGN_KEYS = text(
    "SELECT conrelid::regclass::text, conname FROM pg_constraint "
    "WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
)
_NUMBERED = text(
    "SELECT table_name, column_name FROM information_schema.columns "
    "WHERE table_schema = current_schema() AND column_default LIKE 'nextval(%'"
)


def tables() -> Sequence[Table]:
    """All tables of this version."""
    return Base.metadata.sorted_tables


def rows_of(tx: Connection, model: Table, *where: ColumnElement[bool]) -> Iterator[Sequence[Any]]:
    """The rows of a table, in the order of its primary key."""
    truths = [isinstance(each.type, Boolean) for each in model.columns]
    plain = [type_coerce(each, NullType()).label(each.name) for each in model.columns]
    found = tx.execute(
        select(*plain).where(*where).order_by(*model.primary_key),
        execution_options={"stream_results": True, "yield_per": READ_AT_ONCE},
    )
    for row in found:
        yield [
            bool(value) if truth and value is not None else value
            for value, truth in zip(row, truths, strict=True)
        ]


def put_rows(tx: Connection, name: str, columns: Sequence[str], rows: Iterable[Any]) -> None:
    """Rows into an empty table, whose columns of these names they have. Raises KeyError where it
    has no such column."""
    there = {each["name"]: each["type"] for each in inspect(tx).get_columns(name)}
    truths = [isinstance(there[each], Boolean) for each in columns]
    statement = insert(table(name, *(column(each) for each in columns)))
    rows = iter(rows)
    while batch := list(islice(rows, READ_AT_ONCE)):
        tx.execute(
            statement,
            [
                {
                    key: bool(value) if truth and value is not None else value
                    for key, value, truth in zip(columns, row, truths, strict=True)
                }
                for row in batch
            ],
        )


def count(tx: Connection, name: str) -> int:
    """How many rows a table has."""
    return int(tx.execute(select(func.count()).select_from(table(name))).scalar_one())


@contextmanager
def in_any_order(tx: Connection) -> Iterator[None]:
    """Rows may come before those that they refer to; all of them must be there at the end."""
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        yield
        check_references(tx)
        return
    keys = [(name, key) for name, key in tx.execute(_FOREIGN_KEYS)]
    for name, key in keys:
        tx.exec_driver_sql(
            f'ALTER TABLE {name} ALTER CONSTRAINT "{key}" DEFERRABLE INITIALLY DEFERRED'
        )
    yield
    tx.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    for name, key in keys:
        tx.exec_driver_sql(f'ALTER TABLE {name} ALTER CONSTRAINT "{key}" NOT DEFERRABLE')


def check_references(tx: Connection) -> None:
    """Raises ValueError where rows refer to others that are not there. (PostgreSQL sees to it by
    itself.)"""
    if tx.dialect.name != "sqlite":
        return
    if tx.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        raise ValueError("rows refer to others that are not there")


def go_on_counting(tx: Connection) -> None:
    """Numbers that the database assigns go on after those that were put in. (SQLite does so by
    itself.)"""
    if tx.dialect.name == "sqlite":
        return
    for name, key in tx.execute(_NUMBERED).all():
        tx.execute(
            text(
                "SELECT setval(pg_get_serial_sequence(:name, :key), highest) "
                f'FROM (SELECT max("{key}") AS highest FROM "{name}") AS found '
                "WHERE highest IS NOT NULL"
            ),
            {"name": name, "key": key},
        )
