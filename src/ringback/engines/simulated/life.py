"""One life of a simulated server: what it sends is on its way, until it dies."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ringback.clock import Clock
from ringback.engines import saved
from ringback.engines.simulated.network import Network

ENGINE = "simulated"


class Life:
    """What the legs of one life share."""

    def __init__(self, network: Network, clock: Clock) -> None:
        self.network = network
        self.clock = clock
        self.node = "node"
        self.alive = True

    def later(self, action: Callable[[], object]) -> None:
        """A message of the server's on its way; the dead send none."""
        if self.alive:
            self.network.later(action)

    def send(self, action: Callable[[], object]) -> None:
        """The same for a SIP message."""
        if self.alive:
            self.network.message(action)

    def saved(self, document: Mapping[str, str]) -> str:
        """What is stored to end a leg."""
        return saved.write(ENGINE, self.node, document)
