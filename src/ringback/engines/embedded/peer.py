"""The far end of a trunk, and whether it is there (spec section 5).

Its host may have several addresses. They are tried in the resolver's order (RFC 3263 section 4.3):
all that is new goes to one of them, until an OPTIONS or a call to it stays without an answer, or
it answers a call with 503; then to the next. A call that has met such an address goes on by the
next trunk, whose turn it is after 4 s anyway.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from ringback.clock import Clock, Instant
from ringback.engines.embedded.udp import look_up_soon
from ringback.sip.calls import Credentials
from ringback.sip.correspondence import Correspondence
from ringback.sip.hop import Hop
from ringback.sip.layers import Layers
from ringback.sip.message import Response
from ringback.sip.registration import Registration
from ringback.sip.uri import sip_uri
from ringback.telephony.trunks import Trunk

OPTIONS_SECONDS = 25.0
MISSES = 3
RESOLVE_SECONDS = 300.0


class Peer:
    """Looked up, asked by OPTIONS, and registered at, from `start` to `close`."""

    def __init__(
        self,
        trunk: Trunk,
        layers: Layers,
        flush: Callable[[], None],
        clock: Clock,
        report: Callable[[str], None],
    ) -> None:
        self.hosts: tuple[str, ...] = ()
        """The addresses of its host, in the resolver's order."""
        self._trunk = trunk
        self._name = trunk.name
        self._server = correspondence(trunk, layers)
        self._flush = flush
        self._clock = clock
        self._report = report
        self._looked_up: Instant = -math.inf
        self._host = ""
        """The one in use."""
        self._asked = False
        """An OPTIONS waits for its answer."""
        self._misses = 0
        self._registration: Registration | None = None
        """None while its host has not been looked up, and where it does not register."""
        self._registered = False
        self._told_up = True
        self._task: asyncio.Task[None] | None = None

    def called(self, name: str) -> None:
        """The name of its trunk has changed, and nothing else that the far end notices."""
        self._name = name

    def takes_over(self, before: Peer) -> bool:
        """Go on where the peer of the trunk before it was changed has got to. Returns whether this
        is the same binding at the same registrar, which that one need not take back."""
        old, new = before._trunk, self._trunk
        if old.host == new.host:
            self._looked_up = before._looked_up
            self._use(before.hosts, before._host)
        same = (old.host, old.port, old.user) == (new.host, new.port, new.user)
        self._registered = same and new.register and before._registered
        return same and new.register

    @property
    def up(self) -> bool:
        registered = self._registered or not self._trunk.register
        return registered and self._misses < MISSES and bool(self.hosts)

    @property
    def trouble(self) -> str:
        """Why it is not up; empty where it is."""
        if self.up:
            return ""
        if not self.hosts:
            waiting = self._looked_up == -math.inf
            return "its host is being looked up" if waiting else "its host cannot be looked up"
        return "it does not answer" if self._misses >= MISSES else "it is not registered"

    @property
    def address(self) -> Hop:
        """Where requests go."""
        return Hop(self._trunk.transport, self._host, self._trunk.port)

    def failed(self, hop: Hop) -> None:
        """A call to this address had no answer, or 503: ask the next whether it is there."""
        if hop == self.address and len(self.hosts) > 1:
            self._next_host()
            self._ask()

    async def look_up(self) -> None:
        self._looked_up = self._clock.now()
        try:
            found = await look_up_soon(self._trunk.host)
        except OSError as error:
            self._report(
                f"trunk {self._name}: host {self._trunk.host!r} cannot be looked up: "
                f"{error.strerror}: check it, or the name server"
            )
            return  # what it resolved to before goes on being used
        self._use(tuple(found), self._host)

    def start(self) -> None:
        """Keep watch from now on."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._watch())

    def close(self, *, take_back: bool = True) -> bool:
        """Keep watch no more, and take the registration back, or leave it to whoever registers
        next. Returns whether the answer to that is worth waiting for: a request that is challenged
        is sent again."""
        if self._task is not None:
            self._task.cancel()
        registration, self._registration = self._registration, None
        if registration is None:
            return False
        if take_back:
            registration.stop(self._clock.now())
            self._flush()
        else:
            registration.leave()
        return take_back

    def _use(self, hosts: tuple[str, ...], host: str) -> None:
        used, self.hosts = self._host, hosts
        self._host = host if host in hosts else next(iter(hosts), "")
        if self._host != used:
            self._asked = False
            self._server.peer = self.address

    def _next_host(self) -> None:
        after = self.hosts.index(self._host) + 1
        self._use(self.hosts, self.hosts[after % len(self.hosts)])

    async def _watch(self) -> None:
        """OPTIONS every 25 s; one without an answer when the next is due was a miss, and after
        three the trunk is skipped until it answers."""
        while True:
            again = RESOLVE_SECONDS if self.hosts else OPTIONS_SECONDS
            if self._clock.now() - self._looked_up >= again:
                await self.look_up()
            if not self.hosts:
                self._tell()
            else:
                if self._trunk.register and self._registration is None:
                    self._registration = self._register()
                if self._asked:
                    self._misses += 1
                    self._next_host()
                    self._tell()
                self._ask()
            await self._clock.sleep_until(self._clock.now() + OPTIONS_SECONDS)

    def _ask(self) -> None:
        asked = self._host
        self._asked = True

        def on_response(response: Response | None, at: Instant) -> None:
            if response is None or asked != self._host:
                return
            missed, self._misses, self._asked = self._misses, 0, False
            if missed:
                self._tell()

        self._server.options(on_response, self._clock.now())
        self._flush()

    def _tell(self) -> None:
        if self.up != self._told_up:
            self._told_up = self.up
            self._report(
                f"trunk {self._name} is up again"
                if self.up
                else f"trunk {self._name} ({self._trunk.host}:{self._trunk.port}) is down: "
                f"{self.trouble}; calls go by other trunks until that is over"
            )

    def _register(self) -> Registration:
        """Keep a registration up (RFC 3261 section 10)."""

        def on_change(registered: bool, response: Response | None) -> None:
            self._registered = registered
            self._tell()
            if not registered:
                why = "no answer" if response is None else f"{response.status} {response.reason}"
                refused = response is not None and response.status in (401, 403, 404, 407)
                mending = "check user and password" if refused else "it is tried again"
                self._report(f"trunk {self._name}: registration failed: {why}: {mending}")

        registration = Registration(self._server, on_change)
        registration.start(self._clock.now())
        return registration


def is_same_peer(one: Trunk, other: Trunk) -> bool:
    """Whether nothing has changed that its far end would notice."""

    def noticed(trunk: Trunk) -> tuple[object, ...]:
        where = trunk.host, trunk.port, trunk.transport
        return *where, trunk.register, trunk.user, trunk.password

    return noticed(one) == noticed(other)


def correspondence(trunk: Trunk, layers: Layers) -> Correspondence:
    """All that is asked of a trunk outside of calls; its address is looked up later."""
    return Correspondence(
        layers,
        sip_uri(None, trunk.host, trunk.port),
        Hop(trunk.transport, trunk.host, trunk.port),
        sender=sip_uri(trunk.user, trunk.host, trunk.port),
        user=trunk.user,
        credentials=credentials_of(trunk),
    )


def credentials_of(trunk: Trunk) -> Credentials | None:
    """What its challenges are answered with."""
    return Credentials(trunk.user, trunk.password) if trunk.user and trunk.password else None
