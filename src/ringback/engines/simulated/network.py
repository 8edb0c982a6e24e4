"""The world outside of a simulated server: numbers, phones, what they do, and what became of
every call. It lives on when a server's side dies.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from ringback.clock import Clock, Instant
from ringback.numbering import NumberForm
from ringback.telephony.calling import HIDDEN, read_calling
from ringback.telephony.port import Cause, Rejection, Shown, Trigger
from ringback.telephony.trunks import E164

FIRST_AGAIN_SECONDS, LAST_AGAIN_SECONDS = 0.5, 8.0
"""A message that is lost is sent again after T1, then after twice that."""

Script = Callable[["FarCall"], Awaitable[None]]
"""What a phone does with a call."""


class ServerLeg(Protocol):
    """The server's side of a call that it makes."""

    reached: Instant
    """When that reached the server's machine which it is told of next."""

    def far_rings(self) -> None: ...
    def far_early_media(self) -> None: ...
    def far_answers(self) -> None: ...
    def far_rejects(self, cause: Cause) -> None: ...
    def far_presses(self, digit: str) -> None: ...
    def far_hangs_up(self) -> None: ...
    def far_vanishes(self) -> None: ...


class ServerTrigger(Protocol):
    """The server's side of a trigger call."""

    def far_gives_up(self) -> None: ...
    def far_acknowledges(self) -> None: ...


class TriggerTaker(Protocol):
    """The server that is alive."""

    def take(self, ring: Ring) -> None:
        """A trigger call arrives."""

    def caller_form(self, trunk: str) -> NumberForm:
        """The form of the callers' numbers that a trunk sends."""


@dataclass(slots=True)
class FarCall:
    """One call, as the far end has it, and the truth about it."""

    network: Network
    id: str
    trunk: str
    number: str
    shown: Shown
    leg: ServerLeg | None
    """The server's side; None once that has died."""
    rang: Instant | None = None
    answered: Instant | None = None
    ended: Instant | None = None
    ended_by_server: bool = False
    rejected: Cause | None = None
    vanished: Instant | None = None
    usable: bool = True
    digits: list[str] = field(default_factory=list)
    """Keys that came from the server."""
    said: list[tuple[Instant, str]] = field(default_factory=list)
    """The words of what the server played, as each began."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    # What the phone does

    def ring(self) -> None:
        if self.ended is None and self.rang is None:
            self.rang = self.network.clock.now()
            self._send("far_rings")

    def early_media(self) -> None:
        self._sound("far_early_media")

    def answer(self, *, usable: bool = True) -> None:
        """Not `usable`: with nothing that the server can make a conversation of."""
        if self.ended is None and self.answered is None:
            self.usable = usable
            self.answered = self.network.clock.now()
            self._send("far_answers")

    def reject(self, cause: Cause) -> None:
        """Not answer, because of `cause`, which is also what the server makes of it."""
        if self.ended is None and self.answered is None:
            self.rejected = cause
            self._over(by_server=False)
            self._send("far_rejects", cause)

    def press(self, digits: str) -> None:
        """One key after the other, 0.15 s apart."""
        now = self.network.clock.now()
        for place, digit in enumerate(digits):
            self.network.clock.call_at(now + 0.15 * place, lambda digit=digit: self._press(digit))  # type: ignore[misc]

    def _press(self, digit: str) -> None:
        if self.ended is None and self.vanished is None:
            self._sound("far_presses", digit)

    def hang_up(self) -> None:
        if self.ended is None and self.answered is not None:
            self._over(by_server=False)
            self._send("far_hangs_up")

    def vanish(self) -> None:
        """The far end is gone without a word: no sound, no answer to anything."""
        self.vanished = self.network.clock.now()
        self._sound("far_vanishes")

    async def sleep(self, seconds: float) -> None:
        await self.network.clock.sleep_until(self.network.clock.now() + seconds)

    async def hears(self, words: str, seconds: float = 60.0) -> bool:
        """Wait until something that begins so is said; False when it was not, or the call ended."""
        seen = len(self.said)
        until = self.network.clock.now() + seconds
        while True:
            if any(said.startswith(words) for _, said in self.said[seen:]):
                return True
            seen = len(self.said)
            if self.ended is not None or self.network.clock.now() >= until:
                return False
            self._news.clear()
            timer = self.network.clock.call_at(until, self._news.set)
            await self._news.wait()
            timer.cancel()

    async def over(self) -> None:
        """Wait until the call has ended."""
        while self.ended is None:
            self._news.clear()
            await self._news.wait()

    # What the server does

    def server_cancels(self) -> None:
        if self.ended is None and self.answered is None and self.vanished is None:
            self.rejected = Cause.CANCELLED
            self._over(by_server=True)
            self._send("far_rejects", Cause.CANCELLED)

    def server_hangs_up(self) -> None:
        if self.ended is None:
            self._over(by_server=True)

    def server_says(self, words: str) -> None:
        self.said.append((self.network.clock.now(), words))
        self._news.set()

    def _over(self, *, by_server: bool) -> None:
        self.ended = self.network.clock.now()
        self.ended_by_server = by_server
        self._news.set()

    def _send(self, what: str, *arguments: object) -> None:
        """A message to the server takes its time, and is lost if the server is not there."""
        self.network.message(lambda: self._arrive(what, *arguments))

    def _sound(self, what: str, *arguments: object) -> None:
        """What comes by RTP: an event's packets are many, and it counts once."""
        self.network.later(lambda: self._arrive(what, *arguments))

    def _arrive(self, what: str, *arguments: object) -> None:
        leg, reached = self.leg, self.network.clock.now()

        def told() -> None:
            if leg is not None:
                leg.reached = reached
                getattr(leg, what)(*arguments)

        self.network.deliver(told)


