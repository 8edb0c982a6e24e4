"""Changes of a callback setup: what is left out stays, and the result is judged as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from ringback.accounts.callback import CallbackSetup, ReturnCalls, SetBy
from ringback.accounts.callback_entry import CallbackEntry
from ringback.accounts.judging import differences, judged, lets_anybody_call
from ringback.documents import read_document
from ringback.faults import Faults

NUMBER = "+442071838750"
USER = {"caller_id_name": {"set_by": "user", "value": "Acme"}}


def changed(*changes: dict[str, Any], has_password: bool = False) -> CallbackSetup:
    setup = CallbackSetup()
    for change in changes:
        setup = judged(setup, read_document(CallbackEntry, change), has_password=has_password)
    return setup


def refused(*changes: dict[str, Any], has_password: bool = False) -> list[tuple[Any, ...]]:
    with pytest.raises(Faults) as found:
        changed(*changes, has_password=has_password)
    return [fault.where for fault in found.value.found]


def test_what_is_left_out_stays_and_null_is_the_default() -> None:
    setup = changed({"ring_seconds": 8, "attempts": 3}, {"attempts": None})
    assert setup == CallbackSetup(ring_seconds=8)
    assert differences(CallbackSetup(), setup) == {"ring_seconds": (5, 8)}


def test_a_part_of_a_part_is_left_out_likewise() -> None:
    name = changed(USER, {"caller_id_name": {"value": "Beta"}}).caller_id_name
    assert (name.set_by, name.value) == (SetBy.USER, "Beta")
    assert changed(USER, {"caller_id_name": {"set_by": None, "value": None}}) == CallbackSetup()
    assert changed(USER, {"caller_id_name": None}) == CallbackSetup()
    assert refused(USER, {"caller_id_name": {"set_by": "server"}}) == [("caller_id_name", "value")]


def test_lists_are_replaced_whole() -> None:
    first = {"hours": [{"days": ["mon"], "from": "08:00", "to": "18:00"}], "closed": ["2026-12-25"]}
    setup = changed(first, {"closed": ["2027-01-01", "2027-01-02"]})
    assert [str(date) for date in setup.closed or ()] == ["2027-01-01", "2027-01-02"]
    assert setup.hours is not None
    assert changed(first, {"hours": [], "closed": None}) == CallbackSetup()


def test_all_that_the_result_contradicts_is_named() -> None:
    fixed = {"return_calls": "fixed", "fixed_number": NUMBER, "require_caller_pin": True}
    assert changed(fixed).return_calls is ReturnCalls.FIXED
    change: dict[str, Any] = {"return_calls": "caller", "require_caller_pin": None}
    assert refused(fixed, change) == [("fixed_number",), ("open_to_anyone",)]
    named = {"caller_id_number": {"set_by": "user"}, "return_calls": "fixed"}
    assert refused(named) == [
        ("fixed_number",),
        ("caller_id_number", "value"),
        ("open_to_anyone",),
    ]
    assert refused(named, has_password=True) == [("fixed_number",), ("caller_id_number", "value")]


def test_who_lets_anybody_call() -> None:
    caller = {"return_calls": "caller", "open_to_anyone": True}
    assert lets_anybody_call(changed(caller), has_password=False)
    assert not lets_anybody_call(changed(caller), has_password=True)
    assert not lets_anybody_call(changed(caller, {"require_caller_pin": True}), has_password=False)
    assert not lets_anybody_call(changed({"open_to_anyone": True}), has_password=False)
