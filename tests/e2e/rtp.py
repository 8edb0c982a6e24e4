"""A phone's sound, for the phones that SIPp plays: it hears, and presses keys."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Sequence

from tests.e2e.sipp import LOCAL

from ringback.cli.phone.phone import Recordings
from ringback.media.dtmf import Receiver, Sender
from ringback.media.outstream import HEADER, OutStream
from ringback.sounds.ear import Ear, Said

FRAME = 160
DTMF = 101
PCMA = 8

Address = tuple[str, int]


class Rtp:
    """One end of audio. It sends to whoever sends to it first."""

    def __init__(self, recordings: Recordings) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((LOCAL, 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self.heard: list[str] = []
        """What nobody has waited for yet."""
        self.said: list[str] = []
        """All that was heard."""
        self.digits: list[str] = []
        self.packets = 0
        self.last_packet = 0.0
        self.ssrcs: set[int] = set()
        self._speaks = True
        self._peer: Address | None = None
        self._news = asyncio.Event()
        self._ear = Ear(recordings.encoded("PCMA"), self._said)
        self._keys, self._receiver = Sender(), Receiver()
        self._out = OutStream(random.getrandbits(32), 0, 0)
        self._voice = b"\xd5" * FRAME
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self._sender = self._loop.create_task(self._send())

    def close(self) -> None:
        self._sender.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def press(self, keys: str) -> None:
        self._keys.press(keys)

    def fall_silent(self) -> None:
        """Send nothing more."""
        self._speaks = False

    def says(self, sound: bytes) -> None:
        """Say this from now on, over and over, encoded as A-law."""
        self._voice = sound

    def sends_to(self, peer: Address) -> None:
        """Send there, whoever sends."""
        self._peer = peer

    @property
    def peer(self) -> Address:
        """Where the server sends from, and takes what is sent to it."""
        assert self._peer is not None
        return self._peer

    async def hears(self, words: str, seconds: float = 20.0) -> None:
        """Wait until something is heard that begins so, beyond what was waited for before."""
        try:
            async with asyncio.timeout(seconds):
                while not self._take(words):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as error:
            raise AssertionError(
                f"never heard {words!r} in {seconds:.0f} s, but {self.heard}; "
                f"{self.packets} packets came"
            ) from error

    def _take(self, words: str) -> bool:
        for place, said in enumerate(self.heard):
            if said.startswith(words):
                del self.heard[: place + 1]
                return True
        return False

    def _said(self, said: Said) -> None:
        self.heard.append(said.words)
        self.said.append(said.words)
        self._news.set()

    async def _send(self) -> None:
        turn, place = self._loop.time(), 0
        while True:
            turn += 0.02
            await asyncio.sleep(turn - self._loop.time())
            self._readable()  # what came while this process had to wait is no pause
            now = self._loop.time()
            if self.packets and now - self.last_packet > 0.3:
                self._ear.end()  # nothing comes any more
            if self._peer is None or not self._speaks:
                continue
            if self._keys.busy:
                event = self._keys.turn()
                if event is None:
                    continue
                payload, first = event
                header = self._out.event(DTMF, first=first, now=now)
            else:
                header = self._out.own(PCMA, now)
                payload = self._voice[place : place + FRAME]
                place = (place + FRAME) % len(self._voice)
            self._socket.sendto(header + payload, self._peer)

    def _readable(self) -> None:
        while True:
            try:
                data, source = self._socket.recvfrom(2048)
            except OSError:
                return
            self._peer = self._peer or source
            self.packets += 1
            self.last_packet = self._loop.time()
            _, second, _, timestamp, ssrc = HEADER.unpack_from(data)
            self.ssrcs.add(ssrc)
            if second & 0x7F == DTMF:
                digit = self._receiver.packet(ssrc, timestamp, data[HEADER.size :])
                if digit is not None:
                    self.digits.append(digit)
                    self._news.set()
            else:
                self._ear.hear(data[HEADER.size :])


def spray(sip: Address, media: Sequence[Address], sound: bytes) -> None:
    """Throw at a server, from somebody else's port, what is no SIP, what is neither RTP nor RTCP,
    and a sound in good RTP."""
    chance = random.Random(1)
    junk = [
        b"\0",
        b"\r\n" * 700,
        b"INVITE",
        b"INVITE sip:nobody SIP/2.0\r\n\r\n",
        b"SIP/2.0 200 OK\r\n\r\n",
        b"\xff" * 60_000,
        *(chance.randbytes(chance.randrange(1, 1500)) for _ in range(200)),
    ]
    out = OutStream(chance.getrandbits(32), 0, 0)
    frames = [sound[place : place + FRAME] for place in range(0, len(sound), FRAME)]
    good = [out.own(PCMA, number * 0.02) + frame for number, frame in enumerate(frames)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for packet in junk:
            stranger.sendto(packet, sip)
        for host, port in media:
            for packet in [*junk, *good]:
                stranger.sendto(packet, (host, port))
            for packet in junk:
                stranger.sendto(packet, (host, port + 1))
