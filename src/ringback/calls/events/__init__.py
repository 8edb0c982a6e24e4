"""What happens in a session, a type for each kind (spec section 9, "Events").

The log line, the demo's timeline, the records and the tests are made of these. Each says what each
side hears from then on. None has a place for a digit, a PIN or a password (spec section 8).
"""

from __future__ import annotations

from ringback.calls.events.caller import (
    Authenticated,
    CreditTold,
    EntryRefused,
    LegAUnpaid,
    NoNumberDialled,
    NotAccepted,
    NumberImpossible,
    NumberRefused,
    Prompted,
)
from ringback.calls.events.happening import Happening, SessionEvent
from ringback.calls.events.outgoing import (
    AnswerUnfunded,
    CutOff,
    DurationTold,
    EarlySound,
    OutgoingDialled,
    OutgoingEnded,
    ReturnUnfunded,
    SessionEnded,
    Talking,
    Warned,
)
from ringback.calls.events.returning import (
    CallNotMade,
    LateAnswer,
    LateAnswerUnpaid,
    NotAnswered,
    Rang,
    ReturnAgain,
    ReturnAnswered,
    ReturnDialled,
    ReturnRefused,
)
from ringback.calls.events.trigger import (
    Abandoned,
    EndOrdered,
    FoundOutOfUse,
    GuardReached,
    RequestAccepted,
    TakenUp,
    Triggered,
    TriggerRefused,
    Unproven,
)

__all__ = [
    "Abandoned",
    "AnswerUnfunded",
    "Authenticated",
    "CallNotMade",
    "CreditTold",
    "CutOff",
    "DurationTold",
    "EarlySound",
    "EndOrdered",
    "EntryRefused",
    "FoundOutOfUse",
    "GuardReached",
    "Happening",
    "LateAnswer",
    "LateAnswerUnpaid",
    "LegAUnpaid",
    "NoNumberDialled",
    "NotAccepted",
    "NotAnswered",
    "NumberImpossible",
    "NumberRefused",
    "OutgoingDialled",
    "OutgoingEnded",
    "Prompted",
    "Rang",
    "RequestAccepted",
    "ReturnAgain",
    "ReturnAnswered",
    "ReturnDialled",
    "ReturnRefused",
    "ReturnUnfunded",
    "SessionEnded",
    "SessionEvent",
    "TakenUp",
    "Talking",
    "TriggerRefused",
    "Triggered",
    "Unproven",
    "Warned",
]
