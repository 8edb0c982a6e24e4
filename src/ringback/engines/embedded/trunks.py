"""The trunks: who they are on the network, and whether they are up (spec section 5)."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field

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

SourceNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(slots=True)
class TrunkState:
    """One trunk, as it is now."""

    trunk: Trunk
    server: Correspondence
    hosts: frozenset[str] = frozenset()
    """What its host resolves to."""
    networks: list[SourceNetwork] = field(default_factory=list)
    """The sources listed."""
    channels: int = 0
    """Calls that it carries."""
    asked: bool = False
    """An OPTIONS waits for its answer."""
    misses: int = 0
    registration: Registration | None = None
    """None while its host has not been looked up, and where it does not register."""
    registered: bool = False
    told_up: bool = True

    @property
    def up(self) -> bool:
        registered = self.registered or not self.trunk.register
        return registered and self.misses < MISSES and bool(self.hosts)

    @property
    def trouble(self) -> str:
        """Why it is not up."""
        if not self.hosts:
            return "its host cannot be looked up"
        return "it does not answer" if self.misses >= MISSES else "it is not registered"

    @property
    def full(self) -> bool:
        return self.trunk.channels is not None and self.channels >= self.trunk.channels

    @property
    def address(self) -> Hop:
        """Where requests go."""
        return Hop(self.trunk.transport, min(self.hosts), self.trunk.port)

    def knows(self, host: str) -> bool:
        if host in self.hosts:
            return True
        address = ipaddress.ip_address(host)
        return any(address in network for network in self.networks)


class Trunks:
    """All trunks, kept up to date by tasks of their own."""

    def __init__(
        self,
        trunks: list[Trunk],
        layers: Layers,
        flush: Callable[[], None],
        clock: Clock,
        report: Callable[[str], None],
    ) -> None:
        self._states = {
            trunk.name: TrunkState(trunk, correspondence(trunk, layers)) for trunk in trunks
        }
        for state in self._states.values():
            state.networks = [ipaddress.ip_network(text) for text in state.trunk.sources]
        self._flush = flush
        self._clock = clock
        self._report = report
        self._tasks: list[asyncio.Task[None]] = []

    def __getitem__(self, name: str) -> TrunkState:
        return self._states[name]

    def find(self, name: str | None) -> Trunk | None:
        """The trunk of that name, which an earlier configuration may have had."""
        state = self._states.get(name or "")
        return None if state is None else state.trunk

    def of_source(self, source: Hop) -> TrunkState | None:
        """The trunk that a request came from: the one whose very address it is, else the first
        that has its host among its sources."""
        known = [state for state in self._states.values() if state.knows(source.host)]
        exact = (state for state in known if state.trunk.port == source.port)
        return next(exact, known[0] if known else None)

    def troubles(self) -> dict[str, str]:
        """By name of a trunk why it is not up; empty for one that is."""
        return {name: "" if state.up else state.trouble for name, state in self._states.items()}

    async def start(self) -> None:
        """Look the hosts up, then keep watch."""
        await asyncio.gather(*(self._resolve(state) for state in self._states.values()))
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._watch(state)) for state in self._states.values()]

    def close(self) -> bool:
        """Whether registrations are being taken back, whose answers are worth waiting for: one
        that is challenged is sent again."""
        for task in self._tasks:
            task.cancel()
        registrations = [state.registration for state in self._states.values()]
        for registration in filter(None, registrations):
            registration.stop(self._clock.now())
        self._flush()
        return any(registrations)

    async def _resolve(self, state: TrunkState) -> None:
        try:
            found = await look_up_soon(state.trunk.host)
        except OSError as error:
            self._report(
                f"trunk {state.trunk.name}: host {state.trunk.host!r} cannot be looked up: "
                f"{error.strerror}: check it, or the name server"
            )
            return  # what it resolved to before goes on being used
        state.hosts = frozenset(found)
        state.server.peer = state.address

    async def _watch(self, state: TrunkState) -> None:
        """OPTIONS every 25 s; one without an answer when the next is due was a miss, and after
        three the trunk is skipped until it answers."""
        resolved = self._clock.now()
        while True:
            if not state.hosts:
                self._tell(state)
            else:
                if state.trunk.register and state.registration is None:
                    state.registration = self._register(state)
                self._ask(state)
            await self._clock.sleep_until(self._clock.now() + OPTIONS_SECONDS)
            if self._clock.now() - resolved > RESOLVE_SECONDS or not state.hosts:
                resolved = self._clock.now()
                await self._resolve(state)

    def _ask(self, state: TrunkState) -> None:
        if state.asked:
            state.misses += 1
            self._tell(state)
        state.asked = True

        def on_response(response: Response | None, at: Instant) -> None:
            if response is None:
                return
            missed, state.misses, state.asked = state.misses, 0, False
            if missed:
                self._tell(state)

        state.server.options(on_response, self._clock.now())
        self._flush()

    def _tell(self, state: TrunkState) -> None:
        if state.up != state.told_up:
            state.told_up = state.up
            self._report(
                f"trunk {state.trunk.name} is up again"
                if state.up
                else f"trunk {state.trunk.name} ({state.trunk.host}:{state.trunk.port}) is down: "
                f"{state.trouble}; calls go by other trunks until that is over"
            )

    def _register(self, state: TrunkState) -> Registration:
        """Keep a registration up (RFC 3261 section 10)."""

        def on_change(registered: bool, response: Response | None) -> None:
            state.registered = registered
            self._tell(state)
            if not registered:
                why = "no answer" if response is None else f"{response.status} {response.reason}"
                refused = response is not None and response.status in (401, 403, 404, 407)
                mending = "check user and password" if refused else "it is tried again"
                self._report(f"trunk {state.trunk.name}: registration failed: {why}: {mending}")

        registration = Registration(state.server, on_change)
        registration.start(self._clock.now())
        return registration


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