@dataclass(slots=True)
class Ring:
    """A trigger call, as the caller has it."""

    network: Network
    id: str
    trigger: Trigger
    acknowledges: bool
    """False: forged, its ACK never comes."""
    leg: ServerTrigger | None = None
    rang: bool = False
    rejected: Rejection | None = None
    gone: bool = False

    def hang_up(self) -> None:
        if self.rejected is None and not self.gone:
            self.gone = True
            self.network.message(lambda: self._to_server("far_gives_up"))
            if self.acknowledges:
                at = self.network.clock.now() + 0.1  # after the 487
                self.network.clock.call_at(at, lambda: self._to_server("far_acknowledges"))

    def server_rejects(self, rejection: Rejection) -> None:
        """A rejection arrives; each time it does, it is acknowledged (RFC 3261 section
        17.1.1.2)."""
        if not self.gone:
            self.rejected = rejection
        if self.acknowledges:
            self.network.message(lambda: self._to_server("far_acknowledges"))

    def _to_server(self, what: str) -> None:
        if self.leg is not None:
            getattr(self.leg, what)()


class Network:
    """Every phone and every call."""

    def __init__(self, clock: Clock, chance: random.Random) -> None:
        self.clock = clock
        self.chance = chance
        self.calls: dict[str, FarCall] = {}
        self.rings: dict[str, Ring] = {}
        self.engine: TriggerTaker | None = None
        self.silent_trunks: set[str] = set()
        """Trunks that answer nothing at all."""
        self.mute_trunks: set[str] = set()
        """Trunks that pass calls on and say nothing before their phone does."""
        self.failing_trunks: set[str] = set()
        """Trunks that answer every call with a fault of their own."""
        self.deliver: Callable[[Callable[[], None]], None] = lambda told: told()
        """How the server is told of what has reached its machine: at once, unless it is stopped."""
        self.lost = 0.0
        """The share of messages that are lost and sent again (RFC 3261 section 17), and so come
        late, after others; as many come twice."""
        self._phones: dict[str, Script] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def says_nothing(self, trunk: str) -> bool:
        """Whether a trunk does not even tell that a call has arrived."""
        return trunk in self.silent_trunks or trunk in self.mute_trunks

    def phone(self, number: str, script: Script) -> None:
        """From now on `script` answers calls to `number`."""
        self._phones[number] = script

    def later(self, action: Callable[[], object]) -> None:
        """After a little while, as networks take it."""
        at = self.clock.now() + self.chance.uniform(0.001, 0.05)
        self.clock.call_at(at, lambda: (action(), None)[1])

    def message(self, action: Callable[[], object]) -> None:
        """The same for a SIP message, which `lost` concerns."""
        if not self.lost:
            self.later(action)
            return
        at, again = self.clock.now() + self.chance.uniform(0.001, 0.05), FIRST_AGAIN_SECONDS
        while self.chance.random() < self.lost and again < LAST_AGAIN_SECONDS:
            at += again
            again *= 2
        self.clock.call_at(at, lambda: (action(), None)[1])
        if self.chance.random() < self.lost:
            self.clock.call_at(at + again, lambda: (action(), None)[1])

    def ring(
        self,
        called: str,
        caller: str | None,
        *,
        trunk: str = "trunk",
        name: str | None = None,
        hidden: bool = False,
        diverted_by: str | None = None,
        verification: str | None = None,
        acknowledges: bool = True,
        hang_up_after: float | None = None,
        no_room: bool = False,
    ) -> Ring:
        """Somebody rings an access number. `no_room`: so many do at once that the engine itself
        rejects the call."""
        now = self.clock.now()
        form = E164 if self.engine is None else self.engine.caller_form(trunk)
        calling = HIDDEN if hidden or caller is None else read_calling(caller, form)
        trigger = Trigger(trunk, called, calling, name, diverted_by, verification, now, no_room)
        ring = Ring(self, f"ring-{len(self.rings)}", trigger, acknowledges)
        self.rings[ring.id] = ring
        if self.engine is not None:
            self.engine.take(ring)
        if hang_up_after is not None:
            self.clock.call_at(now + hang_up_after, ring.hang_up)
        return ring

    def dialled(self, call: FarCall) -> None:
        """A call of the server's arrives at its phone: once, and not after its CANCEL."""
        if call.id in self.calls:
            return
        self.calls[call.id] = call
        if call.ended is not None:
            return
        if call.trunk in self.silent_trunks:
            call.ended = self.clock.now()  # it never came to any phone
            return
        if call.trunk in self.failing_trunks:
            call.reject(Cause.FAILED)
            return
        script = self._phones.get(call.number)
        if script is None:
            call.reject(Cause.UNALLOCATED)
            return
        task = asyncio.get_running_loop().create_task(self._play(script, call))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _play(self, script: Script, call: FarCall) -> None:
        await script(call)

    def live(self) -> list[FarCall]:
        """The calls that are up, or ring."""
        calls = (call for call in self.calls.values() if call.ended is None)
        return [call for call in calls if call.answered is not None or call.vanished is None]
