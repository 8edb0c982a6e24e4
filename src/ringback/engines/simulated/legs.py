"""The legs of the simulated engine."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ringback.clock import Instant, Timer
from ringback.engines.simulated.life import Life
from ringback.engines.simulated.network import FarCall, Ring
from ringback.telephony import port
from ringback.telephony.port import (
    NO_RESPONSE_SECONDS,
    SILENCE_SECONDS,
    CallLeg,
    Cause,
    Ending,
    Event,
    Listener,
    Order,
    Rejection,
    Sound,
    Trigger,
)

UNCONFIRMED_SECONDS = 32.0
"""SIP's 64*T1: so long is waited for an ACK, or for the answer to a CANCEL."""


class SimulatedTrigger:
    """A trigger call."""

    def __init__(self, life: Life, ring: Ring) -> None:
        self._life = life
        self._ring = ring
        self._listener: Listener = lambda leg, event: None
        self._over = False
        self._rejected = ring.trigger.rejected
        self._gone = False
        self._saved = ""
        self.arrived = False

    @property
    def trigger(self) -> Trigger:
        return self._ring.trigger

    def listen(self, listener: Listener) -> None:
        self._listener = listener
        if self.trigger.rejected:
            clock = self._life.clock
            clock.call_at(clock.now(), self.far_acknowledges)

    def saved(self) -> str:
        return self._saved

    def ring(self) -> None:
        self._ring.rang = True

    def prepare_rejection(self, rejection: Rejection) -> str:
        self._saved = self._life.saved({"ring": self._ring.id, "rejection": rejection})
        return self._saved

    def reject(self, rejection: Rejection) -> None:
        if self._rejected:
            return
        self._rejected = True
        self._life.send(lambda: self._ring.server_rejects(rejection))
        self._await_proof()

    def _await_proof(self) -> None:
        clock = self._life.clock
        clock.call_at(clock.now() + UNCONFIRMED_SECONDS, lambda: self._end(proven=False))

    def far_gives_up(self) -> None:
        # What overtakes its call on the way cancels nothing; it comes again.
        if self.arrived and not self._rejected and not self._over:
            self._rejected = self._gone = True
            self._tell(port.CallerGone(self._life.clock.now()))
            self._await_proof()

    def far_acknowledges(self) -> None:
        if self._rejected:
            self._end(proven=True)

    def _end(self, *, proven: bool) -> None:
        if not self._over:
            self._over = True
            cause = Cause.CANCELLED if self._gone else Cause.REJECTED
            self._tell(port.Ended(Ending(cause), self._life.clock.now(), proven))

    def _tell(self, event: Event) -> None:
        if self._life.alive:
            self._listener(self, event)


