"""The parts of a media worker, without sockets or time."""

from __future__ import annotations

import itertools
import math
import struct

import pytest

from ringback.media.control import Unpacker, pack
from ringback.media.dtmf import KEYS, MOST_KEYS, Receiver, Sender
from ringback.media.g711 import SILENCE, TRANSLATE, Encoder, decode
from ringback.media.outstream import HEADER, OutStream
from ringback.media.playback import Playback
from ringback.media.remote import Remote
from ringback.media.schedule import PHASES, Deadlines, Wheel
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


def test_silence_is_silence_in_the_other_law() -> None:
    assert SILENCE["PCMU"].translate(TRANSLATE["PCMU", "PCMA"]) == SILENCE["PCMA"]
    samples = struct.pack("<3h", -32_768, 0, 32_767)
    assert Encoder().encode(samples, "PCMU") == b"\x00\xff\x80"
    assert Encoder().encode(samples, "PCMA") == b"\x2a\xd5\xaa"


def test_an_event_is_taken_once_whichever_packet_comes_first() -> None:
    receiver = Receiver()
    event = bytes([5, 10, 0, 160])
    assert receiver.packet(1, 1000, event) == "5"
    assert receiver.packet(1, 1000, event) is None
    assert receiver.packet(1, 1000, bytes([5, 0x8A, 3, 32])) is None
    assert receiver.packet(1, 2000, bytes([5, 0x8A, 3, 32])) == "5"  # only its end came
    assert receiver.packet(1, 3000, bytes([99, 0, 0, 0])) is None
    assert receiver.packet(1, 4000, b"") is None


def test_a_key_held_down_for_longer_than_a_duration_can_say_is_one() -> None:
    """It goes on in segments (RFC 4733 section 2.5.1.3), the last packets of which may be lost."""
    receiver, start = Receiver(), 2**32 - 70_000
    segments = [(start + number * 0xFFFF) % 2**32 for number in range(3)]
    for number, timestamp in enumerate(segments):
        for duration in range(160, 0xFFFF, 160):
            told = receiver.packet(1, timestamp, struct.pack("!BBH", 5, 10, duration))
            assert told == ("5" if (number, duration) == (0, 160) else None)
    after = (segments[-1] + 0xFFFF) % 2**32
    assert receiver.packet(1, after, bytes([6, 10, 0, 160])) == "6"
    assert receiver.packet(2, after + 0xFFFF, bytes([6, 10, 0, 160])) == "6"


def test_keys_that_overlap_and_come_out_of_order_are_each_told_once() -> None:
    receiver = Receiver()
    arrived = [(1000, 5, 160), (1400, 6, 160), (1000, 5, 480), (1400, 0x86, 320), (1000, 5, 320)]
    told = [
        receiver.packet(1, timestamp, struct.pack("!BBH", event & 0x7F, 10, duration))
        for timestamp, event, duration in arrived
    ]
    assert told == ["5", "6", None, None, None]


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


def test_keys_that_are_not_sent_in_time_do_not_pile_up() -> None:
    sender, keys = Sender(), 0
    sender.press("1" * 10_000)
    while sender.busy:
        event = sender.turn()
        keys += event is not None and event[1]
    assert keys == MOST_KEYS


