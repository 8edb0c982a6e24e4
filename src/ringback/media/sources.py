"""From whom a stream takes packets. (Imported by the worker.)

Whoever latches on to the first who sends lets anybody who sprays the ports hear a call and type
digits into it. So: from the hosts that signalling named, at the first valid packet, and then only
from there; from elsewhere only on a trunk that says `media_anywhere`, after five in a row. A
source is left for a new description, or when it has been silent for 2 s and five packets in a row
have come from another that is allowed. One that sends from the host described, but from another
port, is left at once for the very address described: it may be the end of the call that had our
port before, on a trunk that sends all its calls from one host.
"""

from __future__ import annotations

Address = tuple[str, int]

IN_A_ROW = 5
SILENT_SECONDS = 2.0


class Source:
    """The source of one stream."""

    __slots__ = (
        "_allowed",
        "_anywhere",
        "_count",
        "_described",
        "_other",
        "address",
        "heard",
        "ssrc",
    )

    def __init__(self) -> None:
        self.address: Address | None = None
        self.ssrc = -1
        self.heard = 0.0
        """When it last sent."""
        self._described: Address | None = None
        self._allowed: frozenset[str] = frozenset()
        self._anywhere = False
        self._other: tuple[Address, int] | None = None
        self._count = 0

    def describe(
        self, described: Address | None, allowed: frozenset[str], *, anywhere: bool
    ) -> None:
        """A new description has come: whoever it allows may be the source."""
        self._described = described
        self._allowed, self._anywhere = allowed, anywhere
        self.address, self.ssrc, self._other = None, -1, None

    def accept(self, address: Address, ssrc: int, now: float) -> bool:
        """Whether a valid packet is taken; the source may change with it."""
        if address == self.address and ssrc == self.ssrc:
            self.heard = now
            self._other = None
            return True
        allowed = address[0] in self._allowed
        if not allowed and not self._anywhere:
            return False
        if (address, ssrc) != self._other:
            self._other, self._count = (address, ssrc), 0
        self._count += 1
        if self.address is None:
            taken = allowed or self._count >= IN_A_ROW
        elif address == self.address:
            taken = self._count >= IN_A_ROW  # the same sender began a new stream
        elif address == self._described and address[0] == self.address[0]:
            taken = True
        else:
            taken = self._count >= IN_A_ROW and now - self.heard >= SILENT_SECONDS
        if taken:
            self.address, self.ssrc, self.heard = address, ssrc, now
            self._other = None
        return taken
