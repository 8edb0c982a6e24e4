"""Trunks and routes: the ways by which calls come and go. They may change while calls run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol

from ringback.numbering import NumberForm, matches_prefix

TransportName = Literal["udp", "tcp", "tls"]
Codec = Literal["PCMA", "PCMU"]
CalledFrom = Literal["request_uri", "to", "p_called_party_id"]
ShowIn = Literal["from", "p_asserted_identity", "p_preferred_identity"]
FromUser = Literal["number", "user"]
FromHost = Literal["address", "domain"]

E164 = NumberForm()


@dataclass(frozen=True, slots=True)
class Trunk:
    """A way to the telephone network (spec section 5)."""

    name: str
    host: str
    port: int = 5060
    transport: TransportName = "udp"
    register: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    sources: tuple[str, ...] = ()
    """Addresses and networks that calls may come from, besides those of `host`."""
    codecs: tuple[Codec, ...] = ("PCMA", "PCMU")
    channels: int | None = None
    """The most calls at once; None: no limit."""
    trust_pai: bool = False
    called_from: CalledFrom = "request_uri"
    show_in: ShowIn = "from"
    from_user: FromUser = "number"
    """What stands before the @ of From: the number shown, or `user`."""
    from_host: FromHost = "address"
    """What stands after it, and in the other headers that show a number: our own address, or the
    carrier's domain, which is `host`."""
    foreign_numbers: bool = True
    """Whether it takes callerIDs that are not our own."""
    shown_prefixes: tuple[str, ...] = ()
    """If there are any, it takes only callerIDs that begin with one of them."""
    called: NumberForm = E164
    """The form of the numbers called: those that it is given to dial, and those that callers
    rang."""
    caller: NumberForm = E164
    """The form of the callers' numbers that it sends."""
    shown: NumberForm = E164
    """The form of the numbers that are shown to called parties."""
    media_anywhere: bool = False
    cost_plan: str | None = None
    """The name of the administrator's plan that says what calls over it cost."""
    id: str = ""
    """Stays the same while the rest changes; empty where it is told by its name."""
    version: str = ""
    """Tells a trunk from what it was before a change of its name or of what its far end
    notices."""

    def takes(self, number: str, *, own: bool) -> bool:
        """Whether it takes a number (E.164) as the callerID of a call; `own` are our access
        numbers."""
        if not own and not self.foreign_numbers:
            return False
        return not self.shown_prefixes or matches_prefix(number, self.shown_prefixes)


@dataclass(frozen=True, slots=True)
class Route:
    """Which trunks carry the calls to some numbers."""

    prefix: str
    """Leading digits of E.164; empty for every number."""
    trunks: tuple[str, ...]
    """The names of trunks, in their order."""
    weights: tuple[int, ...] = ()
    """One weight for each trunk, to draw the order by chance; empty: the order as it stands."""


class TrunkSource(Protocol):
    """The trunks and routes as they are now."""

    @property
    def by_name(self) -> Mapping[str, Trunk]: ...

    @property
    def routes(self) -> Sequence[Route]: ...

    @property
    def former(self) -> Sequence[Trunk]:
        """Trunks as they were before changes, of whose calls something may be left, the oldest
        first."""
        ...

    def on_change(self, changed: Callable[[], None]) -> None:
        """From now on, call `changed` after each change, on the event loop, before anybody reads
        the new state."""
        ...


class TrunkTable:
    """Trunks and routes held in memory: see `TrunkSource`."""

    def __init__(
        self,
        trunks: Iterable[Trunk] = (),
        routes: Iterable[Route] = (),
        former: Iterable[Trunk] = (),
    ) -> None:
        self._listeners: list[Callable[[], None]] = []
        self.replace(trunks, routes, former)

    @property
    def by_name(self) -> Mapping[str, Trunk]:
        return self._by_name

    @property
    def routes(self) -> Sequence[Route]:
        return self._routes

    @property
    def former(self) -> Sequence[Trunk]:
        return self._former

    def on_change(self, changed: Callable[[], None]) -> None:
        self._listeners.append(changed)

    def replace(
        self, trunks: Iterable[Trunk], routes: Iterable[Route], former: Iterable[Trunk] = ()
    ) -> None:
        """From now on there are these trunks and routes, and no others."""
        self._former = tuple(former)
        self._by_name = MappingProxyType({trunk.name: trunk for trunk in trunks})
        self._routes = tuple(routes)
        for changed in self._listeners:
            changed()


def trunks_ever(source: TrunkSource) -> Mapping[str, Trunk]:
    """By name the trunks that there are, and those that a call of before may name."""
    return {**{trunk.name: trunk for trunk in source.former}, **source.by_name}
