"""A trigger call that was rejected for want of room (spec section 5, "Floods"): nothing was kept of
it here until its ACK brought back what it said of itself."""

from __future__ import annotations

import json
from dataclasses import fields, replace

from ringback.clock import Instant
from ringback.engines.embedded.switchboard import Switchboard
from ringback.engines.embedded.trunks import TrunkState
from ringback.telephony import port
from ringback.telephony.port import Cause, Ending, Listener, Rejection, Trigger

_LONGEST_NUMBER = 64
"""No access number has more characters: the rest of what stands in its place is not needed."""
_FACTS = [field.name for field in fields(Trigger) if field.name not in ("at", "rejected")]


def write_facts(trigger: Trigger) -> bytes:
    """What is to be known of a trigger later, in few bytes. It says nothing of the time, so that
    the same trigger has the same facts when it is repeated."""
    diverted_by = trigger.diverted_by
    short = replace(
        trigger,
        called=trigger.called[:_LONGEST_NUMBER],
        diverted_by=None if diverted_by is None else diverted_by[:_LONGEST_NUMBER],
    )
    return json.dumps(
        [getattr(short, name) for name in _FACTS], ensure_ascii=False, separators=(",", ":")
    ).encode("utf-8", "surrogatepass")


def read_facts(written: bytes, now: Instant) -> Trigger:
    """The trigger, which has been rejected and is proven `now`."""
    facts = json.loads(written.decode("utf-8", "surrogatepass"))
    return Trigger(**dict(zip(_FACTS, facts, strict=True)), at=now, rejected=True)


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
