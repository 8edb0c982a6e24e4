"""The far end of a stream, as the server describes it to the worker. (Imported by the worker.)"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ringback.media.control import ControlMessage
from ringback.media.sources import Address


@dataclass(frozen=True, slots=True)
class Remote:
    """The far end of a stream, as negotiated. A payload type is None if there is none."""

    host: str
    port: int
    codec: str
    """PCMA or PCMU."""
    payload_type: int
    dtmf_in: int | None
    """The payload type in which it sends RFC 4733 events."""
    dtmf_out: int | None
    """The payload type in which it takes RFC 4733 events."""
    sends: bool
    """Whether we send to it."""
    on_hold: bool
    """On hold, it need not send, and its silence is no fault."""
    allowed: frozenset[str]
    """The hosts that its packets may come from."""
    anywhere: bool
    """Whether packets from other hosts are taken too, after five in a row (`media_anywhere`)."""

    @property
    def address(self) -> Address:
        """Where our packets go."""
        return self.host, self.port

    def to_message(self) -> ControlMessage:
        return {**asdict(self), "allowed": sorted(self.allowed)}

    @classmethod
    def from_message(cls, message: ControlMessage) -> Remote:
        return cls(**{**message, "allowed": frozenset(message["allowed"])})
