"""The one place where a session waits.

Whatever the session is doing, `next` watches over it: the caller hanging up, an order to end, and
the deadlines of the money all leave it as an exception, so that the steps of a session can be
written as if nothing ever went wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NoReturn

from ringback.calls.course import CallbackSession
from ringback.calls.events import Happening
from ringback.calls.inbox import (
    Credited,
    End,
    FailedBeside,
    Inbox,
    LegEvent,
    Stop,
    TriggeredAgain,
    Woken,
)
from ringback.calls.outcome import Outcome, Stage
from ringback.calls.party import EndedLeg, Party
from ringback.calls.spending import limits_of
from ringback.calls.watch import RINGING_LOOK_SECONDS, Task, Watch
from ringback.charging.funds import Funds
from ringback.charging.money import Limits
from ringback.clock import Clock, Instant
from ringback.telephony.port import Answered, AnsweredLate, Cause, Ended, Event, Leg

ALONE_SECONDS = 180.0
"""Outside a conversation leg A lives at most so long in a row (spec section 4)."""


class Over(Exception):
    """The session ends here; what is left is to close it."""


class CallerLeft(Over):
    """Leg A has ended."""


class Ordered(Over):
    """Somebody ordered the end, or what the session uses is out of use."""


class LeftOpen(Over):
    """The server stops before the return call was dialled: the next start goes on with it."""


class NotAgain(Over):
    """The return call was answered, late, and is not made again."""


class ConversationOver(Over):
    """A conversation has come to the end of its money or to its absolute limit."""


class OutOfCredit(Over):
    """Leg A alone cannot go on for lack of credit."""


class AloneTooLong(Over):
    """Leg A has been without a conversation for too long."""


class Waiting:
    """A session's legs, the deadlines that hold for them, and the waiting for either."""

    def __init__(
        self,
        session: CallbackSession,
        inbox: Inbox,
        clock: Clock,
        answered_late: Callable[[EndedLeg], None],
    ) -> None:
        """`answered_late` is to have written down that a leg was answered which had been given up,
        whether the session is over by then or not."""
        self._session = session
        self._inbox = inbox
        self._clock = clock
        self.funds = Funds(session.chronicle.run, session.chronicle.read, clock, self, self._limits)
        self.a: Party | None = None
        """The return call, from its dialling on."""
        self.b: Party | None = None
        """The outgoing call, from its dialling on."""
        self._given_up: list[Party] = []
        self._write_late_answer = answered_late
        self._watch: Watch | None = None
        self._on_warning: Callable[[float], None] = lambda seconds_left: None
        self._alone_until: Instant | None = None
        """Leg A lives no longer without a conversation; None during one."""
        self._rings_until: Instant = -math.inf
        """Leg B may be answered until then, for all but money; -math.inf while none rings."""
        self.stopping = False
        """The server stops: nothing new is dialled."""

    def stop(self) -> None:
        """The server stops. A return call that is not under way is left to the next start."""
        self.stopping = True
        self._inbox.put(Stop())

    def _limits(self) -> Limits:
        """What the guards of the session leave, on every day on which a leg of it was dialled."""
        parties = (self.a, self.b)
        dialled = [party.started for party in parties if party is not None]
        return limits_of(self._session, [*dialled, self._clock.now()])

    # The legs

    def listen(self, leg: Leg, event: Event) -> None:
        """Where the events of the legs go. Each is noted at once, whatever the session is waiting
        for just then: an answered leg's time runs, and when the caller has gone leg B is ended."""
        given_up, party = self._of(leg, self._given_up), self._party(leg)
        if isinstance(event, AnsweredLate) or (isinstance(event, Answered) and given_up):
            late = given_up or party
            assert late is not None  # who is dialled stays known, here or there
            self._answered_late(late, event.at)
            return
        if party is not None:
            party.note(event, self._clock.now())
            if isinstance(event, Answered):
                self.funds.answered(party.role, event.at)
            elif isinstance(event, Ended):
                self.funds.ended(party.role)
                if party is self.a and self.b is not None:
                    self.b.leg.hang_up()
        self._inbox.put(LegEvent(leg, event))

    def _party(self, leg: Leg) -> Party | None:
        """Whose leg it is; None for one that is over and written."""
        return self._of(leg, (self.a, self.b))

    def _of(self, leg: Leg, parties: Iterable[Party | None]) -> Party | None:
        return next((each for each in parties if each is not None and each.leg is leg), None)

    def give_up(self, party: Party) -> None:
        """The attempt has failed: an answer that comes now is a late one."""
        self._given_up.append(party)

    def _answered_late(self, party: Party, at: Instant) -> None:
        """A late answer: no further attempt begins."""
        party.answered_late = True
        self._write_late_answer(party.as_answered_late(at))
        if party.role == "A":
            self.answered_before()

    def answered_before(self) -> None:
        """The return call has been answered already, by an attempt that was given up."""
        self._session.course.answered = True
        self._inbox.put(Woken())

    @property
    def caller_gone(self) -> bool:
        """Leg A has ended, which the session may have yet to learn."""
        return self.a is not None and self.a.ended is not None

    def withdraw(self, party: Party) -> None:
        """Give up a leg that nobody has answered. Leg A is on its own again."""
        party.leg.hang_up()
        party.withdrawn = True
        if party is self.b:
            self.funds.given_up("B")
            self.watch_alone()

    async def end(self, party: Party) -> None:
        """Hang up and wait for the far end's confirmation, which is our own at the latest after
        the 32 s of SIP's timer F: `Ended` always comes. What else comes meanwhile stays in the
        inbox, in its order."""
        if party.ended is None:
            party.leg.hang_up()
        while party.ended is None:
            await self._inbox.arrival()

    async def hang_up(self) -> None:
        """End what is left of both legs: B within 250 ms of A."""
        for party in (self.b, self.a):
            if party is not None and party.ended is None:
                party.leg.hang_up()
        for party in (self.b, self.a):
            if party is not None:
                await self.end(party)

    # Waiting

    async def next(self, until: Instant = math.inf) -> LegEvent | TriggeredAgain | None:
        """The next event of the session's legs, or None when none came by `until`.

        Raises a kind of Over when the session cannot go on, and whatever failed beside it.
        """
        while True:
            if self.a is None and self._session.course.answered:
                raise NotAgain
            due, task = self._watch.due() if self._watch else (math.inf, None)
            if task is not None and due <= self._clock.now():
                self._tend(task)
                continue
            wake = min(due, until)
            message = await self._inbox.get(None if wake == math.inf else wake)
            match message:
                case None if until <= self._clock.now():
                    return None
                case None | Woken():
                    continue
                case FailedBeside(error=error):
                    raise error
                case Credited():
                    self.funds.look_at_credit_soon(self._rings_until)
                case End(why=why):
                    self.order_end(why)
                case Stop():
                    if self.a is None and not self._session.course.answered:
                        raise LeftOpen
                case TriggeredAgain():
                    return message
                case LegEvent():
                    party = self._party(message.leg)
                    if party is None:
                        continue
                    if party is self.a and isinstance(message.event, Ended):
                        self._caller_left(party, message.event)
                    return message

    def order_end(self, why: Happening) -> NoReturn:
        """Raises Ordered."""
        self._session.tell(why)
        self._session.course.ended_by_order = True
        raise Ordered

    def _caller_left(self, a: Party, event: Ended) -> None:
        """Raises CallerLeft, if this leg A was ever answered in earnest."""
        if a.answered is None or a.withdrawn:
            return
        course = self._session.course
        if event.ending.cause is Cause.LOST:
            course.interrupted = True
        elif event.ending.cause is Cause.LIMIT:
            course.cut_off = course.stage is Stage.CONVERSATION
            if not course.cut_off:
                course.fault = Outcome.NO_CREDIT
        else:
            course.hung_up = True
        raise CallerLeft

    # The watch

    def watch_alone(self, farewell_seconds: float = 0.0) -> None:
        """Leg A is on its own: it lives while it is paid, and for ALONE_SECONDS since it last was
        in a conversation. The money's end is announced for `farewell_seconds`; 0: it is not."""
        self._rings_until = -math.inf
        self._watch = Watch(
            funded=self.funds.funded_a(),
            limit=self._alone_since_now(),
            farewell_seconds=farewell_seconds,
        )
        self.limits_changed()

    def watch_ringing(self, until: Instant) -> None:
        """Leg B is dialled: it may ring `until`, if an answer is funded so long."""
        self._rings_until = until
        self._watch = Watch(
            funded=self._funded(), limit=self._alone_since_now(), looks=(RINGING_LOOK_SECONDS,)
        )

    def _alone_since_now(self) -> Instant:
        """The end of leg A's time alone, which begins now unless it has begun before."""
        if self._alone_until is None:
            self._alone_until = self._clock.now() + ALONE_SECONDS
        return self._alone_until

    def watch_conversation(self, ends_by: Instant, on_warning: Callable[[float], None]) -> None:
        """Both legs live while they are paid, until `ends_by` at the latest. `on_warning` is told,
        `warn_before_end_seconds` before the end, how many seconds are left."""
        self._alone_until, self._rings_until = None, -math.inf
        self._on_warning = on_warning
        self._watch = Watch(
            funded=self.funds.funded(),
            limit=ends_by,
            warn_seconds=self._session.setup.warn_before_end_seconds,
        )
        self.limits_changed()

    def stop_watching(self) -> None:
        """The last words are said: what comes now are the last deadlines."""
        self._watch = None

    def _tend(self, task: Task) -> None:
        watch = self._watch
        assert watch is not None
        talking = self._session.course.stage is Stage.CONVERSATION
        match task:
            case Task.SLICE:
                watch.slicing()
                if self._rings_until > -math.inf:
                    self.funds.extend_ringing_soon(self._rings_until)
                else:
                    self.funds.slice_soon()
            case Task.WARN:
                watch.warned()
                if talking:
                    self._on_warning(watch.end - self._clock.now())
            case Task.SAY_NO_CREDIT:
                raise OutOfCredit
            case Task.CUT:
                if talking:
                    raise ConversationOver
                raise OutOfCredit if watch.funded <= watch.limit else AloneTooLong

    # The owner of funds

    def funds_changed(self) -> None:
        if self._watch is not None:
            self._watch.funded = self._funded()
        self.limits_changed()

    def limits_changed(self) -> None:
        for party in (self.a, self.b):
            if party is not None and party.talking:
                party.limit(_finite(self.funds.limit(party.role)))

    def sliced(self) -> None:
        if self._watch is not None:
            self._watch.sliced(self._funded(), self._clock.now())
        self._look_again()

    def credit_looked_at(self) -> None:
        if self._watch is not None:
            self._watch.credit_changed(self._funded(), self._clock.now())
        self._look_again()

    def funds_failed(self, error: Exception) -> None:
        self._inbox.put(FailedBeside(error))

    def funds_troubled(self, what: str) -> None:
        self._session.chronicle.trouble(what)

    def _look_again(self) -> None:
        self.limits_changed()
        self._inbox.put(Woken())

    def _funded(self) -> Instant:
        """Until when the present stage is paid: a conversation, leg A alone, or an answer of a
        leg B that rings, which may have no need of money for longer."""
        if self._rings_until > -math.inf:
            latest = self.funds.latest_answer()
            return math.inf if latest >= self._rings_until else latest
        if self._session.course.stage is Stage.CONVERSATION:
            return self.funds.funded()
        return self.funds.funded_a()


def _finite(instant: Instant) -> Instant | None:
    return None if instant == math.inf else instant
