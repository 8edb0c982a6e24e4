"""The telephony port: what a call can do, and what can happen to it.

The code that uses this module knows nothing of SIP, ARI, sockets or codecs. Three rules hold for
every engine, and the contract tests in `tests/contract` check them:

* A verb returns at once, and never raises because of what the far end or the network does; its
  result arrives later as an event. A verb on a leg that has ended does nothing.
* Events of one leg arrive in order, on the event loop, and never from within a verb.
* `Ended` comes exactly once, whatever happens, and is the last event of a leg; only `AnsweredLate`
  may follow it, once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ringback.clock import Instant
from ringback.telephony.calling import CallingNumber

NO_RESPONSE_SECONDS = 4.0
"""Seconds. A trunk that sends no provisional response for this long has failed for the call (spec
section 5)."""

ROOM_SECONDS = 2.0
"""How long an engine waits for room for a further call: a media worker may just be starting again,
or many calls may begin at once."""

SILENCE_SECONDS = 60.0
"""A leg that has sent neither RTP nor RTCP for this long, and is not on hold, gets a session
refresh, to see whether it is still there (spec section 4, step 9)."""

LONGEST_SILENCE_SECONDS = 600.0
"""After this much silence a leg is gone, even if it answers the session refresh."""


class Rejection(StrEnum):
    """How a trigger call is rejected. Each engine expresses it in its own signalling."""

    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    DECLINED = "declined"
    UNKNOWN_NUMBER = "unknown_number"  # nothing here has the number that was called
    OUT_OF_SERVICE = "out_of_service"  # Ringback can take no calls at present


class Cause(StrEnum):
    """Why a leg ended, in the words of the spec (section 5, "Trunks")."""

    NORMAL = "normal"  # an answered leg: one side hung up
    CANCELLED = "cancelled"  # an unanswered leg: the side that called withdrew it
    LIMIT = "limit"  # an answered leg: the engine ended it at its limit
    LOST = "lost"  # an answered leg: its far end, or what carried its sound, is gone
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
    """The engine's own number for the ending, for records only; None if it has none."""
    trunk_failed: bool = False
    """The trunk never let the call ring, so another may be tried (spec section 5)."""
    by_us: bool = False
    """Ringback ended the leg, and not the far end."""


# Events


@dataclass(frozen=True, slots=True)
class Ringing:
    """The far end rings. Comes once."""


@dataclass(frozen=True, slots=True)
class EarlyMedia:
    """The first valid audio packet has come from a leg that is not answered yet. Comes once."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The far end has answered, at `at`."""

    at: Instant


@dataclass(frozen=True, slots=True)
class Digit:
    """A key was pressed on an answered leg: 0-9, *, #, A-D."""

    digit: str
    at: Instant


@dataclass(frozen=True, slots=True)
class PlaybackFinished:
    """A playback has reached its end (and was not stopped, replaced or cut by the leg's end)."""

    playback: int


@dataclass(frozen=True, slots=True)
class CallerGone:
    """The caller hung up a trigger call before it was rejected."""

    at: Instant


@dataclass(frozen=True, slots=True)
class Ended:
    """The leg is over.

    `at` is where its time ends for charging: when a side hung up or, if the far end was lost, when
    it was last known to be alive. For a trigger call, `proven` says that its source address was not
    forged.
    """

    ending: Ending
    at: Instant
    proven: bool = False


@dataclass(frozen=True, slots=True)
class AnsweredLate:
    """The far end of a call that the engine had given up has answered, at `at`. The engine
    acknowledges the answer and ends the call; the carrier charges it."""

    at: Instant


Event = (
    Ringing | EarlyMedia | Answered | Digit | PlaybackFinished | CallerGone | Ended | AnsweredLate
)


class Leg(Protocol):
    """What trigger calls, return calls and outgoing calls have in common."""

    def saved(self) -> str:
        """What `Engine.resume` needs to end this leg after a crash: printable text that says which
        engine and node wrote it.

        Its content grows. For a call leg it describes the attempt before `dial`, and the dialog
        after `Answered`; for a trigger leg it includes the rejection once that is decided. Store it
        before the event that it would end can matter.
        """
        ...


Listener = Callable[["Leg", Event], None]
"""Called with a leg's events. It must not block."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """What a trigger call says of itself. None of its texts can be trusted."""

    trunk: str
    called: str
    """The number called, as received, taken from where the trunk says (spec section 4, step 1)."""
    calling: CallingNumber
    """The caller's number."""
    caller_name: str | None
    diverted_by: str | None
    """The number that diverted the call here, as received."""
    verification: str | None
    """The carrier's word on this very number, taken only from a trusted trunk: "passed", "failed"
    or another word."""
    at: Instant
    """When the call arrived."""
    rejected: bool = False
    """There were so many triggers at once that the engine has rejected the call before it rang;
    its source is proven."""

    @property
    def caller(self) -> str | None:
        """The caller's number, E.164; None where it was hidden or cannot be read."""
        return self.calling.e164

    @property
    def hidden(self) -> bool:
        """The caller gave no number, or asked for privacy (`id` or `user`)."""
        return self.calling.hidden


