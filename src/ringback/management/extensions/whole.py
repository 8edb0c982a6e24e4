"""A change of an extension as the setup file writes it: each field by the verb whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringback.accounts.callback_entry import CallbackEntry
from ringback.faults import Fault, Faults, gathered
from ringback.management.accounts import changing
from ringback.management.extensions import extensions, setups
from ringback.management.extensions.gathering import within
from ringback.management.numbers.leading import FIELD
from ringback.management.verbs import Act, Done
from ringback.trunks.turns import take_turn


def change_whole(act: Act, extension_id: str, *, values: Mapping[str, Any]) -> Done[None]:
    """Change the fields of an account, `access_numbers` and `callback`. Raises Faults of all of
    them, and what the verbs raise."""
    if FIELD in values or "callback" in values:
        take_turn(act.tx)  # before anything is held
    rest = {name: value for name, value in values.items() if name not in (FIELD, "callback")}
    faults: list[Fault] = []
    parts: list[Done[Any]] = []
    if rest:
        with gathered(faults):
            parts.append(changing.change(act, extension_id, values=rest))
    if FIELD in values:
        said = {FIELD: values[FIELD]}
        with gathered(faults):
            parts.append(extensions.change(act, extension_id, values=said))
    if "callback" in values:
        callback = values["callback"]
        if callback is None:
            callback = dict.fromkeys(CallbackEntry.model_fields)
        with gathered(faults), within("callback"):
            parts.append(setups.change(act, extension_id, values=callback))
    if faults:
        raise Faults(faults)
    return Done(
        None,
        [change for part in parts for change in part.changes],
        credited=[id_ for part in parts for id_ in part.credited],
    )
