"""The pure rules of a session: keypad, watch, outcome, presentation."""

from __future__ import annotations

import math

import pytest

from ringback.accounts.callback import CallbackSetup
from ringback.calls.course import Course, outcome_of
from ringback.calls.keypad import NUMBER_DIGITS, SECRET_DIGITS, Entry, Key, Keypad
from ringback.calls.outcome import Outcome
from ringback.calls.presentation import Presented, shown_to_callee
from ringback.calls.watch import CUT_LEAD_SECONDS, Task, Watch
from ringback.telephony.trunks import Trunk


def type_keys(keypad: Keypad, keys: str) -> Entry | None:
    for place, key in enumerate(keys):
        entry = keypad.press(Key(key, 100.0 + place))
        if entry is not None:
            return entry
    return None


@pytest.mark.parametrize(
    ("keys", "entry"),
    [
        ("0042#", Entry("0042", by_hash=True)),
        ("12*34#", Entry("34", by_hash=True)),
        ("#", Entry("", by_hash=True)),
        ("123456789012", Entry("123456789012", by_hash=False)),
        ("0042", None),
        ("1A2#", Entry("12", by_hash=True)),
    ],
)
def test_entries(keys: str, entry: Entry | None) -> None:
    keypad = Keypad()
    keypad.begin(SECRET_DIGITS, 100.0)
    assert type_keys(keypad, keys) == entry


def test_a_hash_after_an_entry_that_ended_by_itself_is_dropped() -> None:
    keypad = Keypad()
    keypad.begin(SECRET_DIGITS, 100.0)
    type_keys(keypad, "123456789012")
    assert keypad.hear("#", 112.9) is None
    assert keypad.hear("#", 113.0) is not None, "only one"
    keypad.begin(NUMBER_DIGITS, 199.0)
    keypad.press(Key("1", 200.0))
    assert keypad.ends_at == 205.0
    keypad.timed_out(205.0)
    assert keypad.hear("#", 207.1) is not None, "too late"


@pytest.mark.parametrize(
    ("keys", "entry"),
    [
        ([("#", 100.0)], ""),
        ([("1", 100.0), ("#", 100.1)], "1"),
        ([("#", 99.8), ("#", 100.0)], None),
        ([("#", 99.701), ("#", 100.0)], None),
        ([("#", 99.699), ("#", 100.0)], ""),
        ([("5", 99.8), ("#", 100.0)], None),
        ([("*", 100.0), ("#", 100.1)], None),
        ([("#", 99.8), ("#", 100.0), ("#", 100.2), ("#", 100.6)], ""),
    ],
)
def test_a_hash_alone_is_an_entry_only_some_time_after_any_other_key(
    keys: list[tuple[str, float]], entry: str | None
) -> None:
    """Keys before 100 were pressed for something else."""
    keypad = Keypad()
    heard = [keypad.hear(digit, at) for digit, at in keys]
    keypad.begin(NUMBER_DIGITS, 100.0)
    pressed = [keypad.press(key) for key in heard if key is not None and key.at >= 100.0]
    assert [made for made in pressed if made is not None] == (
        [] if entry is None else [Entry(entry, by_hash=True)]
    )


class TestWatch:
    def test_a_slice_is_asked_for_before_the_warning(self) -> None:
        watch = Watch(funded=1100.0, warn_seconds=60.0)
        assert watch.due() == (1030.0, Task.SLICE)
        watch.slicing()
        assert watch.due() == (1100.0 - CUT_LEAD_SECONDS, Task.CUT)
        watch.sliced(1160.0, 1030.0)
        assert watch.due() == (1090.0, Task.SLICE)

    def test_without_more_credit_it_warns_looks_again_and_cuts(self) -> None:
        watch = Watch(funded=1100.0, warn_seconds=60.0)
        watch.slicing()
        watch.sliced(1100.0, 1030.0)
        assert watch.due() == (1040.0, Task.SLICE)
        watch.slicing()
        watch.sliced(1100.0, 1040.0)
        assert watch.due() == (1040.0, Task.WARN)
        watch.warned()
        assert watch.due() == (1098.0, Task.SLICE)
        watch.slicing()
        watch.sliced(1100.0, 1098.0)
        assert watch.due() == (1100.0 - CUT_LEAD_SECONDS, Task.CUT)

    @pytest.mark.parametrize("warn", [0.0, 1.0])
    def test_without_a_warning_it_looks_once_more_all_the_same(self, warn: float) -> None:
        """What another call has given back, say, of which nobody tells."""
        watch = Watch(funded=1100.0, warn_seconds=warn)
        watch.slicing()
        watch.sliced(1100.0, 1090.0)
        assert watch.due() == (1098.0, Task.SLICE)

    def test_a_recharge_takes_the_warning_back(self) -> None:
        watch = Watch(funded=1100.0, warn_seconds=60.0)
        watch.slicing()
        watch.sliced(1100.0, 1040.0)
        watch.warned()
        watch.slicing()
        watch.sliced(1400.0, 1098.0)
        assert watch.due() == (1330.0, Task.SLICE)

    def test_no_warning_while_a_slice_may_still_come(self) -> None:
        watch = Watch(funded=1005.0, warn_seconds=60.0)
        watch.slicing()
        assert watch.due()[1] is Task.CUT

    def test_the_absolute_limit_needs_no_slice(self) -> None:
        watch = Watch(funded=math.inf, limit=1200.0, warn_seconds=60.0)
        assert watch.due() == (1140.0, Task.WARN)
        watch.warned()
        assert watch.due() == (1200.0 - CUT_LEAD_SECONDS, Task.CUT)


@pytest.mark.parametrize(
    ("course", "outcome"),
    [
        (Course(), Outcome.NO_NUMBER_DIALLED),
        (Course(hung_up=True), Outcome.HUNG_UP),
        (Course(hung_up=True, fault=Outcome.BUSY), Outcome.BUSY),
        (Course(talked=True, hung_up=True), Outcome.COMPLETED),
        (Course(talked=True, cut_off=True), Outcome.CUT_OFF),
        (Course(talked=True, interrupted=True), Outcome.INTERRUPTED),
        (Course(interrupted=True, ended_by_order=True), Outcome.ENDED),
    ],
)
def test_outcome_is_the_first_that_fits(course: Course, outcome: Outcome) -> None:
    assert outcome_of(course) is outcome


EQUIPMENT = CallbackSetup.model_validate(
    {"caller_id_name": {"set_by": "equipment"}, "caller_id_number": {"set_by": "equipment"}}
)


@pytest.mark.parametrize(
    ("caller", "foreign", "number", "name"),
    [
        (Presented("+447700900123", "Ann", is_own=True), True, "+447700900123", "Ann"),
        (Presented("+447700900123", "Ann", is_own=False), True, "+442071838750", "Acme"),
        (Presented(None, "Ann", is_own=True), True, "+442071838750", "Acme"),
        (Presented("+447700900123", None, is_own=True), True, "+447700900123", "Acme"),
        (Presented("+447700900123", "Ann", is_own=True), False, "+442071838750", "Ann"),
    ],
)
def test_equipment_is_shown_only_where_it_is_no_forgery(
    caller: Presented, foreign: bool, number: str, name: str
) -> None:
    trunk = Trunk(name="t", host="192.0.2.1", foreign_numbers=foreign)
    shown = shown_to_callee(EQUIPMENT, "Acme", "+442071838750", caller, trunk)
    assert (shown.number, shown.name) == (number, name)
