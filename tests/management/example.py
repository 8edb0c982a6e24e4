"""A verb with fields, such as the package's own: the smallest that shows all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringback.management.change import Action, SecretChange
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Reach, Right
from ringback.management.verbs import Act, Done, verb

FIELDS = {
    "contact_name": Need(Right.ACCOUNTS),
    "note": Need(Right.VIEW),
    "status": Need(Right.ACCOUNTS, Reach.ABOVE),
    "credit": Need(Right.RECHARGE),
}


@verb("example.change", Kind.ACCOUNT, Need(Right.VIEW), fields=FIELDS)
def change_example(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[None]:
    before = {"contact_name": "Old"}
    fields = {name: (before.get(name), value) for name, value in values.items()}
    change = act.change(Action.UPDATED, place, fields=fields, secrets={"pin": SecretChange.CHANGED})
    return Done(None, [change])
