"""Asking trunks, outside of a running server, whether they are there and let us in.

The questions leave from a port of their own and change nothing at the far end: OPTIONS, and where a
trunk registers, a REGISTER without Contact, which asks what is registered (RFC 3261 section
10.2.3) and is challenged like one that registers.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ringback.clock import Instant, LoopClock
from ringback.config import Sip
from ringback.engines.embedded.peer import correspondence
from ringback.engines.embedded.udp import UdpAdapter, bound_to, look_up, open_socket, reachable
from ringback.sip.correspondence import Correspondence
from ringback.sip.hop import Hop
from ringback.sip.message import Response
from ringback.sip.useragent import UserAgent
from ringback.telephony.trunks import Trunk

ANSWER_SECONDS = 3.0
"""How long a trunk has to answer."""


@dataclass(slots=True)
class Probed:
    """What came of one trunk."""

    addresses: Sequence[str]
    """What its host resolves to; none: it cannot be looked up, and nothing was asked."""
    options: Response | None = None
    """None: no answer."""
    register: Response | None = None
    """None: no answer, or it does not register."""


async def probe(settings: Sip, trunks: Sequence[Trunk]) -> Mapping[str, Probed]:
    """Ask every trunk, at the first address of its host; by name what came. Raises OSError where
    nothing can be sent from `[sip] listen`."""
    found = {trunk.name: Probed(addresses(trunk)) for trunk in trunks}
    asked = [trunk for trunk in trunks if found[trunk.name].addresses]
    if not asked:
        return found
    clock = LoopClock(asyncio.get_running_loop())
    sock = open_socket(Hop("udp", settings.listen.host, 0))
    public = Hop("udp", settings.advertise or reachable(settings.listen.host), bound_to(sock).port)
    known = {address for each in found.values() for address in each.addresses}
    agent = UserAgent(public, random.SystemRandom(), known=lambda source: source.host in known)
    adapter = UdpAdapter(
        sock, agent, clock, on_call=lambda call: None, on_event=lambda call, event: None
    )
    waiting = _Waiting()
    for trunk in asked:
        probed, server = found[trunk.name], correspondence(trunk, agent.layers)
        server.peer = Hop("udp", probed.addresses[0], trunk.port)
        _ask(trunk, probed, server, waiting, clock.now())
    adapter.flush()
    try:
        await asyncio.wait_for(waiting.over.wait(), ANSWER_SECONDS)
    except TimeoutError:
        pass  # those that are left do not answer
    finally:
        adapter.close()
    return found


class _Waiting:
    """How many answers are still to come."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self._left = 0

    def for_(
        self, take: Callable[[Response | None], None]
    ) -> Callable[[Response | None, Instant], None]:
        """Wait for one more, which `take` is given."""
        self._left += 1

        def answered(response: Response | None, at: Instant) -> None:
            take(response)
            self._left -= 1
            if not self._left:
                self.over.set()

        return answered


def _ask(
    trunk: Trunk, probed: Probed, server: Correspondence, waiting: _Waiting, now: Instant
) -> None:
    def options(response: Response | None) -> None:
        probed.options = response

    def register(response: Response | None) -> None:
        probed.register = response

    server.options(waiting.for_(options), now)
    if trunk.register:
        server.bindings(waiting.for_(register), now)


def addresses(trunk: Trunk) -> list[str]:
    """What the host of a trunk resolves to; empty where it cannot be looked up."""
    try:
        return look_up(trunk.host)
    except OSError:
        return []
