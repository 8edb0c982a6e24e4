"""A trunk in whose name somebody sends a flood: `python -m bench.flooder SERVER PORT KIND SECONDS`.

It is a process of its own. From one socket leave the forged messages, whose answers it passes over
as the true owner of the address would; the trunk's own OPTIONS, one a second; and REAL triggers,
each repeated until it is answered, rejected, and acknowledged, whose return calls it awaits. After
a line on its input it prints "flood" and begins; it prints "over" when the flood ends and,
AFTER_SECONDS later, what it saw as JSON.
"""

from __future__ import annotations

import dataclasses
import json
import re
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.e2e.sipp import LOCAL

from bench.figures import Delays

ACCESS = "+442071838750"
REAL = 50
"""Real triggers, spread over the flood."""
FIRST_REAL, FIRST_FORGED = 447_700_900_000, 447_400_000_000
FIRST_UNLISTED = 447_700_100_000
"""A forged caller that no extension knows."""
AFTER_SECONDS = 15.0
"""Longer than a trigger rings and its return call waits."""
BUFFER = 4 * 1024 * 1024
_BATCH_SECONDS = 0.005
_T1, _T2 = 0.5, 4.0
_CALL_ID = re.compile(rb"\r\nCall-ID: *([^\r]*)", re.IGNORECASE)
_TO = re.compile(rb"\r\nTo: *([^\r]*)", re.IGNORECASE)
_COPIED = re.compile(rb"\r\n((?:Via|From|To|Call-ID|CSeq): *[^\r]*)", re.IGNORECASE)

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Kind:
    """What is forged: messages a second by method, and whose numbers they show."""

    rates: dict[str, int]
    first_caller: int = FIRST_FORGED


KINDS = {
    "invites": Kind({"INVITE": 2000}),
    "unlisted": Kind({"INVITE": 2000}, FIRST_UNLISTED),
    "others": Kind({"BYE": 700, "OPTIONS": 2000}),
}


@dataclass(slots=True)
class Seen:
    """What the trunk saw. Delays are in milliseconds."""

    forged: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    """Answers to forged messages, by status."""
    rejected: int = 0
    """Real triggers that were rejected."""
    rang: int = 0
    """Those that rang before."""
    called_back: int = 0
    repeated: int = 0
    """INVITEs of real triggers that were sent again."""
    options: int = 0
    options_answered: int = 0
    options_p99: float = 0.0
    late_p99: float = 0.0
    """How late the flood itself was."""


@dataclass(slots=True)
class _Real:
    """A real trigger."""

    number: int
    invite: bytes
    again_at: float
    pause: float = _T1
    answered: bool = False
    rang: bool = False
    rejected: bool = False
    called_back: bool = False


