"""Whole legs of a media worker, without sockets or time."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from ringback.media.g711 import SILENCE, TRANSLATE
from ringback.media.leg import LARGEST_PACKET, MediaLeg
from ringback.media.outstream import HEADER, OutStream
from ringback.media.playback import FRAME, Playback
from ringback.media.remote import Remote
from ringback.media.sources import Address

HERE, THERE = ("192.0.2.1", 4000), ("198.51.100.9", 4000)
TYPES = {"PCMA": 8, "PCMU": 0}


class Bench:
    """Legs, and what they send and tell."""

    def __init__(self, *codecs: str) -> None:
        self.buffer = bytearray(LARGEST_PACKET)
        self.sent: list[list[bytes]] = []
        self.told: list[tuple[Any, ...]] = []
        self.legs: list[MediaLeg] = []
        for number, codec in enumerate(codecs or ("PCMA", "PCMA")):
            sent: list[bytes] = []
            self.sent.append(sent)

            def send(packet: bytes | memoryview, sent: list[bytes] = sent) -> None:
                sent.append(bytes(packet))

            out = OutStream(number, 0, 0)
            self.legs.append(MediaLeg(number, self.buffer, send, self._tell, out))
            self.configure(number, codec)

    def _tell(self, event: str, leg: int, **more: Any) -> None:
        self.told.append((event, leg, more))

    def configure(
        self,
        leg: int,
        codec: str = "PCMA",
        remote: Address = HERE,
        *,
        now: float = 0.0,
        **more: Any,
    ) -> bool:
        host, port = remote
        described = Remote(
            host,
            port,
            codec,
            TYPES[codec],
            receives={8: "PCMA", 0: "PCMU"},
            dtmf_in=frozenset({101}),
            dtmf_out=101,
            sends=True,
            on_hold=False,
            allowed=frozenset({host}),
            anywhere=False,
        )
        return self.legs[leg].configure(now, replace(described, **more))

    def raw(self, leg: int, data: bytes, source: Address = HERE, now: float = 0.0) -> None:
        self.buffer[: len(data)] = data
        self.legs[leg].packet(len(data), source, now)

    def packet(
        self,
        leg: int,
        payload: bytes,
        payload_type: int = 8,
        sequence: int = 1,
        source: Address = HERE,
    ) -> None:
        header = HEADER.pack(0x80, payload_type, sequence, sequence * 160, 77)
        self.raw(leg, header + payload, source, sequence * 0.02)

    def bridge(self) -> None:
        self.legs[0].hear(self.legs[1])
        self.legs[1].hear(self.legs[0])

    def turns(self, leg: int, *, start: float, count: int) -> None:
        for turn in range(count):
            self.legs[leg].turn(start + turn * 0.02)

    def heard(self, leg: int) -> list[bytes]:
        """The payloads sent to the leg's far end."""
        return [packet[HEADER.size :] for packet in self.sent[leg]]

    def events(self, kind: str) -> list[tuple[Any, ...]]:
        return [event for event in self.told if event[0] == kind]


def test_bridged_payload_passes_unopened() -> None:
    bench = Bench()
    bench.bridge()
    bench.packet(0, bytes(range(160)))
    assert bench.heard(1) == [bytes(range(160))]
    assert bench.sent[0] == []


def test_bridged_legs_of_two_laws_are_translated() -> None:
    bench = Bench("PCMA", "PCMU")
    bench.bridge()
    bench.packet(0, bytes(range(160)))
    (packet,) = bench.sent[1]
    assert packet[1] & 0x7F == 0
    assert packet[12:] == bytes(range(160)).translate(TRANSLATE["PCMA", "PCMU"])


def test_a_codec_that_changes_in_the_call_changes_both_ways() -> None:
    bench = Bench()
    bench.bridge()
    bench.configure(0, "PCMU")
    bench.packet(0, bytes(range(160)), payload_type=0)
    bench.packet(1, bytes(range(160)))
    assert bench.heard(1) == [bytes(range(160)).translate(TRANSLATE["PCMU", "PCMA"])]
    assert bench.heard(0) == [bytes(range(160)).translate(TRANSLATE["PCMA", "PCMU"])]
    assert bench.sent[0][0][1] & 0x7F == 0


