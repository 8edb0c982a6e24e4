"""Changing a callback setup: what a change comes to, judged as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ringback.accounts.callback import CallbackSetup, ReturnCalls, contradictions, to_document
from ringback.accounts.callback_entry import CallbackEntry
from ringback.documents import given, merged
from ringback.faults import Faults, faults_of


def judged(before: CallbackSetup, entry: CallbackEntry, *, has_password: bool) -> CallbackSetup:
    """The setup once an entry has been applied; `has_password`: whether there is one then. Raises
    Faults with all that the result contradicts."""
    said = {name: value for name, value in given(entry).items() if name != "password"}
    document = merged(to_document(before), said)
    try:
        setup = CallbackSetup.model_validate_json(json.dumps(document))
        found = []
    except ValidationError as error:
        setup = _as_far_as_known(document)
        found = faults_of(error)
    found += contradictions(setup, has_password=has_password)
    if found:
        raise Faults(found)
    return setup


def _as_far_as_known(document: Mapping[str, Any]) -> CallbackSetup:
    """A setup that contradicts itself elsewhere, with what `contradictions` looks at."""
    mode = ReturnCalls(document.get("return_calls", ReturnCalls.AUTHORIZED))
    return CallbackSetup.model_construct(**{**document, "return_calls": mode})


def lets_anybody_call(setup: CallbackSetup, *, has_password: bool) -> bool:
    """Whether somebody who is not listed and knows no secret is called back, on the owner's
    money."""
    asks = has_password or setup.require_caller_pin
    return setup.return_calls is not ReturnCalls.AUTHORIZED and not asks


def differences(before: CallbackSetup, after: CallbackSetup) -> dict[str, tuple[Any, Any]]:
    """The fields that differ, from what to what, as JSON has them."""
    old, new = (each.model_dump(mode="json", by_alias=True) for each in (before, after))
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}
