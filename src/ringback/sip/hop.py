"""The way to a neighbour: where a message is sent, and where one came from (RFC 3261 section
18)."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ringback.sip.uri import unbracketed

_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
"""RFC 1122 section 3.2.1.3."""

SipTransport = Literal["udp", "tcp", "tls"]


@dataclass(frozen=True, slots=True)
class Hop:
    """A transport and an address."""

    transport: SipTransport
    host: str
    """An IP address, without brackets; or a name that has not been looked up yet."""
    port: int

    @property
    def reliable(self) -> bool:
        """Whether the transport itself repeats what is lost (RFC 3261 section 17)."""
        return self.transport != "udp"

    def to_json(self) -> list[Any]:
        return [self.transport, self.host, self.port]

    @classmethod
    def from_json(cls, stored: Sequence[Any]) -> Hop:
        """Two values, host and port, were stored while UDP was the only transport. Raises
        ValueError."""
        transport, host, port = stored if len(stored) == 3 else ("udp", *stored)
        if transport not in get_args(SipTransport):
            raise ValueError(f"no transport: {transport!r}")
        return cls(transport, str(host), int(port))

    def reaches(self, host: str) -> bool:
        """Whether somebody who received a message from this hop can write to `host`, as it stands
        in a URI: it must be an address of the same version of IP, and not the private address of
        somebody behind a NAT, unless this hop's address is private too."""
        here, there = _address(self.host), _address(host)
        if here is None or there is None or here.version != there.version:
            return False
        if not may_name(host, (self.host,)):
            return False
        # The addresses of carriers' NATs (RFC 6598) count as private too.
        return there.is_global or not here.is_global


def may_name(host: str, own: Sequence[str]) -> bool:
    """Whether somebody at the addresses `own` may name `host`, as it stands in a URI or a session
    description, for us to send to. Loopback is this machine itself, and is named by nobody but
    whoever is there too; multicast and broadcast addresses are many machines. A name is nobody's
    address yet."""
    there = _address(host)
    if there is None or host in own:
        return True
    if there.is_loopback:
        return any(here is not None and here.is_loopback for here in map(_address, own))
    # The reserved block of IPv4 ends with the broadcast address (RFC 919, RFC 1112 section 4).
    nobody = there.is_unspecified or there in _THIS_NETWORK
    return not (there.is_multicast or there.is_reserved or nobody)


@functools.lru_cache(maxsize=1024)
def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None for a name, or for anything that is not an address."""
    try:
        return ipaddress.ip_address(unbracketed(host))
    except ValueError:
        return None