def test_a_codec_that_changes_in_a_prompt_changes_the_rest_of_it() -> None:
    bench = Bench("PCMA")
    bench.legs[0].play(Playback(1, b"\x11" * FRAME * 2, loop=False))
    bench.legs[0].turn(1.0)
    bench.configure(0, "PCMU")
    bench.legs[0].turn(1.02)
    table = TRANSLATE["PCMA", "PCMU"]
    assert bench.heard(0) == [b"\x11" * FRAME, (b"\x11" * FRAME).translate(table)]


def test_early_sound_goes_one_way() -> None:
    bench = Bench()
    bench.legs[0].hear(bench.legs[1])
    bench.packet(0, b"\x01" * FRAME)
    bench.packet(1, b"\x02" * FRAME)
    assert bench.heard(0) == [b"\x02" * FRAME]
    assert bench.heard(1) == []


def test_a_leg_hears_one_other_and_is_heard_by_one() -> None:
    bench = Bench("PCMA", "PCMA", "PCMA")
    bench.bridge()
    bench.legs[0].hear(bench.legs[2])
    bench.packet(1, b"\x01" * FRAME)
    bench.packet(2, b"\x02" * FRAME)
    assert bench.heard(0) == [b"\x02" * FRAME]
    bench.legs[1].hear(bench.legs[2])
    bench.packet(2, b"\x02" * FRAME, sequence=2)
    assert len(bench.heard(0)) == 1
    assert bench.heard(1) == [b"\x02" * FRAME]


def test_a_closed_leg_is_parted_from_the_other() -> None:
    bench = Bench()
    bench.bridge()
    bench.legs[1].close()
    bench.packet(0, b"\x01" * FRAME)
    bench.packet(1, b"\x01" * FRAME)
    assert bench.sent == [[], []]


def test_a_beep_takes_the_place_of_the_other_leg_for_one_leg_only() -> None:
    bench = Bench()
    bench.bridge()
    bench.legs[1].play(Playback(1, b"\x01" * FRAME, loop=False))
    bench.packet(0, b"\x02" * FRAME)
    bench.packet(1, b"\x03" * FRAME)
    bench.legs[1].turn(0.02)
    assert bench.heard(1) == [b"\x01" * FRAME]
    assert bench.heard(0) == [b"\x03" * FRAME]
    bench.legs[1].turn(0.04)
    assert bench.events("played") == [("played", 1, {"playback": 1})]
    bench.packet(0, b"\x02" * FRAME, sequence=2)
    assert bench.heard(1) == [b"\x01" * FRAME, b"\x02" * FRAME]  # no silence between
    assert bench.sent[1][-1][1] == 8 | 0x80


def test_silence_is_sent_where_nobody_is_heard_and_no_other_packet() -> None:
    bench = Bench("PCMA", "PCMU")
    bench.turns(1, start=1.0, count=3)
    assert bench.heard(1) == [SILENCE["PCMU"] * FRAME] * 3
    bench.bridge()
    bench.packet(0, b"\x02" * FRAME, sequence=60)  # at 1.2
    bench.turns(1, start=1.2, count=5)
    assert len(bench.heard(1)) == 4
    bench.legs[1].turn(1.32)
    assert bench.heard(1)[-1] == SILENCE["PCMU"] * FRAME


def test_on_hold_nothing_is_sent_and_time_goes_on() -> None:
    bench = Bench()
    bench.bridge()
    bench.configure(1, sends=False, on_hold=True)
    bench.packet(0, b"\x02" * FRAME)
    bench.legs[1].play(Playback(5, b"\x01" * FRAME * 3, loop=False))
    bench.turns(1, start=1.0, count=4)
    assert bench.events("played") == [("played", 1, {"playback": 5})]
    bench.legs[1].press("1")
    bench.turns(1, start=2.0, count=20)
    assert bench.sent[1] == []


def test_keys_are_told_once_and_not_passed_on() -> None:
    bench = Bench()
    bench.bridge()
    for sequence in range(1, 4):
        header = HEADER.pack(0x80, 101, sequence, 1000, 77)
        bench.raw(0, header + bytes([5, 10, 0, 160]), now=0.5)
    assert bench.events("digit") == [("digit", 0, {"digit": "5", "at": 0.5})]
    assert bench.sent[1] == []


