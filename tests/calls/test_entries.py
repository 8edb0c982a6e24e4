"""Entries, lock-out and menu on virtual time: spec section 4, steps 5 to 7, to the second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection
from tests.calls.world import ACCESS, CALLEE, CALLER, OTHER_CALLER, PIN, World, in_world

from ringback.accounts import lockout
from ringback.accounts.lockout import Lock
from ringback.accounts.newkey import replace_key
from ringback.calls.events import Authenticated, EntryRefused
from ringback.engines.simulated import FarCall
from ringback.store.models import CallerIdRow, ExtensionRow, WrongClaimRow
from ringback.telephony.port import Cause

T = TypeVar("T")

HOTEL = "+442071234567"
PIN_PROMPT = "Please enter your PIN"
NUMBER_PROMPT = "Please enter your phone number"
CLAIMS = {"return_calls": "fixed", "fixed_number": HOTEL, "require_caller_pin": True}
LATENCY = 0.11
"""Of the simulated network, there and back, and a little."""


def at(call: FarCall, words: str) -> list[float]:
    """When something that begins so was said."""
    return [when for when, said in call.said if said.startswith(words)]


def test_a_void_pin_is_asked_for_and_no_entry_is_right(tmp_path: Path) -> None:
    """A lost key lets nobody in: not with the old PIN, nor without one."""

    async def caller(call: FarCall) -> None:
        call.answer()
        for _ in range(3):
            await call.hears(PIN_PROMPT)
            call.press(f"{PIN}#")

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        await world.setup({"require_caller_pin": True}, pin=PIN)
        await world.store.run(lambda tx: replace_key(tx, world.secrets))
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert not world.journal.of(Authenticated)
    assert len(world.journal.of(EntryRefused)) == 3


class TestAnEntryEnds:
    """PINs on the callerID's own phone: what was typed when, and when it counted as an entry."""

    @staticmethod
    def heard_after(tmp_path: Path, *keys: tuple[float, str], pin: str = PIN) -> float | None:
        """Seconds from the last key to "That was not right", None where the PIN was right. Keys
        are pressed so long after the key before, the first after the prompt has been said."""
        pressed: list[float] = []
        calls: list[FarCall] = []

        async def caller(call: FarCall) -> None:
            calls.append(call)
            call.answer()
            await call.hears(PIN_PROMPT)
            await call.sleep(4.0)  # it is said in less
            for pause, key in keys:
                await call.sleep(pause)
                call.press(key)
                pressed.append(call.network.clock.now())
            await call.sleep(0.15 * len(keys[-1][1]))
            await call.hears("That was not right", 12.0)
            call.hang_up()

        async def play(world: World) -> None:
            world.network.phone(CALLER, caller)
            await world.setup({"require_caller_pin": True}, pin=pin)
            world.network.ring(ACCESS, CALLER)

        world = in_world(tmp_path, play)
        told = at(calls[0], "That was not right")
        if world.journal.of(Authenticated):
            assert not told
            return None
        return told[0] - pressed[-1] if told else -1.0

    def test_with_a_hash(self, tmp_path: Path) -> None:
        assert self.heard_after(tmp_path, (0, "004"), (1.0, "2#")) is None

    def test_five_seconds_after_its_last_digit_and_not_before(self, tmp_path: Path) -> None:
        assert self.heard_after(tmp_path, (0, "00"), (4.7, "42")) is None
        split = self.heard_after(tmp_path, (0, "00"), (5.3, "42#"))
        assert split is not None, "00 was an entry of its own"

    def test_never_at_the_length_of_the_secret(self, tmp_path: Path) -> None:
        after = self.heard_after(tmp_path, (0, "9999"))
        assert after is not None and 5.0 <= after - 0.45 <= 5.0 + 0.5 + LATENCY

    def test_at_twelve_digits(self, tmp_path: Path) -> None:
        after = self.heard_after(tmp_path, (0, "999999999999"))
        assert after is not None and 0 <= after - 11 * 0.15 <= 0.5 + LATENCY
        assert self.heard_after(tmp_path, (0, "123456789012"), pin="123456789012") is None

    def test_a_star_clears_it(self, tmp_path: Path) -> None:
        assert self.heard_after(tmp_path, (0, "99*0042#")) is None

    def test_ten_seconds_begin_anew_with_a_star(self, tmp_path: Path) -> None:
        """Else whoever clears late has made an empty entry."""
        assert self.heard_after(tmp_path, (9.0, "1"), (3.0, "*"), (5.5, "0042#")) is None
        after = self.heard_after(tmp_path, (9.0, "1"), (3.0, "*"))
        assert after is not None and 10.0 <= after <= 10.5 + LATENCY

    def test_empty_after_ten_seconds(self, tmp_path: Path) -> None:
        assert self.heard_after(tmp_path, (5.4, "0042#")) is None, "9.4 s after it was asked"


