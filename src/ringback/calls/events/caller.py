"""What happens with the caller on leg A."""

from __future__ import annotations

from dataclasses import dataclass

from ringback.calls.events.happening import Happening


@dataclass(frozen=True, slots=True)
class Prompted(Happening):
    """The caller is told something."""

    type = "prompt"
    words = "prompt"
    logged = False
    prompt: str

    def heard_by_caller(self) -> str:
        return self.prompt


@dataclass(frozen=True, slots=True)
class NotAccepted(Happening):
    """Nobody pressed 1 to take the call."""

    type = "not_accepted"
    words = "not accepted"


@dataclass(frozen=True, slots=True)
class EntryRefused(Happening):
    """A password or PIN was wrong, empty or locked."""

    type = "entry_refused"
    words = "entry refused"
    reason: str


@dataclass(frozen=True, slots=True)
class Authenticated(Happening):
    """The caller may go on; `caller_id` is None where nobody was identified."""

    type = "authenticated"
    caller_id: str | None

    def told(self) -> str:
        return "accepted" if self.caller_id is None else "authenticated"


@dataclass(frozen=True, slots=True)
class LegAUnpaid(Happening):
    """Whoever was identified cannot pay leg A."""

    type = "leg_a_unpaid"
    words = "leg A cannot be paid"
    reason: str


@dataclass(frozen=True, slots=True)
class CreditTold(Happening):
    """The caller hears the credit."""

    type = "credit_told"
    words = "credit told"
    credit: str


@dataclass(frozen=True, slots=True)
class NoNumberDialled(Happening):
    """`dial_within_seconds` ran out."""

    type = "no_number_dialled"
    words = "no number dialled in time"


@dataclass(frozen=True, slots=True)
class NumberImpossible(Happening):
    """What was typed is no number. It is not named: it may have been a PIN."""

    type = "number_impossible"
    country: str

    def told(self) -> str:
        return f"number refused: none that can be dialled in {self.country}"


@dataclass(frozen=True, slots=True)
class NumberRefused(Happening):
    """A number may not be called, or nobody can pay for it."""

    type = "number_refused"
    words = "number refused"
    number: str
    reason: str
