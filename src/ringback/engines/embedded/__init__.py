"""The embedded engine: SIP in process, RTP in worker processes."""

from ringback.engines.embedded.engine import EmbeddedEngine

__all__ = ["EmbeddedEngine"]
