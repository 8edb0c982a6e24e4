"""The trunks as their source has them now, and those of before whose calls are not over.

A change holds for new calls. A trunk that was changed or removed carries none, but its sources
and credentials stay in use until its last leg has ended and nothing more can come of it.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ringback.clock import Clock
from ringback.engines.embedded.peer import Peer, is_same_peer
from ringback.sip.hop import Hop
from ringback.sip.layers import Layers
from ringback.telephony.trunks import Trunk, TrunkSource

AFTERMATH_SECONDS = 64.0
"""For so long something may come of a leg that has ended: an answer within 32 s, and what follows
from our BYE to it (RFC 3261 section 17: 64*T1 each)."""

SourceNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(slots=True, eq=False)
class TrunkState:
    """One trunk, as it is now."""

    trunk: Trunk
    peer: Peer
    networks: list[SourceNetwork]
    """The sources listed."""
    on_idle: Callable[[TrunkState], None]
    """Called when its last leg has ended."""
    channels: int = 0
    """Calls that it carries."""
    legs: int = 0
    """The same with trigger calls, and legs from before a crash."""

    @property
    def up(self) -> bool:
        return self.peer.up

    @property
    def hosts(self) -> tuple[str, ...]:
        """What its host resolves to."""
        return self.peer.hosts

    def knows(self, host: str) -> bool:
        if host in self.hosts:
            return True
        address = ipaddress.ip_address(host)
        return any(address in network for network in self.networks)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where it is: its hosts, and this machine itself if that is listed, and not only within a
        larger network such as that of everybody."""
        here = [str(each.network_address) for each in self.networks if each.is_loopback]
        return (*self.hosts, *here)

    def leg_began(self) -> None:
        self.legs += 1

    def leg_ended(self) -> None:
        self.legs -= 1
        if not self.legs:
            self.on_idle(self)


class Trunks:
    """All trunks, kept up to date by tasks of their own."""

    def __init__(
        self,
        source: TrunkSource,
        layers: Layers,
        flush: Callable[[], None],
        clock: Clock,
        report: Callable[[str], None],
    ) -> None:
        self._source = source
        self._clock = clock
        self._make_peer: Callable[[Trunk], Peer] = lambda trunk: Peer(
            trunk, layers, flush, clock, report
        )
        self._states: dict[str, TrunkState] = {}
        self._before: list[TrunkState] = []
        """Changed or removed."""
        self._watching = False
        self._follow()
        for trunk in source.former:
            self._before.append(self._state(trunk, None))
            self._forget_later(self._before[-1])
        source.on_change(self._follow)

    def __getitem__(self, name: str) -> TrunkState:
        return self._states[name]

    def find(self, name: str) -> TrunkState | None:
        """The trunk of that name, if it still is there."""
        return self._states.get(name)

    def of_leg(self, name: str, version: str) -> TrunkState | None:
        """The trunk on which a leg from before a restart began, as it was then, as far as that is
        known."""
        named = (state for state in (*self._states.values(), *self._before))
        alike = (state for state in named if version and state.trunk.version == version)
        return next(alike, self._states.get(name))

    def usable(self, name: str) -> bool:
        """Whether it is up and has a channel free, of which calls from before a change have
        theirs."""
        state = self._states.get(name)
        if state is None or not state.up:
            return False
        earlier = (before for before in self._before if _is_same(before.trunk, state.trunk))
        taken = state.channels + sum(before.channels for before in earlier)
        return state.trunk.channels is None or taken < state.trunk.channels

    def knows(self, source: Hop) -> bool:
        """Whether anything from there is taken."""
        return any(state.knows(source.host) for state in (*self._states.values(), *self._before))

    def of_source(self, source: Hop) -> TrunkState | None:
        """The trunk that a new call came from: the one whose very address it is, else the first
        that has its host among its sources."""
        known = [state for state in self._states.values() if state.knows(source.host)]
        exact = (state for state in known if state.trunk.port == source.port)
        return next(exact, known[0] if known else None)

    def troubles(self) -> dict[str, str]:
        """By name of a trunk why it is not up; empty for one that is."""
        return {name: state.peer.trouble for name, state in self._states.items()}

    async def start(self) -> None:
        """Look the hosts up, then keep watch."""
        states = (*self._states.values(), *self._before)
        await asyncio.gather(*(state.peer.look_up() for state in states))
        self._watching = True
        for state in self._states.values():
            state.peer.start()

    def close(self) -> bool:
        """Whether registrations are being taken back, whose answers are worth waiting for."""
        self._watching = False
        leaving = [state.peer.close() for state in self._states.values()]
        return any(leaving)

    def _follow(self) -> None:
        """The source has changed."""
        before = list(self._states.values())
        self._states = {
            name: self._continued(trunk, before) for name, trunk in self._source.by_name.items()
        }
        after = list(self._states.values())
        for state in before:
            if state not in after:
                successors = (each for each in after if _is_same(each.trunk, state.trunk))
                self._retire(state, next(successors, None))
        if self._watching:
            for state in self._states.values():
                state.peer.start()

    def _continued(self, trunk: Trunk, before: Iterable[TrunkState]) -> TrunkState:
        """A trunk of now, which may be one of before, changed or not."""
        same = next((state for state in before if _is_same(state.trunk, trunk)), None)
        return same if same is not None and same.trunk == trunk else self._state(trunk, same)

    def _state(self, trunk: Trunk, before: TrunkState | None) -> TrunkState:
        same = before is not None and is_same_peer(before.trunk, trunk)
        peer = before.peer if before is not None and same else self._make_peer(trunk)
        peer.called(trunk.name)
        networks: list[SourceNetwork] = [ipaddress.ip_network(text) for text in trunk.sources]
        return TrunkState(trunk, peer, networks, self._forget_later)

    def _retire(self, state: TrunkState, successor: TrunkState | None) -> None:
        self._before.append(state)
        if successor is None:
            state.peer.close()
        elif successor.peer is not state.peer:
            state.peer.close(take_back=not successor.peer.takes_over(state.peer))
        self._forget_later(state)

    def _forget_later(self, state: TrunkState) -> None:
        """Once nothing more can come of its last leg, if it is a trunk of before."""

        def forget() -> None:
            if state in self._before and not state.legs:
                self._before.remove(state)

        if state in self._before and not state.legs:
            self._clock.call_at(self._clock.now() + AFTERMATH_SECONDS, forget)


def _is_same(one: Trunk, other: Trunk) -> bool:
    """Whether they are one trunk, whatever else has changed."""
    return one.id == other.id if one.id and other.id else one.name == other.name
