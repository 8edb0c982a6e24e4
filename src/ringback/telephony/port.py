"""The telephony port: what a call can do and what can happen to it.

Nothing that imports this module knows SIP, ARI, sockets or codecs. Three rules hold for every
engine, and the contract tests in `tests/contract` hold each engine to them:

* A verb returns at once and never raises because of what the far end or the network does; what
  comes of it arrives later as an event. A verb on a leg that has ended does nothing.
* Events of one leg arrive in order, on the event loop, never from within a verb.
* `Ended` comes exactly once, whatever happened, and is the last event of a leg; only `AnsweredLate`
  may follow it, once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ringback.clock import Instant

NO_RESPONSE_SECONDS = 4.0
"""A trunk that has sent no provisional answer for so long has failed for the call (spec 5)."""

ROOM_SECONDS = 2.0
"""For so long an engine waits for room for a further call: what carries sound is being started
again, or many calls begin at once."""

SILENCE_SECONDS = 60.0
"""A leg that has sent neither RTP nor RTCP for so long, and is not on hold, is asked with a
session refresh (spec section 4, step 9)."""

LONGEST_SILENCE_SECONDS = 600.0
"""After so much silence a leg is gone, whatever it answers to a session refresh."""


class Rejection(StrEnum):
    """How a trigger call is rejected. Each engine says it in its own signalling."""

    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    DECLINED = "declined"
    UNKNOWN_NUMBER = "unknown_number"  # nothing here has the number called
    OUT_OF_SERVICE = "out_of_service"  # Ringback can take no call just now


class Cause(StrEnum):
    """Why a leg ended, in the words of the spec (section 5, "Trunks")."""

    NORMAL = "normal"  # an answered leg: one side hung up
    CANCELLED = "cancelled"  # an unanswered leg: withdrawn by whoever called
    LIMIT = "limit"  # an answered leg: the engine ended it at its limit
    LOST = "lost"  # an answered leg: its far end is gone, or what carried its sound
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    UNALLOCATED = "unallocated"
    FAILED = "failed"  # a network fault


@dataclass(frozen=True, slots=True)
class Ending:
    """How a leg ended."""

    cause: Cause
    code: int | None = None
    """The engine's own number for it, for records only; None where it has none."""
    trunk_failed: bool = False
    """Another trunk may be tried: this one never let the call ring (spec section 5)."""
    by_us: bool = False
    """Ringback ended the leg, not the far end."""


# Events


@dataclass(frozen=True, slots=True)
class Ringing:
    """The far end rings. Sent once."""


@dataclass(frozen=True, slots=True)
class EarlyMedia:
    """The first valid audio packet has come from a leg not yet answered. Sent once."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The far end has answered, at `at`."""

    at: Instant


@dataclass(frozen=True, slots=True)
class Digit:
    """One key pressed on a leg that is answered: 0-9, *, #, A-D."""

    digit: str
    at: Instant


@dataclass(frozen=True, slots=True)
class PlaybackFinished:
    """A playback came to its own end (not when stopped, replaced or cut by the leg's end)."""

    playback: int


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller of a trigger call hung up before it was rejected."""

    at: Instant


@dataclass(frozen=True, slots=True)
class Ended:
    """The leg is over.

    `at` is where its time ends for charging: when either side hung up, or, when the far end was
    lost, when it was last known alive. For a trigger call `proven` says that its source address
    was not forged.
    """

    ending: Ending
    at: Instant
    proven: bool = False


@dataclass(frozen=True, slots=True)
class AnsweredLate:
    """The far end of a call that the engine had given up has answered, at `at`. The answer is
    acknowledged and ended by the engine; the carrier charges it."""

    at: Instant


Event = (
    Ringing | EarlyMedia | Answered | Digit | PlaybackFinished | CallerGone | Ended | AnsweredLate
)


class Leg(Protocol):
    """What trigger calls, return calls and outgoing calls have in common."""

    def saved(self) -> str:
        """What `Engine.resume` needs to end this leg after a crash, as printable text that says
        which engine and node wrote it.

        It grows: of a call leg it names the attempt before `dial` and the dialog after
        `Answered`; of a trigger leg it holds the rejection once `reject` has been decided.
        Store it before what it ends can matter.
        """
        ...


Listener = Callable[["Leg", Event], None]
"""Where a leg's events go. It must not block."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a trigger call says of itself. Every text in it is untrusted."""

    trunk: str
    called: str
    """The number called, as received, from where the trunk says (spec section 4, step 1)."""
    caller: str | None
    """The caller's number, as received; None when absent, anonymous or no number."""
    caller_name: str | None
    hidden: bool
    """The caller asked for privacy (`id` or `user`), or there is no number."""
    diverted_by: str | None
    """The number that diverted the call here, as received."""
    verification: str | None
    """The carrier's `verstat`, only from a trusted trunk: "passed", "failed" or another word."""
    at: Instant
    """When the call arrived."""


