"""The pair of UDP sockets of one leg. (Imported by the worker.)"""

from __future__ import annotations

import ctypes
import socket

from ringback.media.sources import Address

RECEIVE_BUFFER = 64 * 1024
_UNSPECIFIED = bytes(16)
"""A `sockaddr` of AF_UNSPEC."""

_libc = ctypes.CDLL(None)


class SocketPair:
    """RTP on an even port, RTCP on the next (RFC 3550 section 11)."""

    __slots__ = ("connected", "port", "remote", "rtcp", "rtp")

    def __init__(self, host: str, port: int) -> None:
        """Raises OSError if another socket has one of the two ports."""
        self.port = port
        self.rtp = _bound(host, port)
        try:
            self.rtcp = _bound(host, port + 1)
        except OSError:
            self.rtp.close()
            raise
        self.remote: Address | None = None
        """Where packets are sent."""
        self.connected = False

    def send(self, packet: bytes | memoryview) -> None:
        """An error counts as if the network had lost the packet: nobody is there, or a buffer is
        full."""
        try:
            if self.connected:
                self.rtp.send(packet)
            elif self.remote is not None:
                self.rtp.sendto(packet, self.remote)
        except OSError:
            return

    def connect(self, address: Address) -> None:
        """From now on, the kernel drops packets from elsewhere, except those already in its
        queue."""
        try:
            self.rtp.connect(address)
        except OSError:
            return
        self.remote, self.connected = address, True

    def disconnect(self) -> None:
        """Take packets from everywhere again: to connect to AF_UNSPEC ends the connection
        (connect(2))."""
        if self.connected:
            _libc.connect(self.rtp.fileno(), _UNSPECIFIED, len(_UNSPECIFIED))
            self.connected = False

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


def _bound(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
