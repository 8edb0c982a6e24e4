"""Whether the instant of a rejection reveals what was decided on a trigger (spec section 4, step
1).

Callers of several kinds ring the real server over SIP on loopback, one after the other in random
order. For each kind the table shows how long after `ring_seconds` the rejection came, and how often
a single try can be told from an accepted one with the best threshold. Half of the tries are used to
find the threshold, the other half to count. 50 % is chance.
"""

from __future__ import annotations

import itertools
import random
import socket
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.e2e.ports import free_port, rtp_ports
from tests.e2e.sipp import LOCAL
from tests.e2e.stage import Server

from bench.figures import Table
from bench.plan import Plan

ACCESS = "+442071838750"
PESTERING = "+447700500000"
_FIRST = {"accepted": 447_700_900_000, "disabled": 447_700_800_000, "unlisted": 447_700_600_000}
"""The first number of each kind of caller that uses a new number for each try."""
KINDS = ("accepted", "unlisted", "hidden", "disabled", "duplicate", "counted")
_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Kind:
    """Tries of one kind of caller, in milliseconds."""

    name: str
    tries: Sequence[float]

    def told_from(self, other: Kind) -> float:
        """How often a try is correctly told from one of the other kind, in percent."""
        mine, theirs = self.tries[::2], other.tries[::2]
        threshold, later = max(
            ((at, later) for at in (*mine, *theirs) for later in (True, False)),
            key=lambda rule: _right(mine, theirs, *rule),
        )
        return 100 * _right(self.tries[1::2], other.tries[1::2], threshold, later)


def _right(mine: Sequence[float], theirs: Sequence[float], at: float, later: bool) -> float:
    """The share of tries that are told right if those above the threshold count as the one kind."""
    hits = [(took > at) is later for took in mine], [(took > at) is not later for took in theirs]
    return statistics.mean(statistics.mean(each) for each in hits)


class Callers:
    """All callers, who ring from one socket."""

    def __init__(self, sock: socket.socket, server: tuple[str, int]) -> None:
        self._sock = sock
        self._server = server
        self._numbers = itertools.count(1)
        self._fresh = {name: itertools.count(at) for name, at in _FIRST.items()}
        self._accepted = ""

    def ring(self, kind: str) -> float:
        """Make one call; returns how many milliseconds it took until the rejection."""
        if kind == "accepted":
            self._accepted = self._next(kind)
        number = {
            "accepted": self._accepted,
            "duplicate": self._accepted,
            "hidden": None,
            "counted": PESTERING,
        }
        return self._call(number[kind] if kind in number else self._next(kind))

    def _next(self, kind: str) -> str:
        return f"+{next(self._fresh[kind])}"

    def _call(self, caller: str | None) -> float:
        host, port = self._sock.getsockname()
        number = next(self._numbers)
        who = "anonymous@anonymous.invalid" if caller is None else f"{caller}@{host}"
        common = [
            f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bKoracle{number};rport",
            f"From: <sip:{who}>;tag=t{number}",
            f"Call-ID: oracle-{number}@{host}",
            "Max-Forwards: 70",
            *([] if caller is not None else ["Privacy: id"]),
        ]
        to = f"To: <sip:{ACCESS}@{LOCAL}>"
        self._send("INVITE", [*common, to, "CSeq: 1 INVITE", f"Contact: <sip:{host}:{port}>"])
        began = time.perf_counter()
        while True:
            answer = self._sock.recv(65_535)
            took = time.perf_counter() - began
            lines = answer.decode().split("\r\n")
            if f"Call-ID: oracle-{number}@{host}".lower() not in map(str.lower, lines):
                continue  # a request of the server's, or an answer to an earlier call
            if int(lines[0].split(" ")[1]) >= 300:
                (to,) = [line for line in lines if line.lower().startswith("to:")]
                self._send("ACK", [*common, to, "CSeq: 1 ACK"])
                return took * 1000

    def _send(self, method: str, headers: Sequence[str]) -> None:
        lines = [f"{method} sip:{ACCESS}@{LOCAL} SIP/2.0", *headers, "Content-Length: 0", "", ""]
        self._sock.sendto("\r\n".join(lines).encode(), self._server)


async def measure(tries: int) -> list[Kind]:
    """Make `tries` tries of each kind."""
    with tempfile.TemporaryDirectory(prefix="ringback-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        server = Server(folder)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((LOCAL, free_port()))
            sock.settimeout(_TIMEOUT_SECONDS)
            _configure(folder, server.port, sock.getsockname()[1], tries)
            await server.command("apply", str(folder / "setup.yaml"))
            await server.start()
            try:
                return _tries(Callers(sock, (LOCAL, server.port)), tries)
            finally:
                await server.stop()


def _tries(callers: Callers, tries: int) -> list[Kind]:
    for kind in ("accepted", *["counted"] * 12):  # from then on, further ones are only counted
        callers.ring(kind)
    order = list(KINDS) * tries
    random.Random(1).shuffle(order)
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for kind in order:
        took[kind].append(callers.ring(kind))
    return [Kind(kind, took[kind]) for kind in KINDS]


def _configure(folder: Path, port: int, trunk_port: int, tries: int) -> None:
    (folder / "ringback.toml").write_text(
        f'[server]\ndata_dir = "data"\n[sip]\nlisten = "{LOCAL}:{port}"\n'
        f'rtp_ports = "{rtp_ports()}"\n'
    )
    listed = range(tries + 1)
    accepted: list[dict[str, Any]] = [
        {"number": f"+{_FIRST['accepted'] + each}", "credit": "unlimited"} for each in listed
    ]
    disabled = [{"number": f"+{_FIRST['disabled'] + each}", "enabled": False} for each in listed]
    callback = {"ring_seconds": 0, "callback_delay_seconds": 60, "attempts": 1}
    setup = {
        "accounts": [{"name": "acme", "plan": "retail", "balance": "1000.00", "country": "GB"}],
        "plans": [{"name": "retail", "rates": [{"prefix": "", "price_per_minute": "0.02"}]}],
        "extensions": [
            {
                "name": "bench",
                "account": "acme",
                "access_numbers": [ACCESS],
                "callback": callback,
                "caller_ids": [*accepted, *disabled],
            }
        ],
        "trunks": [{"name": "callers", "host": LOCAL, "port": trunk_port}],
        "routes": [{"prefix": "", "trunks": ["callers"]}],
    }
    (folder / "setup.yaml").write_text(yaml.safe_dump(setup))


async def show(plan: Plan) -> None:
    tries = plan.oracle_tries
    title = f"When a trigger is rejected, after ring_seconds = 0, {tries} tries of each kind"
    table = Table(title, ("caller", "median", "p99", "told from accepted"), plan.show)
    accepted, *others = await measure(tries)
    for kind in (accepted, *others):
        told = "" if kind is accepted else f"{kind.told_from(accepted):.0f} %"
        percentile = statistics.quantiles(kind.tries, n=100)[98]
        table.row(
            (kind.name, f"{statistics.median(kind.tries):.2f} ms", f"{percentile:.2f} ms", told)
        )
