"""The layers of RFC 3261 section 5 below a user agent, and its source of chance."""

from __future__ import annotations

import random

from ringback.sip.hop import Hop
from ringback.sip.message import Request, Response, respond
from ringback.sip.timers import Timers
from ringback.sip.transactions import Transactions
from ringback.sip.transport import Transport


class Layers:
    """The layers of one user agent. They have no sockets and no clock: `timers` says what is due
    when."""

    def __init__(self, public: Hop, chance: random.Random) -> None:
        """`public` is our own address, as Via and Contact name it."""
        self.chance = chance
        self.timers = Timers()
        self.transport = Transport(public)
        self.transactions = Transactions(self.transport, self.timers, self.token)

    def token(self) -> str:
        """A random word for tags and the like, of 64 bits, so that nobody can guess it."""
        return f"{self.chance.getrandbits(64):016x}"

    def response(self, request: Request, status: int, *, to_tag: str | None = None) -> Response:
        return respond(request, status, to_tag=to_tag or self.token())
