"""Changes of one row, each written down once: as the signature of a function."""

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
    """A function of a unit of work that changes one row of `model`, made from its signature.

    After the connection its parameters are named as columns, and none has a default: those of
    the primary key say which row, the others what it then holds; `fixed` are values that are
    always the same. The row is left alone unless `where` holds for it. The function has no body,
    and returns how many rows were changed.
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
