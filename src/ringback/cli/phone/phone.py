"""A SIP phone: it rings numbers, answers calls, and says what it hears."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ringback.cli.phone.audio import Audio
from ringback.clock import LoopClock
from ringback.engines.embedded.udp import UdpAdapter, bound_to, open_socket
from ringback.media.g711 import Encoder
from ringback.media.pool import read_wav
from ringback.sip import events as sip
from ringback.sip.calls import Call, IncomingCall, OutgoingCall
from ringback.sip.hop import Hop
from ringback.sip.sdp import LocalAudio, Negotiated, SdpError, make_answer, make_offer
from ringback.sip.uri import NameAddr, SipUri, sip_uri
from ringback.sip.useragent import UserAgent
from ringback.sounds.convert import convert
from ringback.sounds.ear import Said
from ringback.sounds.speech import BUILT_IN, Voice, recording

CODECS = ("PCMA", "PCMU")

Tell = Callable[..., None]
"""Called with the name of an event and its facts."""


def _telephone_audio(path: Path) -> bytes:
    """The samples of any sound file. Raises BadSound."""
    with TemporaryDirectory() as scratch:
        return read_wav(Path(scratch) / convert(path, Path(scratch)).file)


class Recordings:
    """The recordings that the ear recognises: the built-in voice, and the user's WAV files."""

    def __init__(self, extra: Sequence[Path]) -> None:
        self._encoder = Encoder()
        voice = Voice(BUILT_IN, lambda name: None)
        self._samples = [(sound.words, read_wav(recording(sound.name))) for sound in voice.sounds()]
        self._samples += [(f"[{path.stem}]", _telephone_audio(path)) for path in extra]
        self._encoded: dict[str, list[tuple[str, bytes]]] = {}

    def encoded(self, codec: str) -> list[tuple[str, bytes]]:
        if codec not in self._encoded:
            self._encoded[codec] = [
                (words, self._encoder.encode(samples, codec)) for words, samples in self._samples
            ]
        return self._encoded[codec]

    def speech(self, words: Sequence[str], codec: str) -> bytes:
        """Words spoken one after the other, with pauses."""
        sounds = dict(self.encoded(codec))
        pause = b"\xd5" if codec == "PCMA" else b"\xff"
        return b"".join(sounds[word] + pause * 2400 for word in words)


class PhoneLine:
    """One call that the phone has taken."""

    def __init__(self, call: IncomingCall, audio: Audio, number: str) -> None:
        self.call = call
        self.audio = audio
        self.number = number
        self.answered = False


