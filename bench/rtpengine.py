"""rtpengine in user space with one thread, and as much of its ng protocol as bridges a call.

A command is a cookie, a space and a bencoded dictionary in one UDP packet; so is the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from typing import Any

from bench.generator import HOST

_PORTS = (40000, 45999)
_STARTS = 50


class Rtpengine:
    """A process of its own; if the machine runs rtpengine as a service, that is left alone."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(0.2)
        self._cookie = 0

    async def start(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((HOST, 0))
            control = probe.getsockname()
        program = shutil.which("rtpengine")
        assert program is not None, "rtpengine is missing: make bench installs it"
        first, last = _PORTS
        # Our own worker raises its priority in the same way.
        self._process = await asyncio.create_subprocess_exec(
            *("nice", "-n", "-5", program, "--config-file=none", "--table=-1", "--foreground"),
            *(f"--interface={HOST}", f"--listen-ng={HOST}:{control[1]}"),
            *(f"--port-min={first}", f"--port-max={last}", "--num-threads=1"),
            *("--log-stderr", "--log-level=1"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self._socket.connect(control)
        for _ in range(_STARTS):
            with contextlib.suppress(OSError):
                if self._command({"command": "ping"})["result"] == "pong":
                    return
            await asyncio.sleep(0.1)
        raise RuntimeError("rtpengine did not start")

    async def close(self) -> None:
        self._socket.close()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()

    def bridge(self, call: int, port: int) -> tuple[int, int]:
        """Bridge a call between two far ends, both at `port`; returns the ports that they must send
        to."""
        about = {"call-id": f"bench-{call}", "from-tag": "a", "sdp": _sdp(port), "ICE": "remove"}
        offer = self._command({**about, "command": "offer"})
        answer = self._command({**about, "command": "answer", "to-tag": "b"})
        return _port(offer["sdp"]), _port(answer["sdp"])

    def _command(self, command: dict[str, str]) -> dict[str, Any]:
        self._cookie += 1
        cookie = b"%d" % self._cookie
        self._socket.send(cookie + b" " + _encoded(command))
        while True:
            answered, _, body = self._socket.recv(65536).partition(b" ")
            if answered == cookie:
                result: dict[str, Any] = _decoded(body, 0)[0]
                return result


def _sdp(port: int) -> str:
    return (
        f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 8\r\n"
    )


def _port(sdp: str) -> int:
    return int(sdp.partition("m=audio ")[2].split()[0])


def _encoded(value: dict[str, str]) -> bytes:
    texts = (text.encode() for item in sorted(value.items()) for text in item)
    return b"d" + b"".join(b"%d:%s" % (len(text), text) for text in texts) + b"e"


def _decoded(data: bytes, at: int) -> tuple[Any, int]:
    """The bencoded value that begins at `at`, and the place where it ends."""
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind in (b"d", b"l"):
        items, at = [], at + 1
        while data[at : at + 1] != b"e":
            item, at = _decoded(data, at)
            items.append(item)
        pairs = zip(items[::2], items[1::2], strict=kind == b"d")
        return (dict(pairs) if kind == b"d" else items), at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1 : end].decode(), end
