"""One leg's media within a worker: what it receives, plays, relays and sends. (Imported by the
worker.)

It has no sockets and no clock: the worker hands in packets and the time, and asks it in each turn
for what to send.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Mapping

from ringback.media.dtmf import Receiver, Sender
from ringback.media.g711 import SILENCE, TRANSLATE
from ringback.media.outstream import OutStream
from ringback.media.playback import FRAME, Playback
from ringback.media.remote import Remote
from ringback.media.sources import Address, Source

LARGEST_PACKET = 2048
_HEADER_SIZE = 12
_RELAY_GAP = 0.1
"""Seconds. If no packet has come for this long from the leg that it hears, silence is sent
instead."""
_KEYS_A_SECOND = 20
"""Nobody presses more keys in a second. Each is reported to the controller, which a flood must not
reach."""

_unpack = struct.Struct("!BBHII").unpack_from


class MediaLeg:
    """The media of one leg."""

    __slots__ = (
        "_buffer",
        "_codec",
        "_codecs",
        "_described",
        "_dtmf_in",
        "_dtmf_out",
        "_heard_once",
        "_keys",
        "_listener",
        "_out",
        "_payload_type",
        "_playback",
        "_pressed",
        "_receiver",
        "_relayed_at",
        "_sends",
        "_silence",
        "_speaker",
        "_tables",
        "_takes_relay",
        "_tell",
        "_view",
        "heard",
        "invalid",
        "last_wrong_source",
        "number",
        "on_hold",
        "over",
        "send",
        "source",
        "wrong_source",
    )

    def __init__(
        self,
        number: int,
        buffer: bytearray,
        send: Callable[[bytes | memoryview], object],
        tell: Callable[..., None],
        out: OutStream,
    ) -> None:
        """`buffer` holds the packet that came in, and is changed in place to relay it; `send` sends
        a packet to the far end; `tell` reports an event to the controller."""
        self.number = number
        self.send = send
        self.source = Source()
        self.on_hold = False
        self.over = False
        self.heard = 0.0
        """When the last RTP or RTCP came. Before the first packet, and after hold, when we began to
        wait."""
        self.invalid = 0
        """Packets dropped because they are not RTP as it was agreed."""
        self.wrong_source = 0
        """Packets dropped because they come from a wrong source."""
        self.last_wrong_source: Address | None = None
        """The last such source."""
        self._buffer = buffer
        self._view = memoryview(buffer)
        self._tell = tell
        self._out = out
        self._codec = "PCMA"
        self._silence = SILENCE[self._codec]
        self._payload_type = 8
        self._codecs: Mapping[int, str] = {}
        """See `Remote.receives`."""
        self._tables: dict[int, bytes | None] = {}
        """For each of these payload types, the table from its codec to that of whoever hears this
        leg; None if the sound passes as it is."""
        self._dtmf_in: frozenset[int] = frozenset()
        self._dtmf_out: int | None = None
        self._sends = False
        self._takes_relay = False
        """Whether packets may be relayed to it. Not on hold, past its limit, or while something
        else is sent to it."""
        self._listener: MediaLeg | None = None
        """The leg that hears this one."""
        self._speaker: MediaLeg | None = None
        """The leg that this one hears."""
        self._relayed_at = 0.0
        self._playback: Playback | None = None
        self._keys = Sender()
        self._receiver = Receiver()
        self._pressed: deque[float] = deque(maxlen=_KEYS_A_SECOND)
        self._heard_once = False
        self._described: tuple[Address, frozenset[str], bool] | None = None

    @property
    def described(self) -> bool:
        """Whether anything has been agreed on, so that packets can be judged."""
        return self._described is not None

    def configure(self, now: float, remote: Remote) -> bool:
        """A description has been agreed on. If it names another address, or allows other sources,
        the source known so far is dropped, and True is returned. If it repeats what was agreed (a
        session refresh, hold), the source is kept."""
        if remote.codec != self._codec and self._playback is not None:
            self._playback.translate(TRANSLATE[self._codec, remote.codec])
        self._codec, self._silence = remote.codec, SILENCE[remote.codec]
        self._payload_type = remote.payload_type
        self._codecs = remote.receives
        self._dtmf_in, self._dtmf_out = remote.dtmf_in, remote.dtmf_out
        if self._described is None or (self.on_hold and not remote.on_hold):
            self.heard = now
        self._sends, self.on_hold = remote.sends, remote.on_hold
        self._update_relay()
        self._choose_tables()
        if self._speaker is not None:
            self._speaker._choose_tables()
        described = remote.address, remote.allowed, remote.anywhere
        if described == self._described:
            return False
        self._described = described
        self.source.describe(remote.address, remote.allowed, anywhere=remote.anywhere)
        return True

    # In

    def packet(self, size: int, address: Address, now: float) -> None:
        """An RTP packet is in the buffer. This is the hot path, run a hundred times a second for a
        bridged call. A packet that is relayed is changed in place."""
        if self._described is None:
            return
        if size < _HEADER_SIZE:
            self.invalid += 1
            return
        first, second, sequence, timestamp, ssrc = _unpack(self._buffer)
        if first != 0x80:
            size = self._strip(first, size)
            if not size:
                self.invalid += 1
                return
        try:
            table = self._tables[second & 0x7F]
        except KeyError:
            self._no_sound(second & 0x7F, size, timestamp, ssrc, address, now)
            return
        if not self.source.accept(address, ssrc, now):
            self._refuse(address)
            return
        self.heard = now
        if not self._heard_once:
            self._hear_first()
        listener = self._listener
        if listener is None or self.over or not listener._takes_relay:
            return
        if table is not None:
            payload = self._view[_HEADER_SIZE:size]
            payload[:] = bytes(payload).translate(table)
        listener._relayed_at = now
        listener._out.relay(
            self._buffer,
            listener._payload_type | second & 0x80,
            sequence,
            timestamp,
            ssrc,
            now,
        )
        listener.send(self._view[:size])

    def _strip(self, first: int, size: int) -> int:
        """Take contributing sources, extension and padding out of the packet (RFC 3550 section
        5.1). Returns its new size, or 0 if it is not RTP."""
        if first & 0xC0 != 0x80:
            return 0
        view = self._view
        end = size - view[size - 1] if first & 0x20 else size
        start = _HEADER_SIZE + 4 * (first & 0x0F)
        if first & 0x10 and start + 4 <= size:
            start += 4 + 4 * int.from_bytes(view[start + 2 : start + 4], "big")
        if not start <= end:
            return 0
        payload = bytes(view[start:end])
        view[_HEADER_SIZE : _HEADER_SIZE + len(payload)] = payload
        return _HEADER_SIZE + len(payload)

    def _refuse(self, address: Address) -> None:
        """A packet comes from a wrong source."""
        self.wrong_source += 1
        self.last_wrong_source = address

    def _hear_first(self) -> None:
        """The first packet has come that is taken."""
        self._heard_once = True
        self._tell("heard", self.number)

    def _no_sound(
        self,
        payload_type: int,
        size: int,
        timestamp: int,
        ssrc: int,
        address: Address,
        now: float,
    ) -> None:
        """A packet that holds no sound that was agreed on."""
        if payload_type not in self._dtmf_in:
            self.invalid += 1
            if address == self.source.address:
                self.heard = now  # comfort noise, perhaps: useless, but the far end is alive
        elif not self.source.accept_key(address, ssrc, now):
            self._refuse(address)
        else:
            self.heard = now
            if not self._heard_once:
                self._hear_first()
            self._event(size, timestamp, ssrc, now)

    def _event(self, size: int, timestamp: int, ssrc: int, now: float) -> None:
        if self._listener is not None:
            self._listener._out.interrupt()
        pressed = self._pressed
        if len(pressed) == _KEYS_A_SECOND and now - pressed[0] < 1.0:
            self.invalid += 1
            return
        digit = self._receiver.packet(ssrc, timestamp, bytes(self._view[_HEADER_SIZE:size]))
        if digit is not None:
            pressed.append(now)
            self._tell("digit", self.number, digit=digit, at=now)

    # Verbs

    def hear(self, speaker: MediaLeg | None) -> None:
        """From now on hear `speaker`, and nobody else."""
        if self._speaker is not None:
            self._speaker._listener = None
        if speaker is not None:
            if speaker._listener is not None:
                speaker._listener._speaker = None
            speaker._listener = self
            speaker._choose_tables()
        self._speaker = speaker

    def play(self, playback: Playback) -> None:
        self._playback = playback
        self._update_relay()
        self._out.mark()

    def stop(self) -> None:
        if self._playback is not None:
            self._playback = None
            self._update_relay()
            self._out.mark()

    def press(self, keys: str) -> None:
        if self._dtmf_out is not None:
            self._keys.press(keys)
            self._update_relay()

    def end(self) -> None:
        """Its limit has come: it hears nothing more, and nobody hears it."""
        self.over = True
        self._update_relay()

    def close(self) -> None:
        self.end()
        self.hear(None)
        if self._listener is not None:
            self._listener.hear(None)

    def _update_relay(self) -> None:
        """Something has changed that decides whether packets may be relayed to it. Every packet
        needs the result, so it is worked out once."""
        self._takes_relay = not (
            not self._sends or self._playback is not None or self._keys.busy or self.over
        )

    def _choose_tables(self) -> None:
        listener = self._listener
        self._tables = {
            payload_type: None
            if listener is None or listener._codec == codec
            else TRANSLATE[codec, listener._codec]
            for payload_type, codec in self._codecs.items()
        }

    # Out

    def turn(self, at: float) -> None:
        """A turn of 20 ms is due at `at`: send a key, or 20 ms of what is played, or silence if
        nobody is heard. On hold the time passes and nothing is sent."""
        if at - self._relayed_at < _RELAY_GAP and self._takes_relay:
            return
        if self._keys.busy:
            event = self._keys.turn()
            self._update_relay()
            dtmf = self._dtmf_out  # a new description may have taken it away
            if event is not None and dtmf is not None and self._sends and not self.over:
                payload, first = event
                self.send(self._out.event(dtmf, first=first, now=at) + payload)
            return
        frame = None
        if self._playback is not None and not self.over:
            frame = self._playback.frame(self._silence)
            if frame is None:
                self._tell("played", self.number, playback=self._playback.number)
                self.stop()
                if self._speaker is not None:
                    self._relayed_at = at  # the leg that it hears goes on at once
        if frame is None:
            if at - self._relayed_at < _RELAY_GAP:
                return
            # The stream never breaks off, so that the timers of the far end and of every NAT see
            # traffic.
            frame = self._silence * FRAME
        if self._sends and not self.over:
            self.send(self._out.own(self._payload_type, at) + frame)
