"""The real server; SIPp as callers, as their phones and as one remote party; and `phones` as the
sound of them all.

In one session the trigger rings for 1 s; the return call comes without delay; the phone listens to
the first prompt for 1 s, and presses 5 keys for the PIN and 12 for the number, by RFC 4733; B
answers after 0.5 s; then both talk.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from tests.e2e import sipp
from tests.e2e.ports import free_port
from tests.e2e.sipp import LOCAL, Sipp
from tests.e2e.stage import MEDIA_PORTS, PIN, Server

from bench import wire
from bench.figures import Delays
from bench.phones import key_packets
from ringback.sounds.speech import BUILT_IN

ACCESS, REMOTE = "+442071838750", "+442079460000"
_FIRST_CALLER = 447_700_900_000
PROMPT_SECONDS = 1.0
RING_SECONDS = 0.5
KEYS = f"{PIN}#0{REMOTE.removeprefix('+44')}#"
UNTIL_TALK_SECONDS = PROMPT_SECONDS + len(key_packets(KEYS, 0.0)) * 0.02 + RING_SECONDS
"""Seconds from leg A's answer."""
RETURN_PREFIX, REMOTE_PREFIX = str(_FIRST_CALLER)[:6], REMOTE[1:]
RATES: tuple[dict[str, Any], ...] = tuple(
    {"prefix": prefix, "first_price": "0.02", "price_per_minute": "0.02"}
    for prefix in (RETURN_PREFIX, REMOTE_PREFIX)
)
"""With the blocks that a rate has by default."""
_PORTS = (24000, 31999)
_PHONES, _REMOTES, _CALLERS = "phones", "remotes", "callers"
_NO_LIMIT = "19000"


@dataclass(frozen=True, slots=True)
class Heard:
    """What the phones measured; delays are in milliseconds."""

    sent: int
    heard: int
    lost: int
    """The delay between two packets that arrived."""
    unheard: int
    """Calls in which one phone never heard the other."""
    delay_p99: float
    late_p99: float
    """How late the phones themselves were."""


_UNGUARDED = {"calls_per_hour": 1_000_000, "sessions": 1_000_000}
"""Too high ever to be reached; the calls are counted nevertheless."""


