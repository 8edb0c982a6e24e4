"""The source whose packets a stream takes. (Imported by the worker.)

If a stream took packets from whoever sends first, anybody who sprays the ports with packets could
hear a call and type digits into it. So it takes a source at the first valid packet from one of the
hosts that signalling named, and from then on only that source. A source on any other host is taken
only if the trunk says `media_anywhere`, after five packets in a row.

The stream changes its source when there is a new description, or when the source has been silent
for 2 s and five packets in a row have come from another allowed one. It changes at once from
another port of the described host to the very address described: on a trunk that sends all its
calls from one host, that other port may be the end of the call that had our port before.

Keys belong to the sound of the same address, whatever SSRC they have: RFC 4733 section 2.1 wants
that of the sound, and some far ends give them another.
"""

from __future__ import annotations

Address = tuple[str, int]

IN_A_ROW = 5
SILENT_SECONDS = 2.0
_UNKNOWN = -1
"""Stands for an SSRC."""


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
        self.ssrc = _UNKNOWN
        """Of its sound."""
        self.heard = 0.0
        """When it sent the last packet."""
        self._described: Address | None = None
        self._allowed: frozenset[str] = frozenset()
        self._anywhere = False
        self._other: tuple[Address, int] | None = None
        self._count = 0

    def describe(
        self, described: Address | None, allowed: frozenset[str], *, anywhere: bool
    ) -> None:
        """A new description has come: any source that it allows may become the source."""
        self._described = described
        self._allowed, self._anywhere = allowed, anywhere
        self.address, self.ssrc, self._other = None, _UNKNOWN, None

    def accept(self, address: Address, ssrc: int, now: float) -> bool:
        """Whether to take a valid packet of sound; it may change the source."""
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
        elif address == self.address:  # the same sender began its sound, or a new stream
            taken = self.ssrc == _UNKNOWN or self._count >= IN_A_ROW
        elif address == self._described and address[0] == self.address[0]:
            taken = True
        else:
            taken = self._count >= IN_A_ROW and now - self.heard >= SILENT_SECONDS
        if taken:
            self.address, self.ssrc, self.heard = address, ssrc, now
            self._other = None
        return taken

    def accept_key(self, address: Address, ssrc: int, now: float) -> bool:
        """Whether to take a valid packet of a key; it may change the source."""
        if address == self.address:
            self.heard = now
            return True
        taken = self.accept(address, ssrc, now)
        if taken:
            self.ssrc = _UNKNOWN
        return taken