class TriggerLeg(Leg, Protocol):
    """A trigger call: it rings and is rejected. It can never be answered.

    One that the engine had to reject itself (`Trigger.rejected`) is over for its caller: the verbs
    do nothing, and `Ended` (`proven`) follows at once.
    """

    @property
    def trigger(self) -> Trigger: ...

    def listen(self, listener: Listener) -> None:
        """Send the leg's events (CallerGone, Ended) to `listener`."""
        ...

    def ring(self) -> None:
        """Let the caller hear ringing."""
        ...

    def prepare_rejection(self, rejection: Rejection) -> str:
        """Decide how to reject the call without rejecting it yet, and return `saved()` with that
        decision, so that it can be stored first, and the rejection sent again after a crash."""
        ...

    def reject(self, rejection: Rejection) -> None:
        """End the call unanswered.

        `Ended` follows when the caller has confirmed it (`proven`), or after 32 s if the caller has
        not. After CallerGone the call is over for its caller: `reject` then does nothing, and
        `Ended` comes all the same.
        """
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """The callerID that an outgoing leg shows. No number: anonymous."""

    number: str | None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A call to make through one trunk."""

    trunk: str
    number: str
    """The number in the form that the trunk wants."""
    shown: Shown


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording to play."""

    name: str
    """The name by which the engine finds it: `en/pin` is one of the built-in voice, a name without
    a slash one that an owner uploaded."""
    seconds: float
    words: str
    """The words that it says."""


class CallLeg(Leg, Protocol):
    """A call that Ringback makes: a return call or an outgoing call."""

    def dial(self) -> None:
        """Begin the call.

        If no provisional response comes for NO_RESPONSE_SECONDS, the engine itself gives the call
        up, with `trunk_failed`; if an answer comes later, it is ended, and `AnsweredLate`
        reports it. It is up to the user of the leg how long it may ring: `hang_up`.
        """
        ...

    def confirm(self) -> None:
        """The answer is stored. Before this, the engine makes the far end go on answering, as far
        as it can, so that a crash does not leave a call that nobody knows of."""
        ...

    def play(self, sounds: Sequence[Sound], *, loop: bool = False) -> int:
        """Play sounds one after the other without a gap, instead of what was playing.

        While the leg is bridged, they replace the other leg's audio until they are over. Returns
        the number by which PlaybackFinished names this playback. A sound that cannot be played is
        skipped and reported in the log.
        """
        ...

    def stop(self) -> None:
        """Stop what is playing."""
        ...

    def send_digits(self, digits: str) -> None:
        """Send keys to the far end, one after the other, in the form that was negotiated with
        it."""
        ...

    def bridge(self, other: CallLeg, *, early: bool = False) -> None:
        """Join the audio of two legs. `early`: only from `other` to this leg, for the sound that a
        called party's network sends before the answer."""
        ...

    def unbridge(self) -> None:
        """Part this leg from the one it is bridged with."""
        ...

    def limit(self, at: Instant | None) -> None:
        """Set the instant at which the media worker itself ends the leg, unless it is moved, so
        that a call does not go on uncharged when the server is dead. None: no limit."""
        ...

    def hang_up(self) -> None:
        """End the leg: withdraw it before an answer, hang up after it.

        Before an answer, `Ended` (CANCELLED) follows when the far end has confirmed, or (FAILED)
        after 32 s. If an answer crosses the withdrawal, `Answered` and then `Ended` follow: it is
        charged, since the carrier charges for it.
        """
        ...


class NoRoom(Exception):
    """The engine can carry no further call at present; the message says why."""


class Engine(Protocol):
    """What carries the calls."""

    @property
    def proves_sources(self) -> bool:
        """Whether the engine learns that a trigger call came from where it says (`Ended.proven`).
        If not, no trigger is ever proven."""
        ...

    async def start(self, on_trigger: Callable[[TriggerLeg], None]) -> None:
        """Begin to take calls, and to allow making them."""
        ...

    def usable(self, trunk: str) -> bool:
        """Whether the trunk is up and has a free channel, so that it is worth trying."""
        ...

    def trunk_states(self) -> Mapping[str, str]:
        """For each trunk by name, why it is not up; an empty text if it is up."""
        ...

    async def prepare(
        self, order: Order, listener: Listener, bridges_with: CallLeg | None = None
    ) -> CallLeg:
        """Make a call leg that has its identifiers but has not sent anything. `bridges_with` is the
        leg that it may be bridged with later. Waits if there is no room, and raises NoRoom after
        ROOM_SECONDS."""
        ...

    def resume(self, text: str, listener: Listener) -> None:
        """After a crash, bring to its end what `Leg.saved` described before it: send a rejection
        again and wait for its proof; withdraw an unanswered attempt, and hang it up if it answers;
        hang up an answered leg. `Ended` follows; NORMAL says that the far end had answered.

        Never raises: if `text` cannot be read, or another engine wrote it, that is reported in a
        line, and the leg ends (FAILED) at once.
        """
        ...

    async def close(self) -> None:
        """End every leg that is left, and release all resources."""
        ...