class Scene:
    """One server, and `count` callers with one session each."""

    def __init__(
        self,
        folder: Path,
        count: int,
        *,
        talk: float | None,
        credit: str = "5.00",
        rates: Sequence[Mapping[str, Any]] = RATES,
    ) -> None:
        """`talk` is for how many seconds they talk; None: until the server ends the call."""
        self.folder = folder
        self.count = count
        self.server = Server(folder)
        self._credit = credit
        self._rates = rates
        self._talk = talk
        self._callers = [f"+{_FIRST_CALLER + number}" for number in range(count)]
        self._rate = 0.0
        self._ports = {role: free_port() for role in (_PHONES, _REMOTES, _CALLERS)}
        self._sipps: list[Sipp] = []
        self._sound: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Return once the server takes calls and all phones are ready."""
        (self.folder / "ringback.toml").write_text(self._configuration())
        (self.folder / "setup.yaml").write_text(yaml.safe_dump(self._setup()))
        await self.server.command("apply", str(self.folder / "setup.yaml"))
        await self.server.start()
        self._sound = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.phones", KEYS, str(PROMPT_SECONDS)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self._sound.stdout is not None
        caller_port, remote_port = json.loads(await self._sound.stdout.readline())
        stays = None if self._talk is None else UNTIL_TALK_SECONDS + self._talk
        phone = sipp.callee(caller_port, rings=0.0, hangs_up_after=stays)
        await self._sipp(_PHONES, phone.replace(sipp.MARK_DONE, ""), "-m", _NO_LIMIT)
        remote = sipp.callee(remote_port, rings=RING_SECONDS)
        await self._sipp(_REMOTES, remote.replace(sipp.MARK_DONE, ""), "-m", _NO_LIMIT)

    async def begin(self, rate: float) -> None:
        """Begin all sessions, `rate` in a second; returns when the last trigger is rejected."""
        a_minute = round(rate * 60)
        self._rate = a_minute / 60
        numbers = self.folder / "numbers.csv"
        numbers.write_text("\n".join(["SEQUENTIAL", *self._callers, ""]))
        triggers = await self._sipp(
            _CALLERS,
            sipp.trigger(ACCESS, "[field0]"),
            *("-inf", str(numbers), "-m", str(self.count), "-cid_str", "%u-%p"),
            *("-r", str(a_minute), "-rp", "60s"),
            remote=f"{LOCAL}:{self.server.port}",
        )
        with contextlib.suppress(AssertionError):  # the session then counts as incomplete
            await triggers.finished(self.count / rate + 60)

    async def silence(self) -> Heard:
        """The phones fall silent, and report what they measured."""
        assert self._sound is not None
        output, _ = await self._sound.communicate(b"")
        return Heard(**json.loads(output))

    async def end(self) -> None:
        """All phones hang up."""
        for process in self._sipps:
            await process.kill()
        if self._sound is not None and self._sound.returncode is None:
            await self.silence()
        await self.server.stop()

    def invites_late(self) -> Delays:
        """How long each return INVITE came after the ACK that ended its trigger."""
        invited: dict[str, float] = {}
        for message in wire.first(self._log(_PHONES), "INVITE"):
            invited.setdefault(message.number.lstrip("+"), message.at)
        delays = Delays()
        for message in wire.first(self._log(_CALLERS), "ACK"):
            call = int(message.call_id.partition("-")[0])
            number = str(_FIRST_CALLER + call - 1)
            if number in invited:
                delays.add((invited[number] - message.at) * 1000)
        return delays

    def callers_late(self) -> Delays:
        """How late SIPp itself was with each trigger."""
        sent = [message.at for message in wire.first(self._log(_CALLERS), "INVITE")]
        begun = [at - number / self._rate for number, at in enumerate(sent)]
        return Delays((at - min(begun)) * 1000 for at in begun)

    def byes(self) -> dict[str, float]:
        """When each leg's BYE came from the server, by its Call-ID."""
        logs = self._log(_PHONES), self._log(_REMOTES)
        return {
            message.call_id: message.at
            for log in logs
            for message in wire.first(log, "BYE")
            if not message.sent
        }

    async def _sipp(self, role: str, xml: str, *options: str, remote: str | None = None) -> Sipp:
        process = Sipp(
            self.folder,
            xml,
            self._ports[role],
            *("-mp", str(next(MEDIA_PORTS)), "-l", _NO_LIMIT, "-deadcall_wait", "0"),
            *("-trace_shortmsg", "-shortmessage_file", str(self._log(role))),
            *options,
        )
        self._sipps.append(process)
        await process.start(remote)
        return process

    def _log(self, role: str) -> Path:
        return self.folder / f"{role}.log"

    def _configuration(self) -> str:
        first, last = _PORTS
        return "\n".join(
            [
                '[server]\ndata_dir = "data"',
                f'[sip]\nlisten = "{LOCAL}:{self.server.port}"\nrtp_ports = "{first}-{last}"',
            ]
        )

    def _setup(self) -> dict[str, Any]:
        callback = {
            "ring_seconds": 1,
            "callback_delay_seconds": 0,
            "require_caller_pin": True,
            "announce_duration": False,
            "disconnect_sound": "//bye.wav",
            "warn_before_end_seconds": 0,  # a beep would replace sound, which is counted
            "attempts": 1,
            "answer_timeout_seconds": 5,  # leg A is reserved as if B took this long
        }
        caller_ids = [
            {"number": number, "pin": PIN, "credit": self._credit, "order_number": "1"}
            for number in self._callers
        ]
        ways = ((_PHONES, RETURN_PREFIX), (_REMOTES, REMOTE_PREFIX))
        return {
            "accounts": [
                {"name": "admin", "guards": _UNGUARDED},
                {"name": "acme", "contact_name": "Acme Travel", "country": "GB",
                 "plan": "retail", "balance": "1000000.00", "guards": _UNGUARDED}
            ],
            "plans": [{"name": "retail", "rates": [*self._rates]}],
            "extensions": [
                {"name": "bench", "account": "acme", "access_numbers": [ACCESS],
                 "guards": _UNGUARDED, "callback": callback, "caller_ids": caller_ids}
            ],
            "sounds": [
                {"account": "acme", "path": "/bye.wav",
                 "file": str(BUILT_IN / "demo-credit-ended.wav")}
            ],
            "trunks": [
                {"name": role, "host": LOCAL, "port": self._ports[role]} for role, _ in ways
            ],
            "routes": [{"prefix": prefix, "trunks": [role]} for role, prefix in ways],
        }  # fmt: skip


@contextlib.asynccontextmanager
async def scene(count: int, **how: Any) -> AsyncIterator[Scene]:
    """A scene in a folder of its own, on disk; it has ended when this context ends. `how` as in
    `Scene`."""
    with tempfile.TemporaryDirectory(prefix="ringback-bench-", dir="/var/tmp") as name:
        played = Scene(Path(name), count, **how)
        try:
            await played.start()
            yield played
        finally:
            await played.end()
