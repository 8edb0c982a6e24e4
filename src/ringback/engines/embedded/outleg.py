"""A call that Ringback makes on the embedded engine: a SIP call and a media stream."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ringback.clock import Instant, Timer
from ringback.engines.embedded.causes import unanswered
from ringback.engines.embedded.identity import sender_headers
from ringback.engines.embedded.peer import credentials_of
from ringback.media.pool import (
    Heard,
    LimitReached,
    MediaEvent,
    Played,
    Pressed,
    Remote,
    Silent,
    Stream,
    WorkerDied,
)
from ringback.sip import events as sip
from ringback.sip.calls import OutgoingCall
from ringback.sip.sdp import Endpoint as SdpEndpoint
from ringback.sip.sdp import Negotiated, SdpError, make_answer, make_offer, read_answer
from ringback.telephony import port
from ringback.telephony.port import (
    LONGEST_SILENCE_SECONDS,
    NO_RESPONSE_SECONDS,
    Cause,
    Ending,
    Event,
    Listener,
    Order,
    Sound,
)

if TYPE_CHECKING:
    from ringback.engines.embedded.engine import EmbeddedEngine

UNAVAILABLE = 503

SAME_KEY_SECONDS = 0.25
"""A key that comes by INFO and, so soon before or after, as the leg's first event in RTP is one."""


