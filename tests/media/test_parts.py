"""The parts of a media worker, without sockets."""

from __future__ import annotations

import itertools
import struct
from typing import Any

import pytest

from ringback.media.dtmf import KEYS, Receiver, Sender
from ringback.media.g711 import TRANSLATE, Encoder, decode
from ringback.media.leg import FRAME, Leg, Playback
from ringback.media.outstream import HEADER, OutStream
from ringback.media.sources import Source

HERE, THERE, STRANGER = ("192.0.2.1", 4000), ("192.0.2.2", 4000), ("198.51.100.9", 4000)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_every_code_survives_decoding_and_encoding(codec: str) -> None:
    encoder = Encoder()
    codes = bytes(range(256))
    samples = decode(codes, codec)
    assert decode(encoder.encode(samples, codec), codec) == samples


def test_translation_stays_near() -> None:
    for (source, target), table in TRANSLATE.items():
        for code in range(256):
            (before,) = struct.unpack("<h", decode(bytes([code]), source))
            (after,) = struct.unpack("<h", decode(bytes([table[code]]), target))
            assert abs(before - after) <= max(16, abs(before) // 16)


def test_an_event_is_taken_once_whichever_packet_comes_first() -> None:
    receiver = Receiver()
    event = bytes([5, 10, 0, 160])
    assert receiver.packet(1, 1000, event) == "5"
    assert receiver.packet(1, 1000, event) is None
    assert receiver.packet(1, 1000, bytes([5, 0x8A, 3, 32])) is None
    assert receiver.packet(1, 2000, bytes([5, 0x8A, 3, 32])) == "5"  # only its end came
    assert receiver.packet(1, 3000, bytes([99, 0, 0, 0])) is None
    assert receiver.packet(1, 4000, b"") is None


def test_sent_keys_come_back_as_the_same_keys() -> None:
    sender, receiver, out = Sender(), Receiver(), OutStream(7, 65_530, 2**32 - 500)
    sender.press(KEYS)
    heard, now = "", 0.0
    while sender.busy:
        now += 0.02 if len(heard) % 2 else 0.055  # late turns must not make two of one key
        event = sender.turn()
        if event is None:
            continue
        payload, first = event
        header = out.event(101, first=first, now=now)
        _, _, _, timestamp, ssrc = HEADER.unpack(header)
        heard += receiver.packet(ssrc, timestamp, payload) or ""
    assert heard == KEYS


def test_one_stream_over_prompt_relay_and_prompt() -> None:
    out = OutStream(7, 10, 1000)
    headers = [out.own(8, 1.00), out.own(8, 1.02)]
    headers += [out.relayed(8, 0, 99, 5000, 1.04), out.relayed(8, 0, 99, 5160, 1.06)]
    headers += [out.own(8, 1.08)]
    fields = [HEADER.unpack(header) for header in headers]
    assert [sequence for _, _, sequence, _, _ in fields] == [11, 12, 13, 14, 15]
    assert {ssrc for *_, ssrc in fields} == {7}
    times = [timestamp for _, _, _, timestamp, _ in fields]
    assert [later - sooner for sooner, later in itertools.pairwise(times)] == [160] * 4
    markers = [bool(second & 0x80) for _, second, *_ in fields]
    assert markers == [True, False, True, False, True]


class TestSource:
    def test_the_first_valid_packet_of_an_allowed_host_is_taken(self) -> None:
        source = Source()
        source.describe(frozenset({HERE[0]}), anywhere=False)
        assert not source.accept(STRANGER, 1, 0.0)
        assert source.accept(HERE, 1, 0.0)
        assert not source.accept(STRANGER, 1, 0.02)
        assert not source.accept((HERE[0], 4002), 2, 0.02)

    def test_strangers_are_never_taken_however_often_they_send(self) -> None:
        source = Source()
        source.describe(frozenset({HERE[0]}), anywhere=False)
        assert not any(source.accept(STRANGER, 1, count * 0.02) for count in range(1000))

    def test_anywhere_takes_the_fifth_in_a_row(self) -> None:
        source = Source()
        source.describe(frozenset({HERE[0]}), anywhere=True)
        assert [source.accept(STRANGER, 1, 0.0) for _ in range(5)] == [False] * 4 + [True]

    def test_another_allowed_one_is_taken_only_after_two_seconds_of_silence(self) -> None:
        source = Source()
        source.describe(frozenset({HERE[0], THERE[0]}), anywhere=False)
        assert source.accept(HERE, 1, 0.0)
        assert not any(source.accept(THERE, 2, 1.0 + count * 0.02) for count in range(20))
        taken = [source.accept(THERE, 2, 2.5 + count * 0.02) for count in range(5)]
        assert taken[0]  # five in a row had come, and now the first has been silent long enough
        assert not source.accept(HERE, 1, 2.7)

    def test_a_new_description_forgets_the_source(self) -> None:
        source = Source()
        source.describe(frozenset({HERE[0]}), anywhere=False)
        assert source.accept(HERE, 1, 0.0)
        source.describe(frozenset({THERE[0]}), anywhere=False)
        assert not source.accept(HERE, 1, 0.1)
        assert source.accept(THERE, 2, 0.1)


class Bench:
    """Two legs and what they send and tell."""

    def __init__(self, codecs: tuple[str, str] = ("PCMA", "PCMA")) -> None:
        self.sent: list[list[bytes]] = [[], []]
        self.told: list[tuple[Any, ...]] = []
        self.legs = [
            Leg(number, self.sent[number].append, self._tell, OutStream(number, 0, 0))
            for number in range(2)
        ]
        for leg, codec in zip(self.legs, codecs, strict=True):
            leg.configure(
                {
                    "codec": codec,
                    "payload_type": 8 if codec == "PCMA" else 0,
                    "dtmf_in": 101,
                    "dtmf_out": 101,
                    "sends": True,
                    "on_hold": False,
                    "allowed": [HERE[0]],
                    "anywhere": False,
                },
                0.0,
            )

    def _tell(self, event: str, leg: int, **more: Any) -> None:
        self.told.append((event, leg, more))

    def packet(self, leg: int, payload: bytes, payload_type: int = 8, sequence: int = 1) -> None:
        data = HEADER.pack(0x80, payload_type, sequence, sequence * 160, 77) + payload
        self.legs[leg].packet(memoryview(data), HERE, sequence * 0.02)

    def bridge(self) -> None:
        self.legs[0].join(self.legs[1])
        self.legs[1].join(self.legs[0])


def test_bridged_payload_passes_unopened() -> None:
    bench = Bench()
    bench.bridge()
    bench.packet(0, bytes(range(160)))
    (packet,) = bench.sent[1]
    assert packet[12:] == bytes(range(160))


def test_bridged_legs_of_two_laws_are_translated() -> None:
    bench = Bench(("PCMA", "PCMU"))
    bench.bridge()
    bench.packet(0, bytes(range(160)))
    (packet,) = bench.sent[1]
    assert packet[1] & 0x7F == 0
    assert packet[12:] == bytes(range(160)).translate(TRANSLATE["PCMA", "PCMU"])


def test_a_beep_takes_the_place_of_the_other_leg_for_one_leg_only() -> None:
    bench = Bench()
    bench.bridge()
    bench.legs[1].play(Playback(1, b"\x01" * FRAME, loop=False))
    bench.packet(0, b"\x02" * FRAME)
    bench.packet(1, b"\x03" * FRAME)
    bench.legs[1].turn(0.02)
    assert [packet[12] for packet in bench.sent[1]] == [1]
    assert [packet[12] for packet in bench.sent[0]] == [3]
    bench.legs[1].turn(0.04)
    assert ("played", 1, {"playback": 1}) in bench.told
    bench.packet(0, b"\x02" * FRAME, sequence=2)
    assert bench.sent[1][-1][12] == 2


def test_clips_are_joined_without_a_gap_and_only_the_last_frame_is_padded() -> None:
    playback = Playback(1, b"a" * 200 + b"b" * 70, loop=False)
    frames = [playback.frame(b"s"), playback.frame(b"s"), playback.frame(b"s")]
    assert frames == [b"a" * 160, b"a" * 40 + b"b" * 70 + b"s" * 50, None]


def test_a_loop_has_no_gap_either() -> None:
    playback = Playback(1, b"abc" * 70, loop=True)
    sound = b"".join(playback.frame(b"s") or b"" for _ in range(21))
    assert sound == (b"abc" * 70 * 16)[: len(sound)]


def test_keys_are_told_and_not_passed_on() -> None:
    bench = Bench()
    bench.bridge()
    bench.packet(0, bytes([5, 10, 0, 160]), payload_type=101)
    assert next(event for event in bench.told if event[0] == "digit")[2]["digit"] == "5"
    assert bench.sent[1] == []


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 12, b"\x80\x08", b"\x40" + b"\x08" * 20, b"\x8f\x08" + b"\x00" * 20]
)
def test_garbage_is_dropped_and_counted(data: bytes) -> None:
    bench = Bench()
    bench.bridge()
    bench.legs[0].packet(memoryview(data), HERE, 1.0)
    assert bench.sent[1] == []
    assert bench.legs[0].dropped == 1


def test_a_leg_at_its_limit_hears_nothing_and_is_not_heard() -> None:
    bench = Bench()
    bench.bridge()
    bench.legs[0].over = True
    bench.packet(0, b"\x02" * FRAME)
    bench.packet(1, b"\x02" * FRAME)
    bench.legs[0].turn(1.0)
    assert bench.sent == [[], []]
