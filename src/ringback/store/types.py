"""Column types: amounts as whole millionths, instants as whole microseconds, lists as JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator

from ringback.amounts import from_millionths, to_millionths
from ringback.clock import Instant

SerialType = BigInteger().with_variant(Integer(), "sqlite")
"""Numbers that the database assigns. SQLite assigns them for INTEGER only, which holds 64 bits
there too."""


SortedText = Text().with_variant(Text(collation="C"), "postgresql")
"""Texts that are sorted, and looked for by how they begin, character by character as SQLite does,
whatever the language of a PostgreSQL database."""


class AmountType(TypeDecorator[Decimal]):
    """Money: `Decimal` in code, whole millionths in a BIGINT. SQLite would keep a Numeric as a
    binary float, and `CHECK (a >= 0)` would fail on 0.3 - 0.1 - 0.1 - 0.1."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return None if value is None else to_millionths(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else from_millionths(int(value))


class InstantType(TypeDecorator[Instant]):
    """Instants: Unix seconds in code, whole microseconds in a BIGINT."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Instant | None, dialect: Dialect) -> int | None:
        return None if value is None else round(value * 1_000_000)

    def process_result_value(self, value: Any, dialect: Dialect) -> Instant | None:
        return None if value is None else value / 1_000_000


class JsonType(TypeDecorator[Any]):
    """A JSON document in a TEXT column, keys sorted so that equal documents are equal texts."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)
