"""Which changes concern calls that are under way."""

from __future__ import annotations

from typing import Any

import pytest

from ringback.management.change import Action, Author, Change
from ringback.management.places import Kind, Place

PLACE = Place("id", Kind.ACCOUNT, "acme", ("id",))
AUTHOR = Author("somebody", None, None, None, None)


def change(kind: Kind, action: Action, *fields: str) -> Change:
    values: dict[str, tuple[Any, Any]] = dict.fromkeys(fields, (None, 1))
    return Change(
        action=action,
        id="id",
        name="",
        fields=values,
        kind=kind,
        verb="verb",
        place=PLACE,
        path=PLACE.path,
        author=AUTHOR,
    )


@pytest.mark.parametrize(
    ("kind", "action", "field", "expected"),
    [
        (Kind.ACCOUNT, Action.UPDATED, "status", True),
        (Kind.ACCOUNT, Action.UPDATED, "guards", False),
        (Kind.EXTENSION, Action.UPDATED, "expires", True),
        (Kind.EXTENSION, Action.DELETED, "name", True),
        (Kind.EXTENSION, Action.CREATED, "name", False),
        (Kind.CALLER_ID, Action.UPDATED, "enabled", True),
        (Kind.CALLER_ID, Action.UPDATED, "number", False),
        (Kind.LOGIN, Action.DELETED, "name", False),
        (Kind.KEY, Action.UPDATED, "expires", False),
    ],
)
def test_standing(kind: Kind, action: Action, field: str, expected: bool) -> None:
    assert change(kind, action, field).of_standing is expected
    assert change(kind, action, "note", field).of_standing is expected