class SimulatedLeg:
    """A call that the server makes."""

    def __init__(self, life: Life, far: FarCall, order: Order, listener: Listener) -> None:
        self._life = life
        self.far = far
        self._order = order
        self._listener = listener
        self._dialled = self._heard_of = self._rang = False
        self._answered: Instant | None = None
        self._cancelled = self._over = False
        self._playbacks = 0
        self._playing: list[Timer] = []
        self._limit: Timer | None = None
        self.bridged: SimulatedLeg | None = None
        self.reached: Instant = -math.inf

    # Verbs

    def saved(self) -> str:
        return self._life.saved({"call": self.far.id})

    def confirm(self) -> None:
        """The simulated network forgets nobody: `resume` ends an answered call as well."""

    def dial(self) -> None:
        if self._dialled or self._over:
            return
        self._dialled = True
        life = self._life
        life.send(lambda: life.network.dialled(self.far))
        life.clock.call_at(life.clock.now() + NO_RESPONSE_SECONDS, self._no_response)
        if not life.network.says_nothing(self._order.trunk):
            life.send(self._trying)

    def play(self, sounds: Sequence[Sound], *, loop: bool = False) -> int:
        self.stop()
        self._playbacks += 1
        number = self._playbacks
        if self._over:
            return number
        clock = self._life.clock
        at = clock.now()
        for sound in sounds:
            self._playing.append(clock.call_at(at, lambda words=sound.words: self._say(words)))  # type: ignore[misc]
            at += sound.seconds
        if loop:
            self._playing.append(clock.call_at(at, lambda: self._again(sounds)))
        else:
            self._playing.append(clock.call_at(at, lambda: self._played(number)))
        return number

    def _say(self, words: str) -> None:
        if self._answered is not None:
            self.far.server_says(words)

    def _again(self, sounds: Sequence[Sound]) -> None:
        number = self._playbacks
        if sounds and not self._over:
            self.play(sounds, loop=True)
            self._playbacks = number

    def _played(self, number: int) -> None:
        self._playing.clear()
        if not self._over:
            self._tell(port.PlaybackFinished(number))

    def stop(self) -> None:
        for timer in self._playing:
            timer.cancel()
        self._playing.clear()

    def send_digits(self, digits: str) -> None:
        if self._answered is not None and not self._over:
            self._life.later(lambda: self.far.digits.extend(digits))

    def bridge(self, other: CallLeg, *, early: bool = False) -> None:
        assert isinstance(other, SimulatedLeg)
        self.bridged, other.bridged = other, self

    def unbridge(self) -> None:
        other, self.bridged = self.bridged, None
        if other is not None:
            other.bridged = None

    def limit(self, at: Instant | None) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None
        if at is not None and not self._over:
            self._limit = self._life.clock.call_at(at, lambda: self._at_limit(at))

    def hang_up(self) -> None:
        if self._over:
            return
        if self._answered is not None:
            self._bye(Ending(Cause.NORMAL, by_us=True), self._life.clock.now())
        elif not self._dialled:
            self._end_soon(Ending(Cause.CANCELLED, by_us=True))
        elif not self._cancelled:
            self._cancelled = True
            clock = self._life.clock
            self._life.send(self.far.server_cancels)
            clock.call_at(clock.now() + UNCONFIRMED_SECONDS, self._never_confirmed)

    # What the far end does

    def _trying(self) -> None:
        self._heard_of = True

    def far_rings(self) -> None:
        self._heard_of = True
        if self._over and self._answered is None:
            # A late 180 of a call that was given up: only now it can be cancelled.
            self._life.send(self.far.server_cancels)
        elif not self._over and not self._rang and self._answered is None:
            self._rang = True
            self._tell(port.Ringing())

    def far_early_media(self) -> None:
        if not self._over and self._answered is None:
            self._tell(port.EarlyMedia())

    def far_answers(self) -> None:
        now = self.reached
        if self._answered is not None:
            return  # the 200 has come before
        self._answered = now
        if self._over:
            # A late answer of a call that was given up: acknowledged and ended.
            self._life.send(self.far.server_hangs_up)
            self._tell(port.AnsweredLate(now))
            return
        self._heard_of = True
        self._tell(port.Answered(now))
        if self._cancelled:
            self._bye(Ending(Cause.NORMAL, by_us=True), now)
        elif not self.far.usable:
            self._bye(Ending(Cause.FAILED, by_us=True), now)

    def far_rejects(self, cause: Cause) -> None:
        if not self._over and self._answered is None:
            trunk_failed = cause is Cause.FAILED and not self._rang
            by_us = cause is Cause.CANCELLED
            self._end(Ending(cause, None, trunk_failed, by_us), self.reached)

    def far_presses(self, digit: str) -> None:
        if not self._over and self._answered is not None:
            self._tell(port.Digit(digit, self._life.clock.now()))

    def far_hangs_up(self) -> None:
        if not self._over:
            self._end(Ending(Cause.NORMAL), self.reached)

    def far_vanishes(self) -> None:
        """No sound for a minute, then no answer to a session refresh."""
        gone = self._life.clock.now()
        at = gone + SILENCE_SECONDS + UNCONFIRMED_SECONDS

        def lost() -> None:
            if not self._over and self._answered is not None:
                self._bye(Ending(Cause.LOST, by_us=True), gone)

        self._life.clock.call_at(at, lost)

    # Ending

    def _no_response(self) -> None:
        if not self._heard_of and not self._over:
            self._end(Ending(Cause.FAILED, trunk_failed=True), self._life.clock.now())

    def _never_confirmed(self) -> None:
        if not self._over and self._answered is None:
            self._end(Ending(Cause.FAILED), self._life.clock.now())

    def _at_limit(self, at: Instant) -> None:
        if not self._over and self._answered is not None:
            self._bye(Ending(Cause.LIMIT, by_us=True), at)

    def _bye(self, ending: Ending, at: Instant) -> None:
        self._life.send(self.far.server_hangs_up)
        self._end_soon(ending, at)

    def _end_soon(self, ending: Ending, at: Instant | None = None) -> None:
        self._close()
        now = self._life.clock.now()
        event = port.Ended(ending, now if at is None else at)
        self._life.clock.call_at(now, lambda: self._tell(event))

    def _end(self, ending: Ending, at: Instant) -> None:
        self._close()
        self._tell(port.Ended(ending, at))

    def _close(self) -> None:
        self._over = True
        self.stop()
        self.limit(None)
        self.unbridge()

    def _tell(self, event: Event) -> None:
        if self._life.alive:
            self._listener(self, event)


class ResumedSimulatedLeg:
    """A leg from before a crash."""

    def __init__(self, life: Life, saved: str, listener: Listener) -> None:
        self._life = life
        self._saved = saved
        self._listener = listener
        self._over = False

    def saved(self) -> str:
        return self._saved

    def end_call(self, far: FarCall) -> None:
        """CANCEL, or BYE where it has answered."""

        def arrive() -> None:
            if far.answered is None and far.vanished is not None:
                return  # nobody confirms
            if far.answered is None:
                far.server_cancels()
            else:
                far.server_hangs_up()
            cause = Cause.FAILED if far.answered is None else Cause.NORMAL
            self._life.later(lambda: self._end(cause))

        self._life.send(arrive)
        clock = self._life.clock
        clock.call_at(clock.now() + UNCONFIRMED_SECONDS, self._end)

    def end_soon(self) -> None:
        """Nothing can be done for it."""
        clock = self._life.clock
        clock.call_at(clock.now(), self._end)

    def reject_again(self, ring: Ring, rejection: Rejection) -> None:
        ring.leg = None

        def arrive() -> None:
            ring.server_rejects(rejection)
            if ring.acknowledges:
                self._life.later(lambda: self._end(proven=True))

        self._life.send(arrive)
        clock = self._life.clock
        clock.call_at(clock.now() + UNCONFIRMED_SECONDS, self._end)

    def _end(self, cause: Cause = Cause.FAILED, *, proven: bool = False) -> None:
        if not self._over and self._life.alive:
            self._over = True
            now = self._life.clock.now()
            self._listener(self, port.Ended(Ending(cause, by_us=True), now, proven))
