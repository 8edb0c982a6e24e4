"""A session: its facts, and its course so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from ringback.accounts.callback import CallbackSetup
from ringback.accounts.tree import CallerIdFacts, ExtensionFacts
from ringback.calls.chronicle import Chronicle
from ringback.calls.events import Happening
from ringback.calls.outcome import Outcome, Stage
from ringback.clock import Instant
from ringback.telephony.calling import CallingNumber


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a session came from."""

    access_number: str | None
    calling: CallingNumber
    """The triggering number."""
    caller_name: str | None
    destination: str | None
    """A number to dial without asking."""
    started: Instant

    @property
    def leads_on(self) -> bool:
        """The access number leads to `destination`, and the session ends with that call."""
        return self.access_number is not None and self.destination is not None

    @property
    def caller(self) -> str | None:
        """The triggering number, E.164; None when hidden or no number."""
        return self.calling.e164


@dataclass(slots=True)
class Course:
    """What has happened to a session so far."""

    stage: Stage = Stage.RETURN

    due: Instant = 0.0
    """When the return call is dialled next."""
    attempts: int = 0
    """Return calls that counted against `attempts` of the setup."""
    triggered_again: Instant | None = None
    """When the latest further trigger of the same number ended, if that moves the return call."""
    undialled: list[str] = field(default_factory=list)
    """Attempts whose commit failed, and may have been kept all the same."""

    met: Outcome = Outcome.FAILED
    """What the last attempt that nobody answered met."""

    answered: bool = False
    """The return call was answered once, if only late: it is never made again."""
    triggering: CallerIdFacts | None = None
    """The authorized callerID whose number triggered, where the mode counts it."""
    identified: CallerIdFacts | None = None
    pin_given: bool = False
    accepted: bool | None = None
    """Whether a person accepted or authenticated on the return call; None before an answer."""

    numbers_dialled: int = 0
    last_number: str | None = None
    """E.164 of the last number dialled in this session."""
    talked: bool = False
    """A leg B was answered, whatever came after."""
    cut_off: bool = False
    """Ringback ended the conversation that was the last."""
    fault: Outcome | None = None
    """The last of what kept the caller from a conversation."""

    hung_up: bool = False
    """The caller left."""
    ended_by_order: bool = False
    """By panel, API or shutdown."""
    interrupted: bool = False
    """Media or session refresh lost."""


@dataclass(slots=True)
class CallbackSession:
    """One callback session, from its accepted request on."""

    id: str
    origin: Origin
    return_number: str
    """E.164."""
    extension: ExtensionFacts
    """As it was when the decision was taken last."""
    course: Course
    chronicle: Chronicle

    @property
    def setup(self) -> CallbackSetup:
        return self.extension.setup

    @property
    def payer_id(self) -> str | None:
        """The callerID on whose credit calls are made now."""
        return None if self.course.identified is None else self.course.identified.id

    def tell(self, happening: Happening) -> None:
        self.chronicle.tell(happening)


def outcome_of(course: Course) -> Outcome:
    """The outcome of a session whose return call was answered: the first that fits (spec
    section 4, "Outcome", 4 to 6)."""
    if course.ended_by_order:
        return Outcome.ENDED
    if course.interrupted:
        return Outcome.INTERRUPTED
    if course.talked:
        return Outcome.CUT_OFF if course.cut_off else Outcome.COMPLETED
    if course.fault is not None:
        return course.fault
    return Outcome.HUNG_UP if course.hung_up else Outcome.NO_NUMBER_DIALLED
