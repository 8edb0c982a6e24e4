"""Keys of far ends that do not keep to RFC 4733: each press counts, and counts once."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.media.test_leg import HERE, THERE, Bench

from ringback.media.dtmf import KEYS, Receiver
from ringback.media.outstream import HEADER
from ringback.media.playback import FRAME
from ringback.media.sources import Address, Source

STRANGER = ("203.0.113.9", 4000)


@dataclass(frozen=True)
class Way:
    """How a far end sends a key. RFC 4733 section 2.2: all its packets have one timestamp."""

    updates: int = 5
    ends: int = 3
    step: int = 0
    """Added to the timestamp at each packet."""
    end_step: int = 0
    """Added at each packet that says that the key is over, but the first."""
    grows: bool = True
    """Whether the packets say how long the key has been down."""
    pause: int = 320

    def packets(self, keys: str) -> list[tuple[int, bytes]]:
        """Timestamps and payloads."""
        packets, start = [], 2**32 - 3000
        for key in map(KEYS.index, keys):
            now, duration = start, 160
            for number in range(self.updates):
                duration = (number + 1) * 160 if self.grows else 160
                packets.append((now, struct.pack("!BBH", key, 10, duration)))
                now += self.step
            for number in range(self.ends):
                now += self.end_step if number else 0
                packets.append((now, struct.pack("!BBH", key, 0x8A, duration)))
                now += self.step
            start = max(start + self.updates * 160, now) + self.pause
        return [(timestamp % 2**32, payload) for timestamp, payload in packets]


WAYS = {
    "as the RFC has it": Way(),
    "each packet that ends it has a new timestamp": Way(end_step=160),
    "and a later one": Way(end_step=320),
    "each packet has a new timestamp": Way(step=160),
    "and none says how long it is": Way(step=160, grows=False),
    "many ends": Way(ends=9, end_step=160),
    "without an end": Way(ends=0),
    "only its end": Way(updates=0, pause=640),
    "one packet": Way(updates=1, ends=0),
    "quickly": Way(updates=2),
}


def keys_of(packets: list[tuple[int, bytes]]) -> str:
    receiver = Receiver()
    return "".join(receiver.packet(1, *packet) or "" for packet in packets)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_press_is_one_key_and_two_are_two(way: Way) -> None:
    keys = "02079460000##11*#"
    assert keys_of(way.packets(keys)) == keys


@pytest.mark.parametrize("way", list(WAYS.values())[:6], ids=list(WAYS)[:6])
def test_packets_that_are_overtaken_or_come_twice_make_no_key_of_their_own(way: Way) -> None:
    keys = "0077#"
    packets = way.packets(keys)
    for first in range(1, len(packets) - 1):
        swapped = [*packets]
        if packets[first][1][0] == packets[first + 1][1][0]:
            swapped[first : first + 2] = swapped[first + 1], swapped[first]
        swapped.insert(first, packets[first])
        assert keys_of(swapped) == keys, first


@pytest.mark.parametrize("way", list(WAYS.values())[:6], ids=list(WAYS)[:6])
def test_any_packet_may_be_lost(way: Way) -> None:
    keys = "0077#"
    packets = way.packets(keys)
    for lost in range(len(packets)):
        assert keys_of([*packets[:lost], *packets[lost + 1 :]]) == keys, lost


@given(
    st.lists(
        st.tuples(st.sampled_from("0#5"), st.integers(1, 20), st.integers(2, 50)), max_size=12
    ),
    st.randoms(use_true_random=False),
)
def test_as_the_rfc_has_it_every_press_of_which_anything_comes_counts_once(
    presses: list[tuple[str, int, int]], chance: random.Random
) -> None:
    """Any packets may be lost or come twice. Between two presses are 40 ms at least."""
    receiver, start = Receiver(), chance.getrandbits(32)
    came = told = ""
    for key, updates, pause in presses:
        durations = [*(range(160, updates * 160 + 1, 160)), *[updates * 160] * 3]
        copies = [chance.choice((0, 0, 1, 2)) for _ in durations]
        came += key if any(copies) else ""
        for number, duration in enumerate(durations):
            flags = 0x8A if number >= updates else 10
            payload = struct.pack("!BBH", KEYS.index(key), flags, duration)
            for _ in range(copies[number]):
                told += receiver.packet(1, start, payload) or ""
        start = (start + (updates + pause) * 160) % 2**32
    assert told == came


def test_a_stream_that_begins_anew_does_not_hide_its_keys() -> None:
    late, anew = [(90_000, b"\x05\x0a\x00\xa0")], [(1_000, b"\x05\x0a\x00\xa0")]
    assert keys_of(late + anew + [(3_000, b"\x05\x0a\x00\xa0")]) == "555"


# Of an SSRC of their own


def test_they_are_taken_beside_the_sound() -> None:
    """From the address of the sound, and of none but that; the sound is not held up."""
    bench = Bench()
    bench.bridge()
    sound = 0

    def key(source: Address, timestamp: int, ssrc: int = 99) -> None:
        header = HEADER.pack(0x80, 101, timestamp & 0xFFFF, timestamp, ssrc)
        bench.raw(0, header + bytes([5, 10, 0, 160]), source, now=0.5)

    for press in range(1, 6):
        for _ in range(3):
            sound += 1
            bench.packet(0, b"\x02" * FRAME, sequence=sound)
            key(HERE, press * 2000)
            key(THERE, press * 7000, 55)
        assert len(bench.events("digit")) == press
        assert len(bench.heard(1)) == sound
    assert bench.legs[0].wrong_source == 15


def test_sound_that_begins_after_a_key_is_heard_from_its_first_packet() -> None:
    bench = Bench()
    bench.bridge()
    bench.raw(0, HEADER.pack(0x80, 101, 1, 1000, 99) + bytes([5, 10, 0, 160]))
    bench.packet(0, b"\x02" * FRAME)
    bench.packet(0, b"\x02" * FRAME, sequence=2)
    assert len(bench.events("digit")) == 1
    assert len(bench.heard(1)) == 2
    bench.raw(0, HEADER.pack(0x80, 8, 3, 480, 78) + b"\x02" * FRAME)
    assert len(bench.heard(1)) == 2, "another stream of sound has to come five times"


class TestSource:
    @staticmethod
    def source(*hosts: str) -> Source:
        source = Source()
        source.describe(HERE, frozenset({HERE[0], *hosts}), anywhere=False)
        return source

    def test_keys_come_from_the_address_of_the_sound_whatever_their_ssrc(self) -> None:
        source = self.source(THERE[0])
        assert source.accept(HERE, 1, 0.0)
        for count in range(20):
            assert source.accept_key(HERE, 2, count * 0.02)
            assert source.accept(HERE, 1, count * 0.02)
            assert not source.accept_key(THERE, 1, count * 0.02)
            assert not source.accept_key(STRANGER, 1, count * 0.02)
        assert (source.address, source.ssrc, source.heard) == (HERE, 1, 19 * 0.02)

    def test_keys_do_not_keep_a_new_stream_of_sound_from_its_turn(self) -> None:
        source = self.source()
        assert source.accept(HERE, 1, 0.0)
        taken = []
        for count in range(5):
            taken.append(source.accept(HERE, 3, count * 0.02))
            assert source.accept_key(HERE, 2, count * 0.02)
        assert taken == [False] * 4 + [True]

    def test_a_key_that_comes_first_shows_the_address_and_not_the_ssrc(self) -> None:
        source = self.source()
        assert not source.accept_key(STRANGER, 1, 0.0)
        assert source.accept_key(HERE, 1, 0.0)
        assert source.accept(HERE, 2, 0.02)
        assert not source.accept(HERE, 3, 0.04)
