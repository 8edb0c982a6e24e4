"""A call that Ringback makes on the embedded engine: its SIP side, and its course."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import Enum, auto

from ringback.clock import Instant, Timer
from ringback.engines.embedded.causes import unanswered
from ringback.engines.embedded.identity import sender_headers
from ringback.engines.embedded.legmedia import LegMedia
from ringback.engines.embedded.peer import credentials_of
from ringback.engines.embedded.switchboard import Switchboard
from ringback.media.pool import (
    Heard,
    LimitReached,
    MediaEvent,
    Played,
    Pressed,
    Silent,
    Stream,
    WorkerDied,
)
from ringback.sip import events as sip
from ringback.sip.bodies import description
from ringback.sip.calls import OutgoingCall
from ringback.sip.uri import sip_uri
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

UNAVAILABLE = 503


class LegState(Enum):
    PREPARED = auto()
    DIALLED = auto()
    """Nothing has been heard of the trunk."""
    PROCEEDING = auto()
    RINGING = auto()
    ANSWERED = auto()
    GIVEN_UP = auto()
    """The trunk has failed, and its answer may still come."""
    OVER = auto()


S = LegState

LEG: Mapping[tuple[LegState, str], LegState] = {
    (S.PREPARED, "dial"): S.DIALLED,
    (S.PREPARED, "withdraw"): S.OVER,
    (S.DIALLED, "provisional"): S.PROCEEDING,
    (S.DIALLED, "ringing"): S.RINGING,
    (S.DIALLED, "answer"): S.ANSWERED,
    (S.DIALLED, "fail"): S.OVER,
    (S.DIALLED, "no response"): S.GIVEN_UP,
    (S.GIVEN_UP, "late answer"): S.OVER,
    (S.GIVEN_UP, "fail"): S.OVER,
    (S.PROCEEDING, "ringing"): S.RINGING,
    (S.PROCEEDING, "answer"): S.ANSWERED,
    (S.PROCEEDING, "fail"): S.OVER,
    (S.RINGING, "answer"): S.ANSWERED,
    (S.RINGING, "fail"): S.OVER,
    (S.ANSWERED, "part"): S.OVER,
}
"""What may happen to a leg. What has no row changes nothing."""

_UNANSWERED = (LegState.DIALLED, LegState.PROCEEDING, LegState.RINGING)
_ENDED = (LegState.GIVEN_UP, LegState.OVER)


class OutLeg:
    """A call that Ringback makes."""

    def __init__(
        self, board: Switchboard, order: Order, listener: Listener, beside: Stream | None
    ) -> None:
        """Raises NoPorts."""
        self.state = LegState.PREPARED
        self._board = board
        self._listener = listener
        self._trunk = board.trunks[order.trunk]
        trunk = self._trunk.trunk
        self.media = LegMedia(board, self._trunk, self._told_by_media, beside)
        sender, headers = sender_headers(order.shown, trunk, board.public)
        self._call = OutgoingCall(
            board.agent,
            sip_uri(order.number, trunk.host, trunk.port),
            self._trunk.peer.address,
            sender=sender,
            sdp=self.media.offer(),
            headers=headers,
            credentials=credentials_of(trunk),
            acknowledges_later=True,
        )
        self._trunk.channels += 1
        self._trunk.leg_began()
        self._response_timer: Timer | None = None
        self._withdrawn = False
        """Its user hung up before an answer."""
        self._early_media = False
        self._signalled: Instant = -math.inf
        """When the far end last said anything by SIP."""

    def step(self, what: str) -> bool:
        """Whether this may happen now; then it has."""
        after = LEG.get((self.state, what))
        if after is not None:
            self.state = after
        return after is not None

    @property
    def _answered(self) -> bool:
        return self.state is LegState.ANSWERED

    @property
    def _last_alive(self) -> Instant:
        return max(self._signalled, self.media.last_heard)

    # Verbs

    def saved(self) -> str:
        return self._board.saved(self._trunk.trunk, self._call.saved())

    def dial(self) -> None:
        if self.step("dial"):
            now = self._board.now()
            self._call.send(now)
            self._response_timer = self._board.clock.call_at(
                now + NO_RESPONSE_SECONDS, self._no_response
            )
            self._board.register(self._call, self)
            self._board.flush()

    def confirm(self) -> None:
        self._call.acknowledge(b"", self._board.now())
        self._board.flush()

    def play(self, sounds: Sequence[Sound], *, loop: bool = False) -> int:
        return self.media.play(sounds, loop=loop)

    def stop(self) -> None:
        self.media.stop()

    def send_digits(self, digits: str) -> None:
        if not self.media.send_digits(digits) and self._answered:
            for digit in digits:
                self._call.info(digit, self._board.now())
            self._board.flush()

    def bridge(self, other: port.CallLeg, *, early: bool = False) -> None:
        assert isinstance(other, OutLeg)
        self.media.bridge(other.media, early=early)

    def unbridge(self) -> None:
        self.media.unbridge()

    def limit(self, at: Instant | None) -> None:
        self.media.limit(at)

    def hang_up(self) -> None:
        self._board.catch_up()
        if self.step("withdraw"):
            self._end_soon(Ending(Cause.CANCELLED, by_us=True), self._board.now())
        elif self.state in _UNANSWERED:
            self._withdrawn = True
            self._cancel()
        else:
            self._bye(Ending(Cause.NORMAL, by_us=True), self._board.now())

    # What the SIP call tells

    def told(self, event: sip.CallEvent) -> None:
        now = self._board.reached()
        if self.state is LegState.GIVEN_UP:
            self._told_late(event, now)
        if self.state in _ENDED:
            return
        match event:
            case sip.Provisional(response=response):
                self._progress(response.status, description(response))
            case sip.Succeeded(response=response, crossed=crossed):
                self._succeeded(description(response), now, crossed=crossed)
            case sip.Failed():
                self._failed(event, now)
            case sip.HungUp():
                self._part(Ending(Cause.NORMAL), now)
            case sip.Expired():
                self._part(Ending(Cause.LOST), self._last_alive)
            case sip.Refreshed(alive=False):
                self._lost(self._last_alive)
            case sip.Refreshed():
                self._signalled = now
            case sip.Offered(body=body):
                self._signalled = now
                self._offered(body, now)
            case sip.Answer(body=body):
                self._signalled = now
                self.media.take_answer(body)
            case sip.Signal(digit=digit):
                self._signalled = now
                if self._answered and self.media.is_key_by_info(digit, now):
                    self._tell(port.Digit(digit, now))

    def _progress(self, status: int, body: bytes) -> None:
        self._stop_waiting()
        self.step("provisional")
        if status != 100:
            self.media.take_answer(body)
        if status in (180, 183) and self.step("ringing"):
            self._tell(port.Ringing())

    def _succeeded(self, body: bytes, now: Instant, *, crossed: bool) -> None:
        if not self.step("answer"):
            return
        self._stop_waiting()
        self._signalled = now
        self.media.answered(body)
        self._tell(port.Answered(now))
        if crossed:
            self._part(Ending(Cause.NORMAL, 200, by_us=True), now)
        elif not self.media.agreed:
            # Answered, so the carrier charges it, but with no sound that we could take.
            self._bye(Ending(Cause.FAILED, 488, by_us=True), now)

    def _failed(self, event: sip.Failed, now: Instant) -> None:
        status = None if event.response is None else event.response.status
        rang = self.state is LegState.RINGING
        ending = unanswered(
            status,
            rang=rang,
            q850=sip.q850_cause(event.response),
            challenged_twice=event.challenged_twice,
            withdrawn=self._withdrawn,
        )
        if self.step("fail"):
            if status == UNAVAILABLE and not rang:
                self._trunk.peer.failed(self._call.peer)  # RFC 3263 section 4.3
            self._end(ending, now)

    def _told_late(self, event: sip.CallEvent, now: Instant) -> None:
        """Of a call that was given up, which the user agent brings to its end."""
        if isinstance(event, sip.Succeeded) and self.step("late answer"):
            self._board.forget(self._call)
            self._tell(port.AnsweredLate(now))
        elif isinstance(event, sip.Failed) and self.step("fail"):
            self._board.forget(self._call)

    def _offered(self, body: bytes, now: Instant) -> None:
        """A re-INVITE, answered on its own leg: hold, another address, another codec."""
        answer = self.media.answer(body)
        if answer is None:
            self._call.refuse_offer(488, now)
        else:
            self._call.accept_offer(answer, now)

    # What the media tells

    def _told_by_media(self, event: MediaEvent) -> None:
        if self.state in _ENDED:
            return
        now = self._board.now()
        match event:
            case Heard():
                if not self._answered and not self._early_media:
                    self._early_media = True
                    self._tell(port.EarlyMedia())
            case Pressed(digit=digit, at=at):
                if self.media.is_key_in_rtp(digit, at) and self._answered:
                    self._tell(port.Digit(digit, at))
            case Played(playback=playback):
                self._tell(port.PlaybackFinished(playback))
            case Silent(heard=heard):
                if now - heard >= LONGEST_SILENCE_SECONDS:
                    self._lost(self._last_alive)
                elif self._answered:
                    self._call.refresh(now)
                    self._board.flush()
            case LimitReached():
                self._board.catch_up()
                self._bye(Ending(Cause.LIMIT, by_us=True), self.media.limit_reached(now))
            case WorkerDied():
                if self._answered:
                    self._lost(now)
                else:
                    self._cancel()  # an answer that crosses this is charged as any

    # Ending

    def _cancel(self) -> None:
        self._call.cancel(self._board.now())
        self._board.flush()

    def _no_response(self) -> None:
        """No provisional answer in time: the trunk has failed. What comes late is cancelled, or
        acknowledged and ended, by the user agent."""
        self._board.catch_up()
        if self.step("no response"):
            self._cancel()
            self._trunk.peer.failed(self._call.peer)
            self._end(Ending(Cause.FAILED, trunk_failed=True), self._board.now())

    def _stop_waiting(self) -> None:
        if self._response_timer is not None:
            self._response_timer.cancel()
            self._response_timer = None

    def _lost(self, last_alive: Instant) -> None:
        self._bye(Ending(Cause.LOST, by_us=True), last_alive)

    def _bye(self, ending: Ending, at: Instant) -> None:
        if self.step("part"):
            self._call.bye(self._board.now())
            self._board.flush()
            self._end_soon(ending, at)

    def _part(self, ending: Ending, at: Instant) -> None:
        """The call has ended by itself."""
        if self.step("part"):
            self._end(ending, at)

    def _end_soon(self, ending: Ending, at: Instant) -> None:
        """End from within a verb: the event comes later, since a verb tells nothing."""
        self._close()
        self._board.soon(lambda: self._listener(self, port.Ended(ending, at)))

    def _end(self, ending: Ending, at: Instant) -> None:
        self._close()
        self._listener(self, port.Ended(ending, at))

    def _close(self) -> None:
        self._stop_waiting()
        self.media.close()
        self._trunk.channels -= 1
        self._trunk.leg_ended()
        if self.state is not LegState.GIVEN_UP:
            self._board.forget(self._call)

    def _tell(self, event: Event) -> None:
        self._listener(self, event)
