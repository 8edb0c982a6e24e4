"""A trigger call that was rejected for want of room (spec section 5, "Floods"): nothing was kept of
it here until its ACK brought back what it said of itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, is_dataclass, replace
from typing import Any, TypeVar, get_type_hints

from ringback.clock import Instant
from ringback.engines.embedded.switchboard import Switchboard
from ringback.engines.embedded.trunks import TrunkState
from ringback.telephony import port
from ringback.telephony.port import Cause, Ending, Listener, Rejection, Trigger

T = TypeVar("T")

_LONGEST_NUMBER = 64
"""No access number has more characters: the rest of what stands in its place is not needed."""


def write_facts(trigger: Trigger) -> bytes:
    """What is to be known of a trigger later, in few bytes. It says nothing of the time, so that
    the same trigger has the same facts when it is repeated."""
    diverted_by = trigger.diverted_by
    short = replace(
        trigger,
        called=trigger.called[:_LONGEST_NUMBER],
        diverted_by=None if diverted_by is None else diverted_by[:_LONGEST_NUMBER],
        at=0.0,
        rejected=True,
    )
    written = json.dumps(astuple(short), ensure_ascii=False, separators=(",", ":"))
    return written.encode("utf-8", "surrogatepass")


def read_facts(written: bytes, now: Instant) -> Trigger:
    """The trigger, which has been rejected and is proven `now`."""
    return replace(_rebuilt(Trigger, json.loads(written.decode("utf-8", "surrogatepass"))), at=now)


def _rebuilt(kind: type[T], values: Sequence[Any]) -> T:
    """A dataclass from what `astuple` made of it."""
    return kind(
        *(
            _rebuilt(hint, value)
            if isinstance(hint, type) and is_dataclass(hint)
            else tuple(value)
            if isinstance(value, list)
            else value
            for hint, value in zip(get_type_hints(kind).values(), values, strict=True)
        )
    )


class RejectedLeg:
    """See `ringback.telephony.port.TriggerLeg`."""

    def __init__(self, board: Switchboard, trunk: TrunkState, trigger: Trigger) -> None:
        self._trigger = trigger
        self._listener: Listener = lambda leg, event: None
        self._trunk = trunk
        trunk.leg_began()
        at = board.now()
        board.soon(lambda: self._end(at))

    @property
    def trigger(self) -> Trigger:
        return self._trigger

    def listen(self, listener: Listener) -> None:
        self._listener = listener

    def saved(self) -> str:
        return ""

    def ring(self) -> None:
        """It is over."""

    def prepare_rejection(self, rejection: Rejection) -> str:
        return ""

    def reject(self, rejection: Rejection) -> None:
        """It was rejected."""

    def _end(self, at: Instant) -> None:
        self._trunk.leg_ended()
        ending = Ending(Cause.REJECTED, by_us=True)
        self._listener(self, port.Ended(ending, at, proven=True))
