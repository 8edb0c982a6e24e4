"""Trunks and routes: the ways by which calls come and go. They may change while calls run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, Protocol

from ringback.numbering import NumberForm

TransportName = Literal["udp", "tcp", "tls"]
Codec = Literal["PCMA", "PCMU"]
CalledFrom = Literal["request_uri", "to", "p_called_party_id"]
ShowIn = Literal["from", "p_asserted_identity", "p_preferred_identity"]

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
    foreign_numbers: bool = True
    """Whether it takes callerIDs that are not its own."""
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

    def on_change(self, changed: Callable[[], None]) -> None:
        """From now on, call `changed` after each change, on the event loop, before anybody reads
        the new state."""
        ...


class TrunkTable:
    """Trunks and routes held in memory: see `TrunkSource`."""

    def __init__(self, trunks: Iterable[Trunk] = (), routes: Iterable[Route] = ()) -> None:
        self._listeners: list[Callable[[], None]] = []
        self.replace(trunks, routes)

    @property
    def by_name(self) -> Mapping[str, Trunk]:
        return self._by_name

    @property
    def routes(self) -> Sequence[Route]:
        return self._routes

    def on_change(self, changed: Callable[[], None]) -> None:
        self._listeners.append(changed)

    def replace(self, trunks: Iterable[Trunk], routes: Iterable[Route]) -> None:
        """From now on there are these trunks and routes, and no others."""
        self._by_name = MappingProxyType({trunk.name: trunk for trunk in trunks})
        self._routes = tuple(routes)
        for changed in self._listeners:
            changed()
