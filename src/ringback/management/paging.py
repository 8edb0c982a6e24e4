"""Lists that are read page by page: a cursor says after which row the next page begins. It belongs
to one question of one actor, and is worth nothing for another."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Row, Select, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute

from ringback.faults import Fault, Faults
from ringback.management.verbs import Act

T = TypeVar("T")
COUNTED = 10_000
"""So far a list is counted."""
LARGEST_PAGE = 1000
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list."""

    items: Sequence[T]
    next: str | None
    """The cursor of the next page; None: there is none."""
    count: int
    """Of the whole list, up to `COUNTED`."""
    more: bool
    """Whether there are more than that."""

    @property
    def total(self) -> str:
        return f"more than {COUNTED:,}" if self.more else f"{self.count:,}"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of which place, by whom."""

    verb: str
    place_id: str
    asked: Mapping[str, Any]
    """Filters and order, as JSON has them."""

    def cursor(self, act: Act, position: Sequence[Any]) -> str:
        """A cursor that goes on after a row with these values, as JSON has them."""
        told = json.dumps(position).encode()
        return base64.urlsafe_b64encode(self._mac(act, told) + told).decode().rstrip("=")

    def position(self, act: Act, cursor: str) -> list[Any]:
        """The values of a cursor of this question. Raises Faults."""
        try:
            data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        except (binascii.Error, ValueError):
            data = b""
        mac, told = data[:_MAC_BYTES], data[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(act, told)):
            raise Faults([Fault(("cursor",), "is of another list: begin it anew, without one")])
        position: list[Any] = json.loads(told)
        return position

    def _mac(self, act: Act, told: bytes) -> bytes:
        actor = act.actor
        view = None if actor.view is None else actor.view.id
        who = [actor.login_id, actor.key_id, view, self.verb, self.place_id, dict(self.asked)]
        question = json.dumps(who, sort_keys=True).encode()
        key = act.secrets.key_for("cursors")
        return hmac.new(key, question + b"\0" + told, hashlib.sha256).digest()[:_MAC_BYTES]


def page_of(
    act: Act,
    question: Question,
    found: Select[*tuple[Any, ...]],
    order: Sequence[InstrumentedAttribute[Any]],
    shown: Callable[[Sequence[Row[Any]]], Sequence[T]],
    *,
    cursor: str | None,
    limit: int,
) -> Page[T]:
    """A page of what a query finds, in the order of columns that it has, of which no two of its
    rows have all the same; `shown` makes of rows what the page holds. Raises Faults."""
    page = found.order_by(*order)
    if cursor is None:
        counted = found.limit(COUNTED + 1).subquery()
        count = act.tx.execute(select(func.count()).select_from(counted)).scalar_one()
    else:
        count, *position = question.position(act, cursor)  # it is counted once
        page = page.where(tuple_(*order) > tuple_(*position))
    limit = max(1, min(limit, LARGEST_PAGE))
    rows = act.tx.execute(page.limit(limit + 1)).all()
    next_ = None
    if len(rows) > limit:
        last = rows[limit - 1]
        next_ = question.cursor(act, [count, *(getattr(last, column.key) for column in order)])
    return Page(shown(rows[:limit]), next_, min(count, COUNTED), count > COUNTED)


def whole(read: Callable[[str | None], Page[T]]) -> list[T]:
    """All items of a list, page after page; `read` takes the cursor of each."""
    page = read(None)
    found = list(page.items)
    while page.next is not None:
        page = read(page.next)
        found += page.items
    return found