def test_keys_that_are_not_passed_on_leave_no_gap() -> None:
    """They go to a far end without RFC 4733 by INFO: its stream is not to seem lossy."""
    bench = Bench()
    bench.bridge()
    bench.configure(1, dtmf_out=None)
    bench.packet(0, b"\x02" * FRAME, sequence=10)
    for sequence in (11, 12, 13):
        bench.packet(0, bytes([5, 10, 0, 160]), payload_type=101, sequence=sequence)
    bench.packet(0, b"\x02" * FRAME, sequence=14)
    bench.packet(0, b"\x02" * FRAME, sequence=15)
    fields = [HEADER.unpack_from(packet) for packet in bench.sent[1]]
    assert [sequence for _, _, sequence, _, _ in fields] == [1, 2, 3]
    assert [later[3] - sooner[3] for sooner, later in itertools.pairwise(fields)] == [640, 160]
    assert [second & 0x80 for _, second, *_ in fields] == [0x80, 0x80, 0]
    bench.packet(0, bytes([6, 10, 0, 160]), payload_type=101, sequence=16)
    bench.legs[1].turn(0.42)
    assert bench.sent[1][-1][1] == 8 | 0x80  # silence takes over, and bears the marker


def test_keys_are_taken_in_the_payload_type_of_either_end() -> None:
    """A far end is to use the one that we named (RFC 3264 section 5.1); some use their own."""
    bench = Bench()
    bench.configure(0, dtmf_in=frozenset({101, 96}), dtmf_out=96)
    for timestamp, payload_type in ((1000, 101), (2000, 96), (3000, 97)):
        header = HEADER.pack(0x80, payload_type, timestamp, timestamp, 77)
        bench.raw(0, header + bytes([5, 10, 0, 160]), now=0.5)
    assert len(bench.events("digit")) == 2
    assert bench.legs[0].invalid == 1
    bench.legs[0].press("1")
    bench.legs[0].turn(1.0)
    assert bench.sent[0][0][1] == 96 | 0x80


def test_keys_that_wait_when_events_are_taken_away_are_not_sent() -> None:
    bench = Bench()
    bench.legs[0].press("12")
    bench.configure(0, dtmf_out=None)
    bench.turns(0, start=1.0, count=40)
    assert {packet[1] & 0x7F for packet in bench.sent[0]} == {8}


def test_a_flood_of_keys_does_not_reach_the_controller() -> None:
    bench = Bench()
    for sequence in range(1, 1000):
        header = HEADER.pack(0x80, 101, sequence, sequence, 77)
        bench.raw(0, header + bytes([5, 10, 0, 160]), now=1.0 + sequence * 0.002)
    assert len(bench.events("digit")) <= 2 * 20 + 1


def test_keys_are_sent_in_place_of_sound() -> None:
    bench = Bench()
    bench.bridge()
    bench.legs[1].press("7")
    bench.legs[1].turn(0.02)
    bench.packet(0, b"\x02" * FRAME)
    (packet,) = bench.sent[1]
    assert packet[1] == 101 | 0x80
    assert packet[12:] == bytes([7, 10, 0, 160])
    bench.turns(1, start=0.04, count=11)
    bench.packet(0, b"\x02" * FRAME, sequence=15)
    assert [packet[1] & 0x7F for packet in bench.sent[1]] == [101] * 8 + [8]
    ends = [packet[13] & 0x80 for packet in bench.sent[1][:8]]
    assert ends == [0] * 5 + [0x80] * 3


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 12,
        b"\x80\x08",
        b"\x40" + b"\x08" * 20,  # version 1
        b"\x8f\x08" + b"\x00" * 20,  # more contributing sources than bytes
        b"\x90\x08" + b"\x00" * 12 + b"\xff\xff",  # an extension without end
        b"\xa0\x08" + b"\x00" * 18 + b"\xff",  # more padding than packet
        b"\x80\x03" + b"\x00" * 20,  # another payload type
    ],
)
def test_garbage_is_dropped_and_counted(data: bytes) -> None:
    bench = Bench()
    bench.bridge()
    bench.raw(0, data)
    assert bench.sent[1] == []
    assert bench.legs[0].invalid == 1
    assert bench.told == []


