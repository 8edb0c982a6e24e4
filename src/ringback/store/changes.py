"""Functions that change one row. The signature of such a function is all that is written."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from sqlalchemy import ColumnElement, Connection, bindparam, update

from ringback.store.models import Base
from ringback.store.prepared import Prepared

P = ParamSpec("P")


def updates(
    model: type[Base], *where: ColumnElement[bool], **fixed: Any
) -> Callable[
    [Callable[Concatenate[Connection, P], None]], Callable[Concatenate[Connection, P], int]
]:
    """Make, from a signature, a function of a unit of work that changes one row of `model`.

    Its first parameter is the connection. The other parameters are named after columns, and have no
    defaults: those of the primary key select the row, the others are the new values. `fixed` gives
    values that are always the same. The row is changed only if `where` holds for it. The function
    needs no body; it returns the number of rows that were changed.
    """
    columns = model.__table__.c
    key = [column.name for column in columns if column.primary_key]

    def made(
        signature: Callable[Concatenate[Connection, P], None],
    ) -> Callable[Concatenate[Connection, P], int]:
        _, *names = inspect.signature(signature).parameters
        for name in (*names, *fixed):
            if name not in columns:
                raise TypeError(f"{signature.__name__}: {model.__name__} has no column {name!r}")
        statement = Prepared(
            update(model)
            .where(*(columns[name] == bindparam(name) for name in key), *where)
            .values({name: bindparam(name) for name in names if name not in key} | fixed)
        )

        @wraps(signature)
        def change(tx: Connection, /, *values: P.args, **named: P.kwargs) -> int:
            return statement.run(tx, **dict(zip(names, values, strict=False)), **named)

        return change

    return made