class Flooder:
    """The trunk, and whoever sends in its name."""

    def __init__(self, server: Address, port: int, kind: Kind) -> None:
        self._server = server
        self._kind = kind
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        self._socket.bind((LOCAL, port))
        self._socket.setblocking(False)
        self._port = port
        self._templates = {method: _template(method, port) for method in kind.rates}
        self._sent = dict.fromkeys(kind.rates, 0)
        self._statuses: Counter[str] = Counter()
        self._real: dict[bytes, _Real] = {}
        self._options: dict[bytes, float] = {}
        self._answered, self._late = Delays(), Delays()
        self._seen = Seen()

    def run(self, seconds: float, tell: Callable[[str], None]) -> Seen:
        began = time.monotonic()
        tell("flood")
        due = began
        while (now := time.monotonic()) < began + seconds + AFTER_SECONDS:
            if now < due:
                self._take(now)
                time.sleep(max(0.0, min(due - time.monotonic(), 0.001)))
                continue
            passed = due - began
            if passed < seconds:
                self._late.add((now - due) * 1000)
                self._flood(passed)
                self._ring(passed / seconds, now)
                self._ask(passed, now)
            elif due - _BATCH_SECONDS < began + seconds:
                tell("over")
            self._repeat(now)
            due += _BATCH_SECONDS
        return self._summary()

    def _flood(self, passed: float) -> None:
        """Send what is due of the flood."""
        send = self._socket.sendto
        for method, rate in self._kind.rates.items():
            template, first = self._templates[method], self._sent[method]
            last = int((passed + _BATCH_SECONDS) * rate)
            for number in range(first, last):
                caller = self._kind.first_caller + number
                try:
                    send(template % (number, caller, number, number), self._server)
                except BlockingIOError:
                    continue
                self._seen.forged += 1
            self._sent[method] = last

    def _ring(self, share: float, now: float) -> None:
        """Send the real triggers that are due."""
        while len(self._real) < REAL and len(self._real) <= share * REAL:
            number = len(self._real)
            call_id = b"real-%d" % number
            template = _template("INVITE", self._port).replace(b"forged", b"real")
            invite = template % (number, FIRST_REAL + number, number, number)
            self._real[call_id] = _Real(number, invite, now + _T1)
            self._socket.sendto(invite, self._server)

    def _ask(self, passed: float, now: float) -> None:
        """Send the trunk's own OPTIONS, one a second."""
        if len(self._options) <= passed:
            number = len(self._options)
            template = _template("OPTIONS", self._port).replace(b"forged", b"asked")
            self._options[b"asked-%d" % number] = now
            self._socket.sendto(template % (number, FIRST_REAL, number, number), self._server)

    def _repeat(self, now: float) -> None:
        for real in self._real.values():
            if not real.answered and now >= real.again_at:
                real.pause = min(2 * real.pause, _T2)
                real.again_at = now + real.pause
                self._seen.repeated += 1
                self._socket.sendto(real.invite, self._server)

    def _take(self, now: float) -> None:
        """Take what has come."""
        while True:
            try:
                data = self._socket.recv(65_535)
            except BlockingIOError:
                return
            found = _CALL_ID.search(data)
            call_id = found[1] if found is not None else b""
            if not data.startswith(b"SIP/2.0 "):
                self._take_request(data)
            elif call_id.startswith(b"forged"):
                self._statuses[data[8:11].decode()] += 1
            elif call_id in self._real:
                self._take_response(self._real[call_id], int(data[8:11]), data)
            elif call_id in self._options:
                asked, self._options[call_id] = self._options[call_id], 0.0
                if asked:
                    self._seen.options_answered += 1
                    self._answered.add((now - asked) * 1000)

    def _take_response(self, real: _Real, status: int, data: bytes) -> None:
        real.answered = True
        real.rang = real.rang or status == 180
        if status >= 300:
            real.rejected = True
            to = _TO.search(data)
            assert to is not None
            ack = _TO.sub(b"\r\nTo: " + to[1], real.invite.replace(b"INVITE", b"ACK"))
            self._socket.sendto(ack, self._server)

    def _take_request(self, data: bytes) -> None:
        """The server asks whether the trunk is there, or calls somebody back, who is busy."""
        method, target = data.split(b" ", 2)[:2]
        if method == b"ACK":
            return
        number = int(re.sub(rb"\D", b"", target.partition(b"@")[0]) or b"0")
        real = self._real.get(b"real-%d" % (number - FIRST_REAL))
        if method == b"INVITE" and real is not None:
            real.called_back = True
        status = b"486 Busy Here" if method == b"INVITE" else b"200 OK"
        head = b"SIP/2.0 " + status
        lines = [head, *_COPIED.findall(data.partition(b"\r\n\r\n")[0])]
        lines = [line + b";tag=b" if line.lower().startswith(b"to:") else line for line in lines]
        answer = b"\r\n".join([*lines, b"Content-Length: 0", b"", b""])
        self._socket.sendto(answer, self._server)

    def _summary(self) -> Seen:
        seen, real = self._seen, self._real.values()
        seen.statuses = dict(self._statuses)
        seen.rejected = sum(each.rejected for each in real)
        seen.rang = sum(each.rang for each in real)
        seen.called_back = sum(each.called_back for each in real)
        seen.options = len(self._options)
        seen.options_p99, seen.late_p99 = self._answered.percentile(99), self._late.percentile(99)
        return seen


def _template(method: str, port: int) -> bytes:
    """A message; to be filled in: branch, caller, From tag, Call-ID."""
    to_tag = ";tag=gone" if method == "BYE" else ""
    lines = [
        f"{method} sip:{ACCESS}@{LOCAL} SIP/2.0",
        f"Via: SIP/2.0/UDP {LOCAL}:{port};branch=z9hG4bKforged%d;rport",
        "Max-Forwards: 70",
        f"From: <sip:+%d@{LOCAL}>;tag=forged%d",
        f"To: <sip:{ACCESS}@{LOCAL}>{to_tag}",
        "Call-ID: forged-%d",
        f"CSeq: 1 {method}",
        f"Contact: <sip:trunk@{LOCAL}:{port}>",
        "Content-Length: 0",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def main(arguments: Sequence[str]) -> None:
    server, port, kind, seconds = arguments
    flooder = Flooder((LOCAL, int(server)), int(port), KINDS[kind])
    sys.stdin.readline()  # the server takes calls
    seen = flooder.run(float(seconds), lambda word: print(word, flush=True))
    print(json.dumps(dataclasses.asdict(seen)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
