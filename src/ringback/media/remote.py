"""The far end of a stream, as the server describes it to the worker. (Imported by the worker.)"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from ringback.media.control import ControlMessage
from ringback.media.sources import Address


@dataclass(frozen=True, slots=True)
class Remote:
    """The far end of a stream, as negotiated."""

    host: str
    port: int
    codec: str
    """PCMA or PCMU: what we send."""
    payload_type: int
    """Of what we send."""
    receives: Mapping[int, str]
    """The codec of each payload type that it may send, at any time (RFC 3264 section 6.1)."""
    dtmf_in: frozenset[int]
    """The payload types in which it may send RFC 4733 events."""
    dtmf_out: int | None
    """The payload type in which it takes RFC 4733 events; None if it takes none."""
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
        return {
            **asdict(self),
            "receives": list(self.receives.items()),  # JSON has no numbers for keys
            "dtmf_in": sorted(self.dtmf_in),
            "allowed": sorted(self.allowed),
        }

    @classmethod
    def from_message(cls, message: ControlMessage) -> Remote:
        return cls(
            **{
                **message,
                "receives": dict(message["receives"]),
                "dtmf_in": frozenset(message["dtmf_in"]),
                "allowed": frozenset(message["allowed"]),
            }
        )