@pytest.mark.parametrize(
    ("first", "before", "after"),
    [
        (0x82, b"SSRCSSRC", b""),
        (0x90, b"\xbe\xde\x00\x01ext ", b""),
        (0xA0, b"", b"\x00\x00\x00\x04"),
        (0xB1, b"SSRC\xbe\xde\x00\x00", b"\x00\x02"),
    ],
)
def test_only_the_payload_of_a_dressed_packet_is_passed_on(
    first: int, before: bytes, after: bytes
) -> None:
    bench = Bench()
    bench.bridge()
    bench.raw(0, HEADER.pack(first, 8, 1, 160, 77) + before + b"\x02" * FRAME + after)
    assert bench.heard(1) == [b"\x02" * FRAME]
    assert bench.sent[1][0][0] == 0x80


def test_others_than_the_source_are_dropped_and_counted() -> None:
    bench = Bench()
    bench.bridge()
    bench.packet(0, b"\x02" * FRAME)
    bench.packet(0, b"\x03" * FRAME, source=THERE)
    assert bench.heard(1) == [b"\x02" * FRAME]
    assert (bench.legs[0].wrong_source, bench.legs[0].last_wrong_source) == (1, THERE)


def test_the_source_is_left_for_another_description_not_for_the_same() -> None:
    bench = Bench()
    bench.packet(0, b"\x02" * FRAME)
    assert not bench.configure(0, sends=False, on_hold=True)
    assert bench.legs[0].source.address == HERE
    assert bench.configure(0, remote=THERE)
    assert bench.legs[0].source.address is None


def test_only_the_first_valid_packet_is_told() -> None:
    bench = Bench()
    bench.packet(0, b"\x02" * FRAME, source=THERE)
    assert bench.told == []
    bench.packet(0, b"\x02" * FRAME)
    bench.packet(0, b"\x02" * FRAME, sequence=2)
    assert bench.told == [("heard", 0, {})]


def test_a_description_is_no_sign_of_life_of_the_sound_but_the_end_of_hold_begins_anew() -> None:
    bench = Bench("PCMA")
    (leg,) = bench.legs
    assert leg.heard == 0.0
    bench.packet(0, b"\x02" * FRAME, sequence=50)
    for now in (30.0, 60.0):  # the far end refreshes the session, and sends no sound
        bench.configure(0, now=now)
    assert leg.heard == 1.0
    bench.configure(0, on_hold=True, sends=False, now=70.0)
    assert leg.heard == 1.0
    bench.configure(0, now=500.0)
    assert leg.heard == 500.0


def test_comfort_noise_is_dropped_and_is_a_sign_of_life_of_the_source_only() -> None:
    bench = Bench()
    bench.bridge()
    bench.packet(0, b"\x02" * FRAME, sequence=1)
    bench.packet(0, b"\x40", payload_type=13, sequence=100)
    assert len(bench.sent[1]) == 1
    assert (bench.legs[0].invalid, bench.legs[0].heard) == (1, 2.0)
    bench.packet(0, b"\x40", payload_type=13, sequence=200, source=THERE)
    assert (bench.legs[0].invalid, bench.legs[0].heard) == (2, 2.0)


@pytest.mark.parametrize("samples", [80, 240, 320, 480])
def test_packets_of_another_length_are_passed_on_as_they_are(samples: int) -> None:
    bench = Bench("PCMA", "PCMU")
    bench.bridge()
    for number in range(10):
        header = HEADER.pack(0x80, 8, 65_530 + number & 0xFFFF, number * samples, 77)
        bench.raw(0, header + b"\x02" * samples, now=1 + number * samples / 8000)
        bench.legs[1].turn(1 + number * samples / 8000)
    table = TRANSLATE["PCMA", "PCMU"]
    assert bench.heard(1) == [b"\x02".translate(table) * samples] * 10
    fields = [HEADER.unpack_from(packet) for packet in bench.sent[1]]
    sequences = [sequence for _, _, sequence, _, _ in fields]
    assert sequences == list(range(1, 11))
    steps = {later[3] - sooner[3] for sooner, later in itertools.pairwise(fields)}
    assert steps == {samples}


def test_a_leg_at_its_limit_hears_nothing_and_is_not_heard() -> None:
    bench = Bench()
    bench.bridge()
    bench.legs[0].end()
    bench.packet(0, b"\x02" * FRAME)
    bench.packet(1, b"\x02" * FRAME)
    bench.legs[0].play(Playback(1, b"\x01" * FRAME, loop=False))
    bench.turns(0, start=1.0, count=3)
    assert bench.sent == [[], []]
