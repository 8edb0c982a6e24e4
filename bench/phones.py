"""The sound of all phones that SIPp plays: `python -m bench.phones KEYS WAIT`.

It is a process of its own, so that only the machine's load can delay it. It prints the ports of the
callers' phones and of the remote parties and, when its input is closed, prints what it measured as
JSON.

All phones of one kind share a socket. A call is recognised by the address that its sound comes
from, and by its SSRC. WAIT seconds after a caller's phone hears the first sound, it presses KEYS by
RFC 4733; it talks as soon as it hears the remote party, which talks from the first sound on.
"""

from __future__ import annotations

import json
import select
import struct
import sys
import time
from collections.abc import Sequence

from bench.figures import Delays
from bench.generator import MARK, PCMA, REST, STAMPED, Address, Receiver, phone_socket
from bench.pace import PHASES, Pace
from ringback.media.dtmf import Sender
from ringback.media.outstream import HEADER, STEP

EVENT = 101
_SSRC = 1
_GONE_NS = 500_000_000
"""Seconds. A phone that hears nothing for this long has hung up."""
_heard = struct.Struct("!8xI").unpack_from


def key_packets(keys: str, wait: float) -> list[bytes | None]:
    """The packets that a caller's phone sends, one in each turn of 20 ms, until all keys are
    pressed."""
    sender = Sender()
    sender.press(keys)
    result: list[bytes | None] = [None] * round(wait * 50)
    sent = began = 0
    while sender.busy:
        event = sender.turn()
        if event is None:
            result.append(None)
            continue
        payload, first = event
        began = len(result) * STEP if first else began
        kind = EVENT | 0x80 if first else EVENT
        result.append(HEADER.pack(0x80, kind, sent, began, _SSRC) + payload)
        sent += 1
    return result


class _Call:
    """One phone's end of a call."""

    __slots__ = ("address", "counted", "heard", "ssrc", "talks", "turn")

    def __init__(self, address: Address, ssrc: int, talks: bool) -> None:
        self.address = address
        self.ssrc = ssrc
        self.talks = talks
        self.turn = 0
        self.heard = 0
        """In Unix nanoseconds."""
        self.counted = -1
        """The last sequence number heard from the other phone."""


class Phones:
    """All phones of one kind."""

    def __init__(self, script: Sequence[bytes | None], *, talks: bool) -> None:
        """`talks`: it talks before it has heard the other phone."""
        self.socket = phone_socket()
        self._receiver = Receiver(self.socket)
        self.sent = self.heard = self.lost = self._unheard = 0
        self.delays = Delays()
        self._script = script
        self._talks = talks
        self._calls: dict[Address, _Call] = {}
        self._phases: list[dict[Address, _Call]] = [{} for _ in range(PHASES)]

    def take(self) -> None:
        """Take the packets that have come."""
        now, take = time.time_ns(), self._receiver.take
        try:
            while True:
                data, address, arrived = take()
                (ssrc,) = _heard(data)
                call = self._calls.get(address)
                if call is None or call.ssrc != ssrc:
                    call = self._ring(address, ssrc)
                call.heard = now
                if data[12:16] == MARK:
                    self._hear(call, data, arrived)
        except BlockingIOError:
            return

    @property
    def unheard(self) -> int:
        """Calls in which the other phone was never heard."""
        return self._unheard + sum(call.counted < 0 for call in self._calls.values())

    def _ring(self, address: Address, ssrc: int) -> _Call:
        before = self._calls.get(address)
        self._unheard += before is not None and before.counted < 0
        call = self._calls[address] = _Call(address, ssrc, self._talks)
        self._phases[address[1] // 2 % PHASES][address] = call
        return call

    def _hear(self, call: _Call, data: bytes, arrived: int | None) -> None:
        """A packet of the other phone has come through the server, which keeps the spacing of its
        sequence."""
        _, _, sequence, _, _, _, stamp = STAMPED.unpack_from(data)
        call.talks = True
        self.heard += 1
        if call.counted >= 0:
            self.lost += (sequence - call.counted - 1) & 0xFFFF
        call.counted = sequence
        if arrived is not None:
            self.delays.add((arrived - stamp) / 1e6)

    def beat(self, phase: int) -> None:
        """Send what is due in this beat."""
        now, script = time.time_ns(), self._script
        for call in self._phases[phase].values():
            if now - call.heard > _GONE_NS:
                continue
            turn = call.turn
            call.turn += 1
            if turn < len(script):
                packet = script[turn]
                if packet is None:
                    continue
            elif call.talks:
                packet = STAMPED.pack(
                    0x80, PCMA, turn & 0xFFFF, turn * STEP, _SSRC, MARK, time.time_ns()
                )
                packet += REST
                self.sent += 1
            else:
                continue
            try:
                self.socket.sendto(packet, call.address)
            except BlockingIOError:
                continue


def main(arguments: Sequence[str]) -> None:
    keys, wait = arguments
    callers = Phones(key_packets(keys, float(wait)), talks=False)
    remotes = Phones((), talks=True)
    both = callers, remotes
    print(json.dumps([phones.socket.getsockname()[1] for phones in both]), flush=True)
    ended = select.poll()
    ended.register(sys.stdin, select.POLLIN | select.POLLHUP)

    def take() -> None:
        for phones in both:
            phones.take()

    pace = Pace(take)
    for beat in pace.beats(lambda: not ended.poll(0)):
        for phones in both:
            phones.beat(beat % PHASES)
    print(
        json.dumps(
            {
                "sent": sum(phones.sent for phones in both),
                "heard": sum(phones.heard for phones in both),
                "lost": sum(phones.lost for phones in both),
                "unheard": sum(phones.unheard for phones in both),
                "delay_p99": max(phones.delays.percentile(99) for phones in both),
                "late_p99": pace.late.percentile(99),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