class Phone:
    """One phone at one address. It reports everything that happens."""

    def __init__(
        self,
        listen: Hop,
        server: Hop,
        number: str,
        tell: Tell,
        *,
        name: str = "phone",
        answer_after: float = 1.0,
        says: Sequence[str] = (),
        talks: bool = False,
        extra: Sequence[Path] = (),
        record: Path | None = None,
    ) -> None:
        """`number` is its own. `says` is what it says over and over on calls for other numbers and,
        if it `talks`, on calls for its own; `extra` are WAV files that its ear recognises too.
        Raises OSError if it cannot listen."""
        loop = asyncio.get_running_loop()
        self._clock = LoopClock(loop)
        self._server = server
        self._number = number
        self._name = name
        self._tell = tell
        self._answer_after = answer_after
        self._says = says
        self._talks = talks
        self._record = record
        self._recordings = Recordings(extra)
        chance = random.SystemRandom()
        sock = open_socket(listen)
        self._address = bound_to(sock)
        self._agent = UserAgent(
            self._address, chance, known=lambda source: source.host == server.host
        )
        self._adapter = UdpAdapter(
            sock, self._agent, self._clock, on_call=self._on_call, on_event=self._on_event
        )
        self._chance = chance
        self._lines: list[PhoneLine] = []
        self._ringing: OutgoingCall | None = None
        self._recorded = 0

    # What the user does

    def ring(self, number: str) -> None:
        """Ring a number, and hang up when it is rejected."""
        sdp = make_offer(LocalAudio(self._address.host, 9, CODECS, 1))
        sender = NameAddr(SipUri("sip", self._number, self._address.host), self._name)
        call = OutgoingCall(
            self._agent,
            sip_uri(number, self._server.host, self._server.port),
            self._server,
            sender=sender,
            sdp=sdp,
        )
        self._ringing = call
        call.send(self._clock.now())
        self._adapter.flush()
        self._tell("ring", number=number)

    def press(self, keys: str) -> None:
        """Press keys on the call that is for this phone's own number."""
        line = self._own_line()
        if line is None:
            self._tell("note", text="no call to press keys on")
        else:
            line.audio.press(keys)

    def hang_up(self) -> None:
        """Hang up all calls."""
        if self._ringing is None and not self._lines:
            self._tell("note", text="there is no call to hang up")
        if self._ringing is not None:
            self._ringing.cancel(self._clock.now())
        for line in list(self._lines):
            if line.answered:
                line.call.bye(self._clock.now())
                self._over(line, "hung up here")
            else:
                line.call.reject(603, self._clock.now())
        self._adapter.flush()

    def close(self) -> None:
        if self._ringing is not None or self._lines:
            self.hang_up()
        self._adapter.close()

    def _own_line(self) -> PhoneLine | None:
        """The call for this phone's own number; otherwise the first one."""
        up = [line for line in self._lines if line.answered]
        own = (line for line in up if line.number.lstrip("+") == self._number.lstrip("+"))
        return next(own, up[0] if up else None)

    # What happens

    def _on_call(self, call: IncomingCall) -> None:
        number = call.request.target.number
        caller = call.request.from_

        def said(what: Said) -> None:
            self._tell("heard", line=number, words=what.words, whole=what.whole, at=what.at)

        def digit(key: str) -> None:
            self._tell("digit", line=number, digit=key)

        audio = Audio(self._address.host, self._recordings.encoded, on_said=said, on_digit=digit)
        line = PhoneLine(call, audio, number)
        self._lines.append(line)
        call.ring(self._clock.now())
        self._adapter.flush()
        self._tell("incoming", line=number, number=caller.uri.number, name=caller.display)
        self._clock.call_at(self._clock.now() + self._answer_after, lambda: self._answer(line))

    def _answer(self, line: PhoneLine) -> None:
        if line not in self._lines or line.answered:
            return
        now = self._clock.now()
        ours = LocalAudio(self._address.host, line.audio.port, CODECS, self._chance.getrandbits(31))
        made = _answer_to(line.call.remote_sdp, ours)
        if made is None:
            line.call.reject(488, now)
        else:
            answer, agreed = made
            if agreed.named or not agreed.host:
                agreed = dataclasses.replace(agreed, host=self._server.host)
            line.answered = True
            line.call.accept(answer, now)
            own = line.number.lstrip("+") == self._number.lstrip("+")
            silent = own and not self._talks
            speech = b"" if silent else self._recordings.speech(self._says, agreed.codec)
            line.audio.start(agreed, speech)
            self._tell("answered", line=line.number)
        self._adapter.flush()

    def _on_event(self, call: Call, event: sip.CallEvent) -> None:
        if call is self._ringing:
            self._triggered(event)
            return
        line = next((line for line in self._lines if line.call is call), None)
        if line is None:
            return
        match event:
            case sip.HungUp():
                self._over(line, "hung up there")
            case sip.Cancelled():
                self._over(line, "given up there")
            case sip.Rejected() | sip.Expired():
                self._over(line, "over")
            case sip.Offered(body=body):
                ours = LocalAudio(self._address.host, line.audio.port, CODECS, 1, 2)
                made = _answer_to(body, ours)
                call.accept_offer(made[0] if made else make_offer(ours), self._clock.now())
                self._adapter.flush()

    def _triggered(self, event: sip.CallEvent) -> None:
        match event:
            case sip.Provisional(response=response) if response.status > 100:
                self._tell("trigger", status=response.status, reason=response.reason)
            case sip.Failed(response=response):
                self._ringing = None
                status = None if response is None else response.status
                reason = "" if response is None else response.reason
                self._tell("trigger", status=status, reason=reason)
            case sip.Succeeded():
                # A trigger call is never answered; if it were, it would cost money.
                self._tell("note", text="the trigger call was answered")
                assert self._ringing is not None
                self._ringing.bye(self._clock.now())
                self._ringing = None
                self._adapter.flush()

    def _over(self, line: PhoneLine, how: str) -> None:
        self._lines.remove(line)
        line.audio.close()
        facts: dict[str, Any] = {"line": line.number, "how": how}
        if self._record is not None and line.answered:
            path = self._record.with_stem(f"{self._record.stem}-{self._recorded}")
            self._recorded += 1
            line.audio.record(path)
            facts["recorded"] = str(path)
        self._tell("over", **facts)


def _answer_to(offer: bytes, ours: LocalAudio) -> tuple[bytes, Negotiated] | None:
    """See `make_answer`; None also for what is no offer."""
    try:
        return make_answer(offer, ours)
    except SdpError:
        return None