def test_a_hash_that_comes_late_is_dropped(tmp_path: Path) -> None:
    """It belongs to the entry of twelve digits before it, and is not an empty entry."""

    async def caller(call: FarCall) -> None:
        call.answer()
        await call.hears(PIN_PROMPT)
        call.press("999999999999#")
        await call.hears(PIN_PROMPT)
        await call.sleep(4.0)
        call.press(f"{PIN}#")
        await call.hears("Dial the number")
        call.hang_up()

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        await world.setup({"require_caller_pin": True, "pin_attempts": 2})
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert len(world.journal.of(EntryRefused)) == 1
    assert len(world.journal.of(Authenticated)) == 1


def test_password_and_pin_share_the_attempts(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        call.answer()
        for entry in ("1111#", "#", "123456#", "9999#"):
            await call.hears("Please enter")
            call.press(entry)
        await call.hears("Please enter")
        call.press(f"{PIN}#")

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        await world.setup({"password": "123456", "require_caller_pin": True, "pin_attempts": 3})
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "wrong_password"
    assert len(world.journal.of(EntryRefused)) == 3, "two for the password, one for the PIN"
    assert {key: row["failures"] for key, row in world.locks().items()} == {
        lockout.pin_key(world.rows(CallerIdRow)[0]["id"]): 1
    }, "the right password took its wrong entry away, and an empty one never counted"


@pytest.mark.parametrize(
    ("claimed", "locked", "keys"),
    [
        ("07700900123#", None, {"claim"}),
        ("07700900999#", None, set()),
        ("#", None, set()),
        ("07700900123#", "claim", {"claim"}),
        ("07700900123#", "pin", {"pin"}),
    ],
    ids=["wrong", "unlisted", "no number", "claims locked", "its own phone locked"],
)
def test_whatever_was_wrong_is_told_alike(
    tmp_path: Path, claimed: str, locked: str | None, keys: set[str]
) -> None:
    """The same words after the same time, although less is written while something is locked."""
    calls: list[FarCall] = []
    entered: list[float] = []

    async def claimer(call: FarCall) -> None:
        calls.append(call)
        call.answer()
        for _ in range(3):
            await call.hears(NUMBER_PROMPT)
            call.press(claimed)
            await call.hears(PIN_PROMPT)
            right = f"{PIN}#" if locked else "9999#"
            call.press(right)
            entered.append(call.network.clock.now() + 0.15 * (len(right) - 1))

    async def play(world: World) -> None:
        world.network.phone(HOTEL, claimer)
        await world.setup(CLAIMS)
        (caller_id,) = world.rows(CallerIdRow)
        if locked is not None:
            key = f"{locked}/{caller_id['id']}"

            def lock(tx: Connection) -> None:
                lockout.save(tx, key, Lock(0, 1, world.clock.now() + 900))

            await world.store.run(lock)
        run = world.life.run

        async def longer_for_each_change(work: Callable[[Connection], T]) -> T:
            done = await run(work)
            await world.sleep(0.05 * world.store.changes)
            return done

        world.life.run = longer_for_each_change  # type: ignore[method-assign]
        world.network.ring(ACCESS, None)

    world = in_world(tmp_path, play)
    (call,) = calls
    told = at(call, "That was not right")
    assert len(told) == 2 and len(at(call, "Goodbye")) == 1
    for when, wrong in zip(entered, [*told, *at(call, "Goodbye")], strict=True):
        assert 0.5 <= wrong - when <= 0.5 + LATENCY
    assert {key.split("/")[0] for key in world.locks()} == keys
    outcome = "locked_out" if locked else "wrong_password"
    assert world.session()["outcome"] == outcome


def test_a_locked_caller_id_cannot_be_claimed_elsewhere(tmp_path: Path) -> None:
    """A PIN typed wrong on its own phone locks the callerID, not that phone."""

    async def guesser(call: FarCall) -> None:
        call.answer()
        for _ in range(5):
            await call.hears(PIN_PROMPT)
            call.press("9999#")

    async def claimer(call: FarCall) -> None:
        call.answer()
        await call.hears(NUMBER_PROMPT)
        call.press("07700900123#")
        await call.hears(PIN_PROMPT)
        call.press(f"{PIN}#")
        await call.hears("That was not right")
        call.hang_up()

    async def play(world: World) -> None:
        world.network.phone(CALLER, guesser)
        world.network.phone(OTHER_CALLER, claimer)
        await world.setup({"return_calls": "caller", "require_caller_pin": True, "pin_attempts": 5})
        world.network.ring(ACCESS, CALLER)
        await world.sleep(120.0)
        world.network.ring(ACCESS, OTHER_CALLER)

    world = in_world(tmp_path, play)
    outcomes = [row["outcome"] for row in world.rows_of_sessions()]
    assert outcomes == ["wrong_password", "locked_out"]


def test_a_claim_never_locks_its_own_phone(tmp_path: Path) -> None:
    async def claimer(call: FarCall) -> None:
        call.answer()
        for _ in range(5):
            await call.hears(NUMBER_PROMPT)
            call.press("07700900123#")
            await call.hears(PIN_PROMPT)
            call.press("9999#")

    async def own(call: FarCall) -> None:
        call.answer()
        await call.hears(PIN_PROMPT)
        call.press(f"{PIN}#")
        await call.hears("Dial the number")
        call.hang_up()

    async def play(world: World) -> None:
        world.network.phone(OTHER_CALLER, claimer)
        world.network.phone(CALLER, own)
        await world.setup({"return_calls": "caller", "require_caller_pin": True, "pin_attempts": 5})
        world.network.ring(ACCESS, OTHER_CALLER)
        await world.sleep(170.0)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert [row["outcome"] for row in world.rows_of_sessions()] == ["wrong_password", "hung_up"]
    locks = {key.split("/")[0]: row for key, row in world.locks().items()}
    assert set(locks) == {"claim"} and locks["claim"]["times"] == 1


class TestClaims:
    """On a hotel's phone, whose number is nobody's own."""

    GUESTS = tuple(f"+4477009001{number}" for number in range(30, 36))

    @classmethod
    def play(cls, folder: Path, *entries: tuple[str, str], attempts: int = 10) -> World:
        """Numbers that are claimed, each with a PIN, over as many calls as it takes."""
        left = list(entries)

        async def asked_again(call: FarCall) -> bool:
            """Whether the number is asked for, and the PIN before was not right."""
            seen = len(call.said)
            while call.ended is None:
                await call.sleep(0.1)
                for _, words in call.said[seen:]:
                    if words.startswith((NUMBER_PROMPT, "Dial the number")):
                        return words.startswith(NUMBER_PROMPT)
            return False

        async def claimer(call: FarCall) -> None:
            call.answer()
            while await asked_again(call) and left:
                claimed, pin = left.pop(0)
                call.press(f"0{claimed[3:]}#" if claimed else "#")
                await call.hears(PIN_PROMPT)
                call.press(f"{pin}#")
            call.hang_up()

        async def play(world: World) -> None:
            world.network.phone(HOTEL, claimer)
            listed = [{"number": each, "pin": PIN, "credit": "unlimited"} for each in cls.GUESTS]
            await world.setup({**CLAIMS, "pin_attempts": attempts}, caller_ids=listed)
            while left:
                world.network.ring(ACCESS, None)
                await world.sleep(180.0)

        return in_world(folder, play)

    @staticmethod
    def locked(world: World) -> dict[str, int]:
        """How often each kind of lock has come."""
        return {
            key.split("/")[0]: row["times"] for key, row in world.locks().items() if row["times"]
        }

    def test_five_distinct_ones_lock_claims_from_that_number(self, tmp_path: Path) -> None:
        wrong = [(guest, "9999") for guest in self.GUESTS[:5]]
        world = self.play(tmp_path, *wrong, (self.GUESTS[5], PIN))
        assert self.locked(world) == {"claims-from": 1}
        assert world.journal.of(Authenticated) == []
        assert world.session()["outcome"] in ("locked_out", "hung_up")

    def test_four_do_not_and_numbers_that_are_not_listed_count(self, tmp_path: Path) -> None:
        wrong = [(f"+44770090099{number}", PIN) for number in range(4)]
        assert self.locked(self.play(tmp_path, *wrong, ("", PIN), wrong[0])) == {}
        assert self.locked(self.play(tmp_path, *wrong, (self.GUESTS[0], "9999"))) == {
            "claims-from": 1
        }

    def test_a_right_claim_lifts_the_lock_of_its_own_caller_id_only(self, tmp_path: Path) -> None:
        """Else whoever has one callerID may go on guessing at the PINs of others."""
        first, second, *_ = self.GUESTS
        wrong = [(first, "9999")] * 4
        world = self.play(tmp_path, *wrong, (second, PIN), (first, "9999"), attempts=4)
        assert self.locked(world) == {"claim": 1}
        assert len(world.journal.of(Authenticated)) == 1
        own = self.play(tmp_path, *wrong, (first, PIN), (first, "9999"), attempts=4)
        assert self.locked(own) == {}

    def test_a_right_claim_does_not_lift_what_was_claimed_wrongly_from_there(
        self, tmp_path: Path
    ) -> None:
        wrong = [(guest, "9999") for guest in self.GUESTS[:5]]
        right = (self.GUESTS[5], PIN)
        world = self.play(tmp_path, *wrong[:4], right, wrong[4], right)
        assert self.locked(world) == {"claims-from": 1}
        assert len(world.journal.of(Authenticated)) == 1

    def test_what_was_typed_is_not_stored(self, tmp_path: Path) -> None:
        world = self.play(tmp_path, ("+447700900999", "9999"))
        (row,) = world.rows(WrongClaimRow)
        assert row["return_number"] == HOTEL
        assert "7700900999" not in str(row)

    def test_its_own_phone_is_never_locked_by_claims_from_it(self, tmp_path: Path) -> None:
        """Who claims others on his own phone locks claims from there, not himself out."""

        async def claimer(call: FarCall) -> None:
            call.answer()
            for number in range(5):
                await call.hears(NUMBER_PROMPT)
                call.press(f"0770090099{number}#")
                await call.hears(PIN_PROMPT)
                call.press(f"{PIN}#")
            await call.hears(NUMBER_PROMPT)
            call.press("02071234567#")  # himself
            await call.hears(PIN_PROMPT)
            call.press(f"{PIN}#")
            await call.hears("Dial the number")
            call.hang_up()

        async def play(world: World) -> None:
            world.network.phone(HOTEL, claimer)
            listed = [{"number": HOTEL, "pin": PIN, "credit": "unlimited"}]
            await world.setup({**CLAIMS, "pin_attempts": 10}, caller_ids=listed)
            world.network.ring(ACCESS, None)

        world = in_world(tmp_path, play)
        assert self.locked(world) == {"claims-from": 1}
        assert len(world.journal.of(Authenticated)) == 1


def test_a_password_locks_that_number_on_that_extension(tmp_path: Path) -> None:
    async def guesser(call: FarCall) -> None:
        call.answer()
        for _ in range(5):
            await call.hears("Please enter your password")
            call.press("9999#")

    async def play(world: World) -> None:
        world.network.phone(CALLER, guesser)
        await world.setup({"password": "123456", "pin_attempts": 5})
        world.network.ring(ACCESS, CALLER)
        await world.sleep(120.0)
        world.network.ring(ACCESS, CALLER)
        await world.sleep(900.0)
        world.network.ring(ACCESS, CALLER, hang_up_after=20.0)

    world = in_world(tmp_path, play)
    outcomes = [row["outcome"] for row in world.rows_of_sessions()]
    assert outcomes == ["wrong_password", "refused_locked_out", "wrong_password"]
    ((key, row),) = world.locks().items()
    assert key == lockout.password_key(world.rows(ExtensionRow)[0]["id"], CALLER)
    assert row["times"] == 2, "the second lock-out lasts twice as long"


class TestMenu:
    @staticmethod
    def play(tmp_path: Path, *keys: tuple[str, str]) -> World:
        """Each key is pressed when what begins so is heard."""

        async def caller(call: FarCall) -> None:
            call.answer()
            await call.hears("Press 1")
            call.press("1")
            for words, key in keys:
                await call.hears(words)
                if key:
                    call.press(key)
            await call.hears("Dial the number", 60)
            call.hang_up()

        async def play(world: World) -> None:
            world.network.phone(CALLER, caller)
            await world.setup({"credit_menu": True})
            world.network.ring(ACCESS, CALLER)

        return in_world(tmp_path, play)

    def test_it_is_said_three_times_and_no_more(self, tmp_path: Path) -> None:
        world = self.play(tmp_path)
        said = world.said()
        assert sum(words.startswith("To hear your credit") for words in said) == 3
        assert said[-1] == "Goodbye."
        session = world.session()
        assert (session["outcome"], session["stage"]) == ("no_number_dialled", "menu")
        (a,) = world.legs("A")
        assert 30 < a["ended"] - a["answered"] < 50

    def test_a_key_in_the_prompt_counts(self, tmp_path: Path) -> None:
        world = self.play(tmp_path, ("To hear your credit", "2"))
        assert world.said()[-1].startswith("Dial the number")

    def test_a_key_in_the_credit_counts_the_last_time_too(self, tmp_path: Path) -> None:
        world = self.play(
            tmp_path,
            *[("To hear your credit", "1"), ("Your credit is", "")] * 2,
            ("To hear your credit", "1"),
            ("Your credit is", "2"),
        )
        assert world.said()[-1].startswith("Dial the number")
        assert world.session()["outcome"] == "hung_up"


class TestDialClock:
    """`dial_within_seconds` starts when the prompt was first said or interrupted."""

    @staticmethod
    def play(tmp_path: Path, *keys: tuple[float, str], **setup: object) -> tuple[World, FarCall]:
        """Keys pressed so long after the prompt, or the key before."""
        calls: list[FarCall] = []

        async def caller(call: FarCall) -> None:
            calls.append(call)
            call.answer()
            await call.hears("Dial the number")
            for pause, key in keys:
                await call.sleep(pause)
                call.press(key)
            await call.over()

        async def busy(call: FarCall) -> None:
            call.reject(Cause.BUSY)

        async def play(world: World) -> None:
            world.network.phone(CALLER, caller)
            world.network.phone(CALLEE, busy)
            await world.setup(
                {"accept_prompt": "never", "announce_duration": False, **setup}, caller_ids=None
            )
            world.network.ring(ACCESS, CALLER)

        return in_world(tmp_path, play), calls[0]

    def test_at_its_end_the_request_is_over(self, tmp_path: Path) -> None:
        world, call = self.play(tmp_path, dial_within_seconds=25)
        first, goodbye = at(call, "Dial the number")[0], at(call, "Goodbye")[0]
        length = 25 + 2  # and the prompt itself
        assert length - 1 < goodbye - first < length + 2
        assert world.session()["outcome"] == "no_number_dialled"

    def test_it_begins_when_the_prompt_is_interrupted(self, tmp_path: Path) -> None:
        _, call = self.play(tmp_path, (0.3, "*"), dial_within_seconds=5)
        first, goodbye = at(call, "Dial the number")[0], at(call, "Goodbye")[0]
        assert 5.3 <= goodbye - first <= 5.3 + LATENCY

    def test_an_incomplete_number_at_its_end_is_none(self, tmp_path: Path) -> None:
        world, _ = self.play(tmp_path, (5.0, "02079460000"), dial_within_seconds=5)
        assert world.legs("B") == []

    def test_it_runs_on_over_impossible_numbers(self, tmp_path: Path) -> None:
        world, call = self.play(tmp_path, (0.3, "99999#"), (8, "00#"), dial_within_seconds=20)
        assert len(at(call, "This number cannot be called")) == 2
        first, goodbye = at(call, "Dial the number")[0], at(call, "Goodbye")[0]
        assert 20 <= goodbye - first <= 20.5 + LATENCY
        assert world.session()["outcome"] == "forbidden_number"

    def test_a_refusal_is_said_whole(self, tmp_path: Path) -> None:
        _, call = self.play(tmp_path, (0.3, "*"), (3.9, "999#"), dial_within_seconds=5)
        (refused,), (goodbye,) = at(call, "This number cannot"), at(call, "Goodbye")
        assert goodbye - refused > 1.0

    def test_it_begins_anew_after_each_leg_b(self, tmp_path: Path) -> None:
        world, _ = self.play(
            tmp_path, (10, "02079460000#"), (12, "02079460000#"), dial_within_seconds=15
        )
        assert len(world.legs("B")) == 2
        assert world.session()["outcome"] == "busy"


def test_hash_alone_and_speed_dials_are_for_who_is_identified(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        call.answer()
        await call.hears("Dial the number")
        call.press("1#")
        await call.hears("Dial the number")
        call.press("#")
        await call.hears("Dial the number")
        call.hang_up()

    async def busy(call: FarCall) -> None:
        call.reject(Cause.BUSY)

    listed: dict[str, object] = {
        "number": CALLER,
        "credit": "5.00",
        "order_number": "A-1",
        "speed_dials": {"1": CALLEE},
    }

    def play(caller_ids: list[dict[str, object]]) -> World:
        async def scene(world: World) -> None:
            world.network.phone(CALLER, caller)
            world.network.phone(CALLEE, busy)
            await world.setup(
                {"return_calls": "caller", "open_to_anyone": True, "accept_prompt": "never"},
                caller_ids=caller_ids,
            )
            world.network.ring(ACCESS, CALLER)

        return in_world(tmp_path, scene)

    assert [leg["e164"] for leg in play([listed]).legs("B")] == [CALLEE, CALLEE]
    assert play([]).legs("B") == []
