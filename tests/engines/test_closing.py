"""A server that stops leaves nobody ringing, on a real socket."""

from __future__ import annotations

import asyncio
import socket

import pytest
from tests.contract.rigs import EmbeddedRig
from tests.sip.useragents import request

from ringback.sip.message import Response, parse
from ringback.telephony.port import Rejection, TriggerLeg


async def final(sock: socket.socket, seconds: float) -> int | None:
    """The first final response; None when none came in time."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = parse(await loop.sock_recv(sock, 65_535))
                assert isinstance(message, Response)
                if message.status >= 200:
                    return message.status
    except TimeoutError:
        return None


@pytest.mark.parametrize("stored", [False, True])
def test_a_trigger_still_ringing_is_rejected(*, stored: bool) -> None:
    """One whose rejection is stored is answered by the next start, which can prove its source."""

    async def test() -> int | None:
        rig, triggers = EmbeddedRig(), asyncio.Queue[TriggerLeg]()
        await rig.engine.start(triggers.put_nowait)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
            host, port = sock.getsockname()
            via = f"SIP/2.0/UDP {host}:{port};branch=z9hG4bKclosing;rport"
            sock.sendto(request(via=via).encode(), ("127.0.0.1", rig._port))
            trigger = await triggers.get()
            trigger.ring()
            if stored:
                trigger.prepare_rejection(Rejection.BUSY)
            closing = asyncio.ensure_future(rig.engine.close())
            status = await final(sock, 0.8)
            await closing
        return status

    assert asyncio.run(test()) == (None if stored else 503)
