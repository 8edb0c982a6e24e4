"""Tickets: a rejected call is remembered by whoever made it, and not here (spec section 5,
"Floods").

A call for which there is no room is rejected without state (RFC 3261 section 8.2.7). The To tag of
its rejection is a ticket: the facts of the call, sealed. The ACK repeats the tag (section
17.1.1.3) and so brings the facts back. It proves the source as well, since only somebody who has
received the rejection has the ticket.

A ticket is bound to its request by Call-ID, From tag and CSeq, and each request's is taken once.
The cipher needs no nonce (AES-SIV, RFC 5297), so that a repeated request gets the same tag.
"""

from __future__ import annotations

import base64
import binascii
import random
from collections import Counter

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from ringback.clock import Instant
from ringback.sip.matching import MergeKey, merge_key
from ringback.sip.message import Request
from ringback.sip.timers import LIFETIME

MOST_TAKEN = 10_000
"""The most tickets taken within their life."""
MOST_OF_ONE_HOST = MOST_TAKEN // 2
"""The most of these that come from one host, so that others have room."""
LONGEST_FACTS = 1024
"""Bytes."""

_KEY_BITS = 256
_SHORTEST = 22
"""Characters: the seal alone. A shorter tag is no ticket, and need not be opened."""


class Tickets:
    """The tickets of one user agent. They are valid for 32 s at least and 64 s at most, and until
    the server stops."""

    def __init__(self, chance: random.Random) -> None:
        self._cipher = AESSIV(chance.getrandbits(_KEY_BITS).to_bytes(_KEY_BITS // 8, "big"))
        self._taken: dict[MergeKey, tuple[int, str]] = {}
        """By request the period in which its ticket was taken, and the host that it came from."""
        self._by_host: Counter[str] = Counter()
        self._period = 0

    def room(self, host: str, now: Instant) -> bool:
        """Whether a further ticket from this host could be taken now."""
        self._forget_old(now)
        return len(self._taken) < MOST_TAKEN and self._by_host[host] < MOST_OF_ONE_HOST

    def write(self, facts: bytes, request: Request, now: Instant) -> str:
        """The tag for the rejection of `request`. `facts` are LONGEST_FACTS at most."""
        sealed = self._cipher.encrypt(facts, _bound_to(request, _period(now)))
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def read(self, ack: Request, now: Instant) -> bytes | None:
        """The facts in the ticket that an ACK brings; None where it brings no valid one."""
        tag = ack.to.tag or ""
        if not _SHORTEST <= len(tag) <= 2 * LONGEST_FACTS:
            return None
        try:
            sealed = base64.b64decode(tag + "=" * (-len(tag) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        for period in (_period(now), _period(now) - 1):
            try:
                return self._cipher.decrypt(sealed, _bound_to(ack, period))
            except InvalidTag:
                continue
        return None

    def take(self, ack: Request, host: str, now: Instant) -> bool:
        """Note that the ticket of an ACK is used; False if it was used before. There must be room
        for it."""
        self._forget_old(now)
        key = merge_key(ack)
        if key in self._taken:
            return False
        self._taken[key] = self._period, host
        self._by_host[host] += 1
        return True

    def _forget_old(self, now: Instant) -> None:
        """Those that were taken so long ago that they are not valid any more."""
        if _period(now) == self._period:
            return
        self._period = _period(now)
        oldest = self._period - 1
        self._taken = {key: at for key, at in self._taken.items() if at[0] >= oldest}
        self._by_host = Counter(host for _, host in self._taken.values())


def _period(now: Instant) -> int:
    """A ticket is valid in the period in which it was written, and in the next."""
    return int(now // LIFETIME)


def _bound_to(request: Request, period: int) -> list[bytes]:
    words = *map(str, merge_key(request)), str(period)
    return [word.encode("utf-8", "surrogateescape") for word in words]
