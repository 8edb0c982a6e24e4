"""Host names in session descriptions (RFC 4566 section 9), looked up while the calls go on."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from ringback.clock import Clock, Instant

KEPT_SECONDS = 60.0
"""For so long what was found, or that nothing was, is not asked again."""
MOST_KEPT = 256
MOST_AT_ONCE = 4
"""Lookups under way. The threads that wait for the name server are few, and trunks need them
too."""
MOST_ADDRESSES = 8


class Names:
    """What host names resolve to."""

    def __init__(self, clock: Clock, look_up: Callable[[str], Awaitable[Sequence[str]]]) -> None:
        """`look_up` raises OSError, or UnicodeError for what can be no host name."""
        self._clock = clock
        self._look_up = look_up
        self._kept: OrderedDict[str, tuple[Instant, Sequence[str]]] = OrderedDict()
        self._waiting: dict[str, list[Callable[[], None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def find(self, name: str, on_found: Callable[[], None]) -> Sequence[str]:
        """The addresses of `name`, if they are known; otherwise none, and `on_found` is called
        once they are. It is not where the name does not resolve, or too many are being looked
        up."""
        until, addresses = self._kept.get(name, (0.0, ()))
        if self._clock.now() < until:
            return addresses
        if name in self._waiting:
            self._waiting[name].append(on_found)
        elif len(self._waiting) < MOST_AT_ONCE:
            self._waiting[name] = [on_found]
            task = asyncio.get_running_loop().create_task(self._resolve(name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return ()

    async def _resolve(self, name: str) -> None:
        try:
            addresses = (await self._look_up(name))[:MOST_ADDRESSES]
        except (OSError, UnicodeError):
            addresses = ()
        self._kept[name] = self._clock.now() + KEPT_SECONDS, addresses
        self._kept.move_to_end(name)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        for on_found in self._waiting.pop(name):
            if addresses:
                on_found()