class TestOutStream:
    """The one stream that a leg hears."""

    @staticmethod
    def relay(out: OutStream, sequence: int, now: float, ssrc: int = 99) -> bytes:
        packet = bytearray(HEADER.size)
        out.relay(packet, 8, sequence, sequence * 160, ssrc, now)
        return bytes(packet)

    def test_it_goes_on_over_prompt_relay_and_prompt(self) -> None:
        out = OutStream(7, 65_534, 2**32 - 300)
        headers = [out.own(8, 1.00), out.own(8, 1.02)]
        headers += [self.relay(out, 400, 1.04), self.relay(out, 401, 1.06)]
        headers += [out.own(8, 1.08)]
        fields = [HEADER.unpack(header) for header in headers]
        assert [sequence for _, _, sequence, _, _ in fields] == [65_535, 0, 1, 2, 3]
        assert {ssrc for *_, ssrc in fields} == {7}
        times = [timestamp for _, _, _, timestamp, _ in fields]
        steps = [(later - sooner) % 2**32 for sooner, later in itertools.pairwise(times)]
        assert steps == [160] * 4
        markers = [bool(second & 0x80) for _, second, *_ in fields]
        assert markers == [True, False, True, False, True]

    def test_what_was_lost_repeated_or_overtaken_before_us_can_be_seen_behind_us(self) -> None:
        out = OutStream(7, 0, 0)
        arrived = [10, 11, 14, 13, 14, 15]
        headers = [
            HEADER.unpack(self.relay(out, sequence, 1 + turn * 0.02))
            for turn, sequence in enumerate(arrived)
        ]
        assert [sequence for _, _, sequence, _, _ in headers] == [1, 2, 5, 4, 5, 6]
        assert [timestamp // 160 for *_, timestamp, _ in headers] == [1, 2, 5, 4, 5, 6]
        _, _, sequence, timestamp, _ = HEADER.unpack(out.own(8, 1.12))
        assert (sequence, timestamp) == (7, 7 * 160)

    @pytest.mark.parametrize("sequence", [0, 30_000, 65_000])
    def test_a_sender_that_begins_anew_does_not_break_it(self, sequence: int) -> None:
        out = OutStream(7, 0, 0)
        self.relay(out, 20_000, 1.00)
        _, second, ours, timestamp, _ = HEADER.unpack(self.relay(out, sequence, 1.02))
        assert (second & 0x80, ours, timestamp) == (0x80, 2, 320)

    def test_time_without_packets_is_time_in_the_stream(self) -> None:
        out = OutStream(7, 0, 0)
        out.own(8, 1.0)
        *_, timestamp, _ = HEADER.unpack(out.own(8, 3.0))
        assert timestamp == 160 + 2 * 8000

    def test_an_event_bears_the_time_it_began_and_sound_after_it_the_marker(self) -> None:
        out = OutStream(7, 0, 0)
        out.own(8, 1.00)
        events = [
            HEADER.unpack(out.event(101, first=not turn, now=1.02 + turn * 0.02))
            for turn in range(3)
        ]
        assert [second for _, second, *_ in events] == [101 | 0x80, 101, 101]
        assert [sequence for _, _, sequence, _, _ in events] == [2, 3, 4]
        assert {timestamp for *_, timestamp, _ in events} == {320}
        _, second, sequence, timestamp, _ = HEADER.unpack(out.own(8, 1.08))
        assert (second, sequence, timestamp) == (8 | 0x80, 5, 5 * 160)


@pytest.mark.parametrize("dtmf", [None, 101])
def test_a_description_crosses_the_process_border_as_it_is(dtmf: int | None) -> None:
    allowed = frozenset({"192.0.2.1", "198.51.100.9"})
    remote = Remote(
        "192.0.2.1",
        4000,
        "PCMU",
        0,
        receives={0: "PCMU", 96: "PCMA"},
        dtmf_in=frozenset() if dtmf is None else frozenset({dtmf, 97}),
        dtmf_out=dtmf,
        sends=True,
        on_hold=False,
        allowed=allowed,
        anywhere=True,
    )
    ((message, _),) = Unpacker().feed(pack({"remote": remote.to_message()}))
    assert Remote.from_message(message["remote"]) == remote


class TestSource:
    def test_the_first_valid_packet_of_an_allowed_host_is_taken(self) -> None:
        source = Source()
        source.describe(HERE, frozenset({HERE[0]}), anywhere=False)
        assert not source.accept(STRANGER, 1, 0.0)
        assert source.accept(HERE, 1, 0.0)
        assert not source.accept(STRANGER, 1, 0.02)
        assert not source.accept((HERE[0], 4002), 2, 0.02)

    def test_strangers_are_never_taken_however_often_they_send(self) -> None:
        source = Source()
        source.describe(HERE, frozenset({HERE[0]}), anywhere=False)
        assert not any(source.accept(STRANGER, 1, count * 0.02) for count in range(1000))

    def test_anywhere_takes_the_fifth_in_a_row(self) -> None:
        source = Source()
        source.describe(HERE, frozenset({HERE[0]}), anywhere=True)
        assert [source.accept(STRANGER, 1, 0.0) for _ in range(5)] == [False] * 4 + [True]

    def test_another_allowed_one_is_taken_only_after_two_seconds_of_silence(self) -> None:
        source = Source()
        source.describe(HERE, frozenset({HERE[0], THERE[0]}), anywhere=False)
        assert source.accept(HERE, 1, 0.0)
        assert not any(source.accept(THERE, 2, 1.0 + count * 0.02) for count in range(20))
        taken = [source.accept(THERE, 2, 2.5 + count * 0.02) for count in range(5)]
        assert taken[0]  # five in a row had come, and now the first has been silent long enough
        assert not source.accept(HERE, 1, 2.7)

    def test_the_address_described_takes_the_place_of_another(self) -> None:
        """Late packets of the call that had the port before come from the same host."""
        source = Source()
        source.describe(HERE, frozenset({HERE[0]}), anywhere=False)
        late = (HERE[0], 4002)
        assert source.accept(late, 1, 0.0)
        assert source.accept(HERE, 2, 0.02)
        assert not any(source.accept(late, 1, 0.03 + count * 0.02) for count in range(50))
        assert source.accept(HERE, 2, 0.04)

    def test_a_new_description_forgets_the_source(self) -> None:
        source = Source()
        source.describe(HERE, frozenset({HERE[0]}), anywhere=False)
        assert source.accept(HERE, 1, 0.0)
        source.describe(THERE, frozenset({THERE[0]}), anywhere=False)
        assert not source.accept(HERE, 1, 0.1)
        assert source.accept(THERE, 2, 0.1)

    def test_the_same_sender_may_begin_a_new_stream_by_the_fifth_packet(self) -> None:
        source = Source()
        source.describe(HERE, frozenset({HERE[0]}), anywhere=False)
        assert source.accept(HERE, 1, 0.0)
        assert [source.accept(HERE, 2, 0.02) for _ in range(5)] == [False] * 4 + [True]
        assert not source.accept(HERE, 1, 0.04)


def test_clips_are_joined_without_a_gap_and_only_the_last_frame_is_padded() -> None:
    playback = Playback(1, b"a" * 200 + b"b" * 70, loop=False)
    frames = [playback.frame(b"s"), playback.frame(b"s"), playback.frame(b"s")]
    assert frames == [b"a" * 160, b"a" * 40 + b"b" * 70 + b"s" * 50, None]


def test_a_loop_has_no_gap_either() -> None:
    playback = Playback(1, b"abc" * 70, loop=True)
    sound = b"".join(playback.frame(b"s") or b"" for _ in range(21))
    assert sound == (b"abc" * 70 * 16)[: len(sound)]


@pytest.mark.parametrize("length", [1, 159, 160, 161, 320])
def test_a_loop_of_any_length_repeats_exactly(length: int) -> None:
    sound = bytes(number % 251 for number in range(length))
    playback = Playback(1, sound, loop=True)
    heard = b"".join(playback.frame(b"s") or b"" for _ in range(10))
    assert heard == (sound * 1600)[:1600]


def test_nothing_to_loop_is_over_at_once() -> None:
    assert Playback(1, b"", loop=True).frame(b"s") is None


class TestWheel:
    def test_each_part_comes_once_in_20_ms_however_late_each_turn_is(self) -> None:
        wheel, due, phases = Wheel(100.0), [], []
        for _ in range(50 * PHASES):
            due.append(wheel.due)
            phases.append(wheel.advance(wheel.due + 0.007))
        assert phases == list(range(PHASES)) * 50
        assert wheel.due == pytest.approx(101.0)
        assert due[PHASES] - due[0] == pytest.approx(0.02)

    def test_after_a_stall_of_more_than_a_second_nothing_is_caught_up(self) -> None:
        wheel = Wheel(100.0)
        wheel.advance(100.0)
        wheel.advance(107.0)
        assert 107.0 < wheel.due <= 107.02


class TestDeadlines:
    def test_each_is_reached_once_at_its_instant(self) -> None:
        deadlines = Deadlines()
        deadlines.set(1, 10.0)
        deadlines.set(2, 20.0)
        assert deadlines.next == 10.0
        assert deadlines.reached(9.99) == []
        assert deadlines.reached(10.0) == [1]
        assert deadlines.reached(15.0) == []
        assert deadlines.next == 20.0

    def test_one_that_was_moved_or_removed_is_not_reached(self) -> None:
        deadlines = Deadlines()
        deadlines.set(1, 10.0)
        deadlines.set(1, 30.0)
        deadlines.set(2, 10.0)
        deadlines.set(2, None)
        assert deadlines.reached(20.0) == []
        assert deadlines.next == 30.0
        assert deadlines.reached(30.0) == [1]
        assert deadlines.next == math.inf
