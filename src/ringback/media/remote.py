"""The far end of a stream, as the server describes it to the worker. (Imported by the worker.)"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ringback.media.control import ControlMessage
from ringback.media.sources import Address


@dataclass(frozen=True, slots=True)
class Remote:
    """The far end of a stream, as negotiated. Payload types are None for none."""

    host: str
    port: int
    codec: str
    """PCMA or PCMU."""
    payload_type: int
    dtmf_in: int | None
    """The payload type in which it sends RFC 4733 events."""
    dtmf_out: int | None
    """The one in which it takes them."""
    sends: bool
    """We send to it."""
    on_hold: bool
    """It need not send, and is not missed."""
    allowed: frozenset[str]
    """Addresses that its packets may come from."""
    anywhere: bool
    """Others are taken too, after five packets in a row (`media_anywhere`)."""

    @property
    def address(self) -> Address:
        """Where packets go."""
        return self.host, self.port

    def to_message(self) -> ControlMessage:
        return {**asdict(self), "allowed": sorted(self.allowed)}

    @classmethod
    def from_message(cls, message: ControlMessage) -> Remote:
        return cls(**{**message, "allowed": frozenset(message["allowed"])})