class OutLeg:
    """A call that Ringback makes."""

    def __init__(
        self, engine: EmbeddedEngine, order: Order, listener: Listener, beside: Stream | None
    ) -> None:
        """Raises NoPorts."""
        self._engine = engine
        self._listener = listener
        self._trunk = engine.trunks[order.trunk]
        trunk = self._trunk.trunk
        self.stream = engine.media.open(self._media, beside)
        self._sdp = SdpEndpoint(
            engine.public[0], self.stream.port, trunk.codecs, engine.chance.getrandbits(31)
        )
        sender, headers = sender_headers(order.shown, trunk, engine.public)
        host = f"{trunk.host}:{trunk.port}" if trunk.port != 5060 else trunk.host
        self._call = OutgoingCall(
            engine.endpoint,
            f"sip:{order.number}@{host}",
            self._trunk.peer.address,
            sender=sender,
            sdp=make_offer(self._sdp),
            headers=headers,
            credentials=credentials_of(trunk),
            acknowledges_later=True,
        )
        self._host = self._call.peer[0]
        self._trunk.channels += 1
        self._trunk.leg_began()
        self._agreed: Negotiated | None = None
        self._response_timer: Timer | None = None
        self._dialled = False
        self._rang = False
        self._withdrawn = False
        self._answered = False
        self._over = False
        self._playbacks = 0
        self._limit: Instant | None = None
        self._events_in_rtp = False
        self._key_by_info: tuple[str, Instant] | None = None
        self._early_told = False
        self._signalled: Instant = -math.inf
        """When the far end last said anything by SIP."""

    @property
    def _last_alive(self) -> Instant:
        return max(self._signalled, self.stream.last_heard)

    # Verbs

    def saved(self) -> str:
        return self._engine.saved(self._trunk.trunk.name, self._call.saved())

    def dial(self) -> None:
        if self._over:
            return
        self._dialled = True
        now = self._engine.now()
        self._call.send(now)
        self._response_timer = self._engine.clock.call_at(
            now + NO_RESPONSE_SECONDS, self._no_response
        )
        self._engine.register(self._call, self)
        self._engine.flush()

    def confirm(self) -> None:
        self._call.acknowledge(b"", self._engine.now())
        self._engine.flush()

    def play(self, sounds: Sequence[Sound], *, loop: bool = False) -> int:
        self._playbacks += 1
        paths = [self._engine.sound_path(sound.name) for sound in sounds]
        self.stream.play(self._playbacks, paths, loop=loop)
        return self._playbacks

    def stop(self) -> None:
        self.stream.stop()

    def send_digits(self, digits: str) -> None:
        if self._agreed is not None and self._agreed.dtmf_payload_type is not None:
            self.stream.send_digits(digits)
        elif self._answered:
            for digit in digits:
                self._call.info(digit, self._engine.now())
            self._engine.flush()

    def bridge(self, other: port.CallLeg, *, early: bool = False) -> None:
        assert isinstance(other, OutLeg)
        self.stream.bridge(other.stream, early=early)

    def unbridge(self) -> None:
        self.stream.unbridge()

    def limit(self, at: Instant | None) -> None:
        self._limit = at
        self.stream.limit(at)

    def hang_up(self) -> None:
        if self._over:
            return
        if self._answered:
            self._bye(Ending(Cause.NORMAL, by_us=True), self._engine.now())
        elif self._dialled:
            self._withdrawn = True
            self._cancel()
        else:
            self._end_soon(Ending(Cause.CANCELLED, by_us=True), self._engine.now())

    # What the SIP call tells

    def told(self, event: sip.Event) -> None:
        if self._over:
            return
        now = self._engine.now()
        match event:
            case sip.Provisional(response=response):
                self._stop_waiting()
                self._progress(response.status, response.body)
            case sip.Accepted(response=response, crossed=crossed):
                self._stop_waiting()
                self._accepted(response.body, now, crossed=crossed)
            case sip.Failed(response=response, challenged_twice=twice):
                self._stop_waiting()
                status = None if response is None else response.status
                q850 = sip.q850_cause(response)
                ending = unanswered(
                    status,
                    rang=self._rang,
                    q850=q850,
                    challenged_twice=twice,
                    withdrawn=self._withdrawn,
                )
                if status == UNAVAILABLE and not self._rang:
                    self._trunk.peer.failed(self._host)  # RFC 3263 section 4.3
                self._end(ending, now)
            case sip.HungUp():
                self._end(Ending(Cause.NORMAL), now)
            case sip.Expired():
                self._end(Ending(Cause.LOST), self._last_alive)
            case sip.Refreshed(alive=False):
                self._lost(self._last_alive)
            case sip.Refreshed():
                self._signalled = now
            case sip.Offered(body=body):
                self._signalled = now
                self._offered(body, now)
            case sip.Answer(body=body):
                self._signalled = now
                self._read_answer(body)
            case sip.Signal(digit=digit):
                self._signalled = now
                if not self._events_in_rtp and self._answered:
                    self._key_by_info = digit, now
                    self._tell(port.Digit(digit, now))

    def _progress(self, status: int, body: bytes) -> None:
        if status == 100:
            return
        if body:
            self._read_answer(body)
        if status in (180, 183) and not self._rang:
            self._rang = True
            self._tell(port.Ringing())

    def _accepted(self, body: bytes, now: Instant, *, crossed: bool) -> None:
        self._answered = True
        self._signalled = now
        if body:
            self._read_answer(body)
        self._tell(port.Answered(now))
        if crossed:
            self._end(Ending(Cause.NORMAL, 200, by_us=True), now)
        elif self._agreed is None:
            # Answered, so the carrier charges it, but with no sound that we could take.
            self._bye(Ending(Cause.FAILED, 488, by_us=True), now)
        else:
            self._configure()

    def _offered(self, body: bytes, now: Instant) -> None:
        """A re-INVITE, answered on its own leg: hold, another address, another codec."""
        ours = dataclasses.replace(self._sdp, version=self._sdp.version + 1)
        if not body:
            self._sdp = ours
            self._call.accept_offer(make_offer(ours), now)
            return
        try:
            made = make_answer(body, ours)
        except SdpError:
            made = None
        if made is None:
            self._call.refuse_offer(488, now)
            return
        self._sdp = ours  # the version goes up by one for each that is sent (RFC 3264 section 8)
        answer, self._agreed = made
        self._call.accept_offer(answer, now)
        self._configure()

    def _read_answer(self, body: bytes) -> None:
        try:
            agreed = read_answer(body, self._sdp)
        except SdpError:
            return
        if agreed is not None:
            self._agreed = agreed
            self._configure()

    def _configure(self) -> None:
        agreed = self._agreed
        assert agreed is not None
        self.stream.configure(
            Remote(
                host=agreed.host,
                port=agreed.port,
                codec=agreed.codec,
                payload_type=agreed.payload_type,
                dtmf_in=agreed.receive_dtmf_payload_type,
                dtmf_out=agreed.dtmf_payload_type,
                sends=self._answered and agreed.sends,
                on_hold=agreed.on_hold or not self._answered,
                allowed={agreed.host, *self._trunk.hosts},
                anywhere=self._trunk.trunk.media_anywhere,
            )
        )

    # What the media tells

    def _media(self, event: MediaEvent) -> None:
        if self._over:
            return
        now = self._engine.now()
        match event:
            case Heard():
                if not self._answered and not self._early_told:
                    self._early_told = True
                    self._tell(port.EarlyMedia())
            case Pressed(digit=digit, at=at):
                told = not self._events_in_rtp and self._told_by_info(digit, at)
                self._events_in_rtp = True
                if self._answered and not told:
                    self._tell(port.Digit(digit, at))
            case Played(playback=playback):
                self._tell(port.PlaybackFinished(playback))
            case Silent(heard=heard):
                if now - heard >= LONGEST_SILENCE_SECONDS:
                    self._lost(self._last_alive)
                elif self._answered:
                    self._call.refresh(now)
                    self._engine.flush()
            case LimitReached():
                at = now if self._limit is None else min(now, self._limit)
                if self._answered:
                    self._bye(Ending(Cause.LIMIT, by_us=True), at)
            case WorkerDied():
                if self._answered:
                    self._lost(now)
                else:
                    self._cancel()  # an answer that crosses this is charged as any

    def _told_by_info(self, digit: str, at: Instant) -> bool:
        """A phone may send each key both ways, and its first be quicker by INFO."""
        if self._key_by_info is None:
            return False
        key, came = self._key_by_info
        return key == digit and abs(at - came) <= SAME_KEY_SECONDS

    # Ending

    def _cancel(self) -> None:
        self._call.cancel(self._engine.now())
        self._engine.flush()

    def _no_response(self) -> None:
        """No provisional answer in time: the trunk has failed. A late answer is cancelled, or
        acknowledged and ended, by the user agent."""
        if not self._over:
            self._cancel()
            self._trunk.peer.failed(self._host)
            self._end(Ending(Cause.FAILED, trunk_failed=True), self._engine.now())

    def _stop_waiting(self) -> None:
        if self._response_timer is not None:
            self._response_timer.cancel()
            self._response_timer = None

    def _lost(self, last_alive: Instant) -> None:
        self._bye(Ending(Cause.LOST, by_us=True), last_alive)

    def _bye(self, ending: Ending, at: Instant) -> None:
        self._call.bye(self._engine.now())
        self._engine.flush()
        self._end_soon(ending, at)

    def _end_soon(self, ending: Ending, at: Instant) -> None:
        """End from within a verb: the event comes later, since a verb tells nothing."""
        self._close()
        self._engine.soon(lambda: self._listener(self, port.Ended(ending, at)))

    def _end(self, ending: Ending, at: Instant) -> None:
        self._close()
        self._listener(self, port.Ended(ending, at))

    def _close(self) -> None:
        self._over = True
        self._stop_waiting()
        self.stream.close()
        self._trunk.channels -= 1
        self._trunk.leg_ended()
        self._engine.forget(self._call)

    def _tell(self, event: Event) -> None:
        self._listener(self, event)
