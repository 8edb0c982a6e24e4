"""What happens to a trigger call and its request."""

from __future__ import annotations

from dataclasses import dataclass

from ringback.accounts.standing import OutOfUse
from ringback.calls.events.happening import Happening
from ringback.calls.events.mending import mended, without_numbers
from ringback.calls.outcome import Outcome
from ringback.guards.reached import Reached


@dataclass(frozen=True, slots=True)
class Triggered(Happening):
    """A caller rang an access number. `caller` is None where the number was hidden or is none;
    what came in place of a number is `caller_received`."""

    type = "trigger"
    words = "trigger"
    caller_hears = "ringing"
    caller: str | None
    called: str
    caller_received: str | None = None

    def crowd(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class Abandoned(Happening):
    """The caller hung up before the trigger counted."""

    type = "trigger_abandoned"
    rang_seconds: float
    ring_seconds: int
    trunk: str

    def told(self) -> str:
        return (
            f"abandoned: hung up after {self.rang_seconds:.1f} s, before ring_seconds = "
            f"{self.ring_seconds}: see early_hangup"
        )

    def alike(self) -> tuple[str, ...]:
        return (self.type, self.trunk)


@dataclass(frozen=True, slots=True)
class Unproven(Happening):
    """No ACK came to the rejection."""

    type = "trigger_unproven"
    words = (
        "abandoned: no ACK to the rejection, so the source may be forged: if it is the trunk, see "
        "that its ACK reaches this server: [sip] advertise, and firewalls"
    )
    trunk: str | None
    """None after a restart."""

    def alike(self) -> tuple[str, ...]:
        return (self.type, self.trunk or "")


@dataclass(frozen=True, slots=True)
class TriggerRefused(Happening):
    """Nobody is called back."""

    type = "trigger_refused"
    caller_hears = "the rejection"
    outcome: Outcome
    reason: str
    trunk: str | None = None
    """None where it came by no trunk, but by order."""

    def told(self) -> str:
        return f"refused: {mended(self.outcome, self.reason)}"

    def alike(self) -> tuple[str, ...] | None:
        kind = without_numbers(self.reason)
        return None if self.trunk is None else (self.type, self.trunk, self.outcome, kind)


@dataclass(frozen=True, slots=True)
class GuardReached(Happening):
    """A guard has refused a call. Whoever sees less than `kind` and `of` say must not be told."""

    type = "guard.reached"
    guard: str
    """Its name in a setup or in the configuration."""
    kind: str
    """`callerID`, `extension` or `account`; `server`: it holds for one return number everywhere."""
    of: str
    """The id of whom it is set for; of the server the return number."""
    name: str
    used: str
    limit: str

    @classmethod
    def by(cls, reached: Reached) -> GuardReached:
        return cls(
            reached.guard,
            reached.kind,
            reached.subject_id,
            reached.name,
            reached.used,
            reached.limit,
        )

    def told(self) -> str:
        return (
            f"guard reached: {self.guard} of {self.kind} {self.name}, {self.used} of {self.limit}"
        )

    def alike(self) -> tuple[str, ...]:
        return (self.type, self.guard, self.kind, without_numbers(self.name))


@dataclass(frozen=True, slots=True)
class FoundOutOfUse(Happening):
    """An account, an extension or a callerID may not be used any more: the session ends; or an
    account may not, and a call is refused. Whoever sees less than `kind` and `of` say must not be
    told."""

    type = "out_of_use"
    kind: str
    """`callerID`, `extension` or `account`."""
    of: str
    """Its id."""
    name: str
    why: str
    """Such as `is suspended`."""

    @classmethod
    def by(cls, found: OutOfUse) -> FoundOutOfUse:
        return cls(found.kind, found.id, found.name, found.why)

    def told(self) -> str:
        return f"out of use: {self.kind} {self.name} {self.why}"

    def alike(self) -> tuple[str, ...]:
        return (self.type, self.kind, self.of)


@dataclass(frozen=True, slots=True)
class EndOrdered(Happening):
    """Somebody wants the session ended."""

    type = "end_ordered"
    by: str

    def told(self) -> str:
        return f"ended by {self.by}"


@dataclass(frozen=True, slots=True)
class RequestAccepted(Happening):
    """The request is stored: its number will be called back."""

    type = "accepted"
    words = "accepted"
    caller_hears = "the rejection"
    return_number: str

    def crowd(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class TakenUp(Happening):
    """A request from before a restart goes on."""

    type = "taken_up"
    words = "taken up after a restart"
    number: str
