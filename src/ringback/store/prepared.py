"""Statements that are prepared once.

For each execution SQLAlchemy looks the statement up and makes a context and a result for it. This
takes several times as long as SQLite needs for the statement, and a session has some eighty of
them. A `Prepared` keeps the text and the conversions of values for each kind of database, and hands
both to the driver itself.
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
    """Where a bound value comes from, and how it is converted to what the database holds."""

    key: str | None
    """The name under which the caller gives it; None: the statement itself contains the value
    `fixed`."""
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
    """A statement in the form for one kind of database, and for lists of certain lengths."""

    text: str
    values: Mapping[str, _Value]
    positions: Sequence[_Value] | None
    """The values in their order, if the driver takes them by position."""

    def bind(self, given: Mapping[str, Any]) -> Any:
        if self.positions is not None:
            return [value.of(given) for value in self.positions]
        return {name: value.of(given) for name, value in self.values.items()}


class Prepared:
    """A statement of SQLAlchemy's Core. The caller gives values by the names of its bind
    parameters.

    A bind is named after its column, or after the foreign key if it is the id of another table; a
    list has the plural. What is added to a column has a name of its own, such as `more` or `held`.
    In an UPDATE, `Connection.execute` would reserve the names of columns for the values that it
    sets; a Prepared may use them.

    Each verb is part of a unit of work, and raises DBAPIError as `Connection.execute` does.
    """

    def __init__(self, statement: SelectBase | UpdateBase) -> None:
        """An INSERT takes the values of its columns: the same columns each time."""
        self._statement = statement
        self._forms: dict[tuple[object, ...], _Form] = {}
        self._lists: tuple[str, ...] | None = None
        returned = list(statement.exported_columns)
        row = namedtuple("row", [str(column.key) for column in returned])  # type: ignore[misc]
        self._row: Callable[[Iterable[Any]], Any] = row._make
        self._types: list[TypeEngine[Any]] = [column.type for column in returned]
        self._readers: dict[str, list[Convert | None]] = {}

    def rows(self, tx: Connection, **given: Any) -> list[Any]:
        """Execute it and return its rows, whose columns can be read by name."""
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
        """Execute it; returns the number of rows that it changed."""
        return self._execute(tx, given, _count)

    def run_many(self, tx: Connection, many: Sequence[Mapping[str, Any]]) -> None:
        """Execute it once for each set of values; all of them give values for the same names."""
        form = self._form(tx.dialect, many[0])
        bound = [form.bind(given) for given in many]
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
                None,  # None: values must not get into a log
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
        # One name may stand in several places, and not every place knows its type.
        converts: dict[str, Convert | None] = {}
        for parameter, name in compiled.bind_names.items():
            convert: Convert | None = parameter.type.dialect_impl(dialect).bind_processor(dialect)
            converts[name] = converts.get(name) or convert
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