class TriggerLeg(Leg, Protocol):
    """A trigger call: rings, and is rejected. It can never be answered."""

    @property
    def trigger(self) -> Trigger: ...

    def listen(self, listener: Listener) -> None:
        """Send the leg's events (CallerGone, Ended) to `listener`."""
        ...

    def ring(self) -> None:
        """Let the caller hear ringing."""
        ...

    def prepare_rejection(self, rejection: Rejection) -> str:
        """Decide the rejection without sending it, and return `saved()` with it, so that it can
        be stored first and sent again after a crash."""
        ...

    def reject(self, rejection: Rejection) -> None:
        """End the call unanswered.

        `Ended` follows when the caller has confirmed it (`proven`), or after 32 s without. After
        CallerGone the call is over for its caller; `reject` then does nothing, and `Ended` comes
        in the same way.
        """
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """The callerID an outgoing leg shows. No number: anonymous."""

    number: str | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A call to make through one trunk."""

    trunk: str
    number: str
    """The number in the form the trunk wants."""
    shown: Shown


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording to play."""

    name: str
    """By which the engine finds it: `en/pin` is of the built-in voice, a name without a slash of
    those that owners uploaded."""
    seconds: float
    words: str
    """What it says."""


class CallLeg(Leg, Protocol):
    """A call that Ringback makes: a return call or an outgoing call."""

    def dial(self) -> None:
        """Begin the call.

        The engine gives the call up by itself, with `trunk_failed`, when no provisional answer
        has come for NO_RESPONSE_SECONDS; should an answer come then, `AnsweredLate` tells of it.
        How long it may ring is the caller's business: `hang_up`.
        """
        ...

    def confirm(self) -> None:
        """The answer is stored. Until then the far end is to go on answering, as far as the
        engine can make it, so that a crash before does not leave a call that nobody knows of."""
        ...

    def play(self, sounds: Sequence[Sound], *, loop: bool = False) -> int:
        """Play sounds one after the other without a gap, in place of what was playing.

        While the leg is bridged they replace the other leg's audio for as long as they last.
        Returns the number by which PlaybackFinished names this playback. A sound that cannot be
        played is skipped and reported in the log.
        """
        ...

    def stop(self) -> None:
        """Stop what is playing."""
        ...

    def send_digits(self, digits: str) -> None:
        """Send keys to the far end in the form negotiated with it, paced."""
        ...

    def bridge(self, other: CallLeg, *, early: bool = False) -> None:
        """Join the audio of two legs. `early`: from `other` to this leg only, for the sound a
        called party's network sends before the answer."""
        ...

    def unbridge(self) -> None:
        """Part this leg from the one it is bridged with."""
        ...

    def limit(self, at: Instant | None) -> None:
        """The instant at which whoever carries the leg ends it by itself unless it is moved, so
        that a dead controller leaves no free call. None: no limit."""
        ...

    def hang_up(self) -> None:
        """End the leg: withdraw it before an answer, hang up after it.

        Before an answer `Ended` (CANCELLED) follows when the far end has confirmed, or (FAILED)
        after 32 s. An answer that crosses the withdrawal gives `Answered`, then `Ended`: it is
        charged, since the carrier does.
        """
        ...


class NoRoom(Exception):
    """The engine can carry no further call just now; the message says why."""


class Engine(Protocol):
    """What carries the calls."""

    @property
    def proves_sources(self) -> bool:
        """Whether it learns that a trigger call came from where it says (`Ended.proven`). Where it
        cannot, no trigger is ever proven."""
        ...

    async def start(self, on_trigger: Callable[[TriggerLeg], None]) -> None:
        """Begin to take and make calls."""
        ...

    def usable(self, trunk: str) -> bool:
        """Whether the trunk is up and has a free channel, so that it is worth trying."""
        ...

    def trunk_states(self) -> Mapping[str, str]:
        """By the name of each trunk why it is not up; empty for one that is."""
        ...

    async def prepare(
        self, order: Order, listener: Listener, bridges_with: CallLeg | None = None
    ) -> CallLeg:
        """A call leg that has its identifiers but has sent nothing yet. `bridges_with` is the leg
        that it may be bridged with later. Waits for room where there is none; raises NoRoom after
        ROOM_SECONDS."""
        ...

    def resume(self, text: str, listener: Listener) -> None:
        """After a crash, bring to its end what `Leg.saved` described before it: a rejection is
        sent again and its proof awaited, an unanswered attempt is withdrawn (and hung up should it
        answer), an answered leg is hung up. `Ended` follows: NORMAL says that the far end had
        answered.

        Never raises: a `text` that cannot be read, or that another engine wrote, is reported in
        a line, and the leg ends (FAILED) at once."""
        ...

    async def close(self) -> None:
        """End every leg that is left and release what is held."""
        ...
