"""A trigger call that was rejected for want of room (spec section 5, "Floods"): nothing was kept of
it here until its ACK brought back what it said of itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple, fields, is_dataclass
from typing import Any, get_type_hints

from ringback.clock import Instant
from ringback.engines.embedded.switchboard import Switchboard
from ringback.engines.embedded.trunks import TrunkState
from ringback.telephony import port
from ringback.telephony.port import Cause, Ending, Listener, Rejection, Trigger

_LONGEST = 64
"""No number has more characters: the rest of what stands in its place is not needed."""
_NUMBERS = ("called", "diverted_by")
_FACTS = [field.name for field in fields(Trigger) if field.name not in ("at", "rejected")]


def write_facts(trigger: Trigger) -> bytes:
    """What is to be known of a trigger later, in few bytes. It says nothing of the time, so that
    the same trigger has the same facts when it is repeated."""
    values = [
        value[:_LONGEST] if name in _NUMBERS and isinstance(value, str) else value
        for name in _FACTS
        for value in (getattr(trigger, name),)
    ]
    written = json.dumps(values, ensure_ascii=False, separators=(",", ":"), default=astuple)
    return written.encode("utf-8", "surrogatepass")


def read_facts(written: bytes, now: Instant) -> Trigger:
    """The trigger, which has been rejected and is proven `now`."""
    values = json.loads(written.decode("utf-8", "surrogatepass"))
    facts = dict(zip(_FACTS, _read(Trigger, _FACTS, values), strict=True))
    return Trigger(**facts, at=now, rejected=True)


def _read(kind: type, names: Sequence[str], values: Sequence[Any]) -> Iterator[Any]:
    """The fields of these names of a dataclass, as JSON has them."""
    hints = get_type_hints(kind)
    for name, value in zip(names, values, strict=True):
        hint = hints[name]
        if isinstance(hint, type) and is_dataclass(hint):
            inner = [field.name for field in fields(hint)]
            yield hint(*_read(hint, inner, value))
        else:
            yield tuple(value) if isinstance(value, list) else value


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
