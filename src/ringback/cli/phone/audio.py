"""A phone's sound: one RTP socket that speaks, listens, presses keys and records."""

from __future__ import annotations

import asyncio
import random
import socket
import wave
from collections.abc import Callable
from pathlib import Path

from ringback.media.dtmf import Receiver, Sender
from ringback.media.g711 import SILENCE, TRANSLATE, decode
from ringback.media.outstream import HEADER, OutStream
from ringback.sip.sdp import Negotiated
from ringback.sounds.ear import Ear, Said

FRAME = 160
TURN_SECONDS = 0.02
LONGEST_RECORDING = 8000 * 3600


class Audio:
    """The audio of one call."""

    def __init__(
        self,
        host: str,
        recordings: Callable[[str], list[tuple[str, bytes]]],
        *,
        on_said: Callable[[Said], None],
        on_digit: Callable[[str], None],
    ) -> None:
        """`recordings` returns pairs of words and their sound in a codec, for the ear."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]
        self._recordings = recordings
        self._on_said, self._on_digit = on_said, on_digit
        self._agreed: Negotiated | None = None
        self._ear: Ear | None = None
        self._keys, self._receiver = Sender(), Receiver()
        chance = random.SystemRandom()
        self._out = OutStream(
            chance.getrandbits(32), chance.getrandbits(16), chance.getrandbits(32)
        )
        self._speech = b""
        self._place = 0
        self._heard = bytearray()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self._speaker: asyncio.Task[None] | None = None

    def start(self, agreed: Negotiated, speech: bytes = b"") -> None:
        """The call is up: repeat `speech`, which is in the agreed codec."""
        self._agreed = agreed
        self._speech = speech
        self._ear = Ear(self._recordings(agreed.codec), self._on_said)
        self._speaker = self._loop.create_task(self._speak())

    def press(self, keys: str) -> None:
        self._keys.press(keys)

    def close(self) -> None:
        if self._speaker is not None:
            self._speaker.cancel()
        if self._ear is not None:
            self._ear.end()
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def record(self, path: Path) -> None:
        """Write what was heard to a WAV file."""
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            codec = self._agreed.codec if self._agreed is not None else "PCMA"
            file.writeframes(decode(bytes(self._heard), codec))

    async def _speak(self) -> None:
        turn = self._loop.time()
        while True:
            turn += TURN_SECONDS
            await asyncio.sleep(turn - self._loop.time())
            self._send(self._loop.time())

    def _send(self, now: float) -> None:
        agreed = self._agreed
        assert agreed is not None
        if self._keys.busy and agreed.dtmf_payload_type is not None:
            event = self._keys.turn()
            if event is None:
                return
            payload, first = event
            header = self._out.event(agreed.dtmf_payload_type, first=first, now=now)
        else:
            header = self._out.own(agreed.payload_type, now)
            payload = self._frame(agreed.codec)
        try:
            self._socket.sendto(header + payload, (agreed.host, agreed.port))
        except OSError:
            return  # counts as lost by the network

    def _frame(self, codec: str) -> bytes:
        if not self._speech:
            return SILENCE[codec] * FRAME
        frame = self._speech[self._place : self._place + FRAME]
        self._place = (self._place + FRAME) % len(self._speech)
        return frame + SILENCE[codec] * (FRAME - len(frame))

    def _readable(self) -> None:
        while True:
            try:
                data = self._socket.recv(2048)
            except OSError:
                return
            self._take(data)

    def _take(self, data: bytes) -> None:
        agreed = self._agreed
        if agreed is None or len(data) < HEADER.size:
            return
        _, second, _, timestamp, ssrc = HEADER.unpack_from(data)
        payload = data[HEADER.size :]
        codec = agreed.receives.get(second & 0x7F)
        if second & 0x7F in agreed.dtmf_receives:
            digit = self._receiver.packet(ssrc, timestamp, payload)
            if digit is not None:
                self._on_digit(digit)
        elif codec is not None:
            if codec != agreed.codec:
                payload = payload.translate(TRANSLATE[codec, agreed.codec])
            if len(self._heard) < LONGEST_RECORDING:
                self._heard += payload
            if self._ear is not None:
                self._ear.hear(payload)
