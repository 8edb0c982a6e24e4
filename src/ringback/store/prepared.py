"""Statements that are made ready once.

For each execution SQLAlchemy looks the statement up, and makes a context and a result for it,
which takes several times as long as SQLite needs to do what it says; and a session has some
eighty of them. A `Prepared` keeps, for each kind of database, the text and what converts the
values, and hands both to the driver itself.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Dialect, Insert, SelectBase
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeEngine

T = TypeVar("T")
Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Value:
    """Where a bound value comes from, and how it becomes what the database holds."""

    key: str | None
    """The name it is given by; None: `fixed`, which stands in the statement itself."""
    index: int | None = None
    """Its place in a list (`expanding`)."""
    convert: Convert | None = None
    fixed: Any = None

    def of(self, given: Mapping[str, Any]) -> Any:
        if self.key is None:
            return self.fixed
        value = given[self.key] if self.index is None else given[self.key][self.index]
        return value if self.convert is None else self.convert(value)


@dataclass(frozen=True, slots=True)
class _Form:
    """A statement as one kind of database takes it, for lists of certain lengths."""

    text: str
    values: Mapping[str, _Value]
    positions: Sequence[_Value] | None
    """The values in their order, where the driver takes them so."""

    def bind(self, given: Mapping[str, Any]) -> Any:
        if self.positions is not None:
            return [value.of(given) for value in self.positions]
        return {name: value.of(given) for name, value in self.values.items()}


class Prepared:
    """A statement of SQLAlchemy's Core. Values are given by the names of its bind parameters.

    A bind is named as its column, or as the foreign key where it is the id of another table; a
    list in the plural. What is added to a column has a name of its own: `more`, `held`. Of an
    UPDATE `Connection.execute` would keep the names of columns for what it sets itself; here
    they are free.

    Each verb is part of a unit of work, and raises DBAPIError as `Connection.execute` does.
    """

    def __init__(self, statement: SelectBase | UpdateBase) -> None:
        """An INSERT takes the values of its columns, each time of the same ones."""
        self._statement = statement
        self._forms: dict[tuple[object, ...], _Form] = {}
        self._lists: tuple[str, ...] | None = None
        returned = list(statement.exported_columns)
        row = namedtuple("row", [str(column.key) for column in returned])  # type: ignore[misc]
        self._row: Callable[[Iterable[Any]], Any] = row._make
        self._types: list[TypeEngine[Any]] = [column.type for column in returned]
        self._readers: dict[str, list[Convert | None]] = {}

    def rows(self, tx: Connection, **given: Any) -> list[Any]:
        """What it returns, each row with its columns by name."""
        found = self._execute(tx, given, _all)
        readers, row = self._reading(tx.dialect), self._row
        return [
            row(
                value if read is None else read(value)
                for read, value in zip(readers, values, strict=True)
            )
            for values in found
        ]

    def row(self, tx: Connection, **given: Any) -> Any:
        """The first row, or None."""
        return next(iter(self.rows(tx, **given)), None)

    def values(self, tx: Connection, **given: Any) -> list[Any]:
        """The first column of each row."""
        return [row[0] for row in self.rows(tx, **given)]

    def value(self, tx: Connection, **given: Any) -> Any:
        """The first column of the first row, or None."""
        return next(iter(self.values(tx, **given)), None)

    def run(self, tx: Connection, **given: Any) -> int:
        """Do it; returns how many rows it changed."""
        return self._execute(tx, given, _count)

    def run_many(self, tx: Connection, each: Sequence[Mapping[str, Any]]) -> None:
        """Do it once for each of these, which all give values for the same names."""
        form = self._form(tx.dialect, each[0])
        bound = [form.bind(given) for given in each]
        self._with_cursor(tx, form, lambda cursor: cursor.executemany(form.text, bound))

    def _execute(
        self, tx: Connection, given: Mapping[str, Any], take: Callable[[DBAPICursor], T]
    ) -> T:
        form = self._form(tx.dialect, given)
        bound = form.bind(given)

        def use(cursor: DBAPICursor) -> T:
            cursor.execute(form.text, bound)
            return take(cursor)

        return self._with_cursor(tx, form, use)

    def _with_cursor(self, tx: Connection, form: _Form, use: Callable[[DBAPICursor], T]) -> T:
        connection = tx.connection
        cursor = connection.cursor()
        try:
            return use(cursor)
        except tx.dialect.loaded_dbapi.Error as error:
            lost = tx.dialect.is_disconnect(error, connection, cursor)
            if lost:
                tx.invalidate(error)
            raise DBAPIError.instance(
                form.text,
                None,  # values are no business of a log
                error,
                tx.dialect.loaded_dbapi.Error,
                connection_invalidated=lost,
                dialect=tx.dialect,
            ) from error
        finally:
            cursor.close()

    def _form(self, dialect: Dialect, given: Mapping[str, Any]) -> _Form:
        lists = self._lists or ()
        key = (dialect.name, *[len(given[name]) for name in lists])
        form = self._forms.get(key)
        if form is None or self._lists is None:
            form = self._compile(dialect, given)
            assert self._lists is not None
            self._forms[(dialect.name, *[len(given[name]) for name in self._lists])] = form
        return form

    def _compile(self, dialect: Dialect, given: Mapping[str, Any]) -> _Form:
        columns = list(given) if isinstance(self._statement, Insert) else None
        compiled = self._statement.compile(dialect=dialect, column_keys=columns)
        state = compiled.construct_expanded_state(dict(given))
        self._lists = tuple(state.parameter_expansion)
        places = {
            name: (key, index)
            for key, names in state.parameter_expansion.items()
            for index, name in enumerate(names)
        }
        # One name may stand in several places, of which not each tells its type.
        converts: dict[str, Convert | None] = {}
        for parameter, name in compiled.bind_names.items():
            found: Convert | None = parameter.type.dialect_impl(dialect).bind_processor(dialect)
            converts[name] = converts.get(name) or found
        values: dict[str, _Value] = {}
        for name, fixed in state.parameters.items():
            key, index = places.get(name, (name, None))
            convert = converts[key]
            if key in given:
                values[name] = _Value(key, index, convert)
            else:
                values[name] = _Value(None, fixed=fixed if convert is None else convert(fixed))
        order = state.positiontup
        positions = None if order is None else [values[name] for name in order]
        return _Form(state.statement, values, positions)

    def _reading(self, dialect: Dialect) -> list[Convert | None]:
        readers = self._readers.get(dialect.name)
        if readers is None:
            readers = self._readers[dialect.name] = [
                type_.dialect_impl(dialect).result_processor(dialect, None) for type_ in self._types
            ]
        return readers


def _all(cursor: DBAPICursor) -> Sequence[Any]:
    return cursor.fetchall()


def _count(cursor: DBAPICursor) -> int:
    return cursor.rowcount
