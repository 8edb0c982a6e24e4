"""`ringback demo`: a whole callback call between processes on this machine, on real SIP and RTP.

The server, the caller's phone and the other party's phone are separate processes. The demo waits
for each step until a phone has heard it, or the records contain it; it exits with 0 only if all of
it happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from ringback.cli import sessions as sessions_command
from ringback.cli import statement as statement_command
from ringback.cli.managing import looked
from ringback.config import Config, load_config
from ringback.management import places
from ringback.reports.sessions import sessions as read_sessions
from ringback.sounds.speech import BUILT_IN

CALLER = "+447700900123"
CALLEE = "+442079460000"
ACCESS = "+442071838750"
PIN = "0042"
CREDIT = "0.80"
LAST_WORDS = "Your credit has ended. Thank you for calling."

_SETUP = f"""\
accounts:
  - {{name: acme, parent: admin, level: organization, contact_name: Acme Travel, country: GB,
     time_zone: Europe/London, language: en, plan: retail, balance: "100.00"}}
extensions:
  - name: travellers
    account: acme
    access_numbers: ["{ACCESS}"]
    callback:
      ring_seconds: 1
      callback_delay_seconds: 0
      require_caller_pin: true
      credit_menu: true
      answer_timeout_seconds: 5
      warn_before_end_seconds: 4
      disconnect_sound: //goodbye.wav
    caller_ids:
      - {{number: "{CALLER}", pin: "{PIN}", credit: "{CREDIT}", order_number: A-1}}
plans:
  - name: retail
    rates:
      - {{prefix: "44", first_block: 10, first_price: "0.05", next_block: 5,
         price_per_minute: "0.60"}}
      - {{prefix: "4420", first_block: 10, first_price: "0.10", next_block: 5,
         price_per_minute: "1.20"}}
sounds: [{{account: acme, path: /goodbye.wav, file: goodbye.wav}}]
trunks:
  - {{name: caller, host: 127.0.0.1, port: CALLER_PORT}}
  - {{name: callee, host: 127.0.0.1, port: CALLEE_PORT}}
routes:
  - {{prefix: "", trunks: [caller]}}
  - {{prefix: "{CALLEE[1:]}", trunks: [callee]}}
"""
_CONFIG = """\
[server]
data_dir = "data"
[sip]
listen = "127.0.0.1:{server}"
rtp_ports = "{rtp}-{rtp_last}"
"""

Report = dict[str, Any]
_LATEST = 20


class DemoFailed(Exception):
    """Something that should have happened did not."""


class Actor:
    """A process that reports what happens in lines of JSON."""

    def __init__(self, name: str, log: Callable[[str, str], None]) -> None:
        self.name = name
        self._log = log
        self._events: asyncio.Queue[Report] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, *arguments: str) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ringback", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        loop = asyncio.get_running_loop()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            self._tasks.append(loop.create_task(self._read(stream)))

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            try:
                event = json.loads(line)
            except ValueError:
                self._log(self.name, line.decode(errors="replace").rstrip())
                continue
            if "type" in event:  # an event of a session, from the server's log
                self._log(self.name, f"[dim]session: {escape(str(event['event']))}[/dim]")
            await self._events.put(event)

    def type(self, line: str) -> None:
        """Type a line."""
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())

    async def wait_for(
        self, what: str, fits: Callable[[Report], bool], seconds: float = 15.0
    ) -> Report:
        """The next event that fits; events before it are skipped."""
        until = time.monotonic() + seconds
        while True:
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    event = await self._events.get()
            except TimeoutError as error:
                raise DemoFailed(f"{self.name}: waited {seconds:.0f} s for: {what}") from error
            if fits(event):
                return event

    def latest(self) -> list[str]:
        """The last events that nobody waited for."""
        left = [self._events.get_nowait() for _ in range(self._events.qsize())]
        return [json.dumps(event, ensure_ascii=False) for event in left[-_LATEST:]]

    async def stop(self) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(15):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        for task in self._tasks:
            task.cancel()


class Timeline:
    """Prints what happens, with the seconds since the beginning."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._start = time.monotonic()

    def __call__(self, who: str, what: str) -> None:
        seconds = time.monotonic() - self._start
        self._console.print(f"{seconds:6.1f} s  [bold]{who:<8}[/bold] {what}", highlight=False)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def run(*, keep: bool) -> int:
    """Run the demo; returns the exit status."""
    console = Console(width=None if sys.stdout.isatty() else 110)
    with tempfile.TemporaryDirectory(prefix="ringback-demo-") as name:
        folder = Path(name)
        timeline = Timeline(console)
        actors = {who: Actor(who, timeline) for who in ("server", "caller", "callee")}
        try:
            await _play(folder, timeline, actors, console)
            if keep:
                console.print(
                    "\nThe server and both phones go on; Ctrl-C ends them. Meanwhile, elsewhere:\n"
                    f"  ringback sessions --config {folder}/ringback.toml\n"
                    f"  ringback doctor --config {folder}/ringback.toml",
                    soft_wrap=True,
                    highlight=False,
                )
                with contextlib.suppress(asyncio.CancelledError):  # Ctrl-C: all of it happened
                    await asyncio.Event().wait()
        except DemoFailed as failure:
            console.print(f"\n[bold red]The demo failed.[/bold red] {escape(str(failure))}")
            for line in actors["server"].latest():
                console.print(f"  server: {escape(line)}", highlight=False)
            return 1
        finally:
            for actor in actors.values():
                await actor.stop()
    console.print("\n[bold green]All of it happened.[/bold green]")
    return 0


async def _play(folder: Path, say: Timeline, actors: dict[str, Actor], console: Console) -> None:
    server, caller, callee = actors["server"], actors["caller"], actors["callee"]
    await _set_up(folder, say, actors)
    config = folder / "ringback.toml"

    caller.type(f"call {ACCESS}")
    say("caller", f"rings {ACCESS}")
    await caller.wait_for("ringing", lambda event: event.get("status") == 180)
    say("caller", "hears it ring")
    await caller.wait_for("the rejection", lambda event: event.get("status") == 486)
    say("caller", "is not answered: 486 Busy Here; the call cost nothing")

    incoming = await caller.wait_for("the return call", _is("incoming"))
    say("caller", f"is called back by {incoming['number']} ({incoming['name']}), and answers")
    await _hear(caller, say, "Please enter your PIN")
    caller.type(f"{PIN}#")
    say("caller", "enters the PIN")
    await _hear(caller, say, "To hear your credit")
    caller.type("1")
    say("caller", "presses 1")
    await _hear_credit(caller, say)
    caller.type("2")
    say("caller", "presses 2")
    await _hear(caller, say, "Dial the number")
    caller.type("02079460000#")
    say("caller", "dials 020 7946 0000")
    await _hear_duration(caller, say)
    await _hear(caller, say, "[ringback]")

    incoming = await callee.wait_for("the outgoing call", _is("incoming"))
    say("callee", f"is called by {incoming['number']} ({incoming['name']})")
    await callee.wait_for("the answer", _is("answered"))
    say("callee", "answers, and counts")
    await _hear(caller, say, "three")
    caller.type("5")
    await callee.wait_for("a key", lambda event: event.get("digit") == "5")
    say("callee", "gets the 5 that the caller pressed")

    await _hear(caller, say, "[beep]", 60)
    await callee.wait_for("the end", _is("over"), 30)
    say("callee", "is cut off: the credit has ended")
    await _hear(caller, say, LAST_WORDS)
    await caller.wait_for("the end", _is("over"))
    say("caller", "is cut off, after the last sound")

    await server.wait_for("the end", lambda event: event.get("type") == "ended")
    await _check_records(load_config(config), console)


async def _set_up(folder: Path, say: Timeline, actors: dict[str, Actor]) -> None:
    ports = {name: _free_port() for name in ("server", "caller", "callee", "rtp")}
    rtp = min(ports["rtp"], 60000)
    config = folder / "ringback.toml"
    config.write_text(_CONFIG.format(server=ports["server"], rtp=rtp, rtp_last=rtp + 999))
    setup = _SETUP.replace("CALLER_PORT", str(ports["caller"]))
    (folder / "setup.yaml").write_text(setup.replace("CALLEE_PORT", str(ports["callee"])))
    shutil.copy(BUILT_IN / "demo-credit-ended.wav", folder / "goodbye.wav")
    say(
        "server",
        f"applies the setup: an extension, a callerID with a PIN and {CREDIT}, a rate, trunks",
    )
    apply = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ringback", "apply", str(folder / "setup.yaml")),
        *("--config", str(config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await apply.communicate()
    if apply.returncode != 0:
        raise DemoFailed(output.decode(errors="replace"))

    await actors["server"].start("serve", "--json", "--config", str(config))
    for who, number in (("caller", CALLER), ("callee", CALLEE)):
        await actors[who].start(
            *("phone", "--json", "--listen", f"127.0.0.1:{ports[who]}"),
            *("--server", f"127.0.0.1:{ports['server']}", "--number", number),
            *("--answer-after", "0.5" if who == "caller" else "1.0"),
            *("--record", str(folder / f"{who}.wav")),
            *(("--talk",) if who == "callee" else ()),
        )
        await actors[who].wait_for("the phone", _is("ready"))
    await actors["server"].wait_for(
        "the server", lambda event: str(event.get("event")).startswith("taking calls")
    )
    say("server", f"takes calls on 127.0.0.1:{ports['server']}")


def _is(name: str) -> Callable[[Report], bool]:
    return lambda event: event.get("event") == name


async def _hear(actor: Actor, say: Timeline, words: str, seconds: float = 15.0) -> None:
    """Wait until the phone has recognised a recording in what came over the wire."""
    event = await actor.wait_for(
        f"to hear {words!r}",
        lambda event: event.get("event") == "heard" and event["words"].startswith(words),
        seconds,
    )
    say(actor.name, f"hears: [italic]{escape(event['words'])}[/italic]")


async def _sentence(actor: Actor, first: str) -> str:
    """A phrase and the words that follow it, which are heard one by one."""
    await actor.wait_for(first, lambda event: event.get("words") == first)
    words = [first]
    while True:
        try:
            event = await actor.wait_for("a word", _is("heard"), 1.0)
        except DemoFailed:
            return " ".join(words)
        if event["words"].startswith("["):
            return " ".join(words)
        words.append(event["words"])


async def _hear_credit(actor: Actor, say: Timeline) -> None:
    sentence = await _sentence(actor, "Your credit is")
    say(actor.name, f"hears: [italic]{sentence}[/italic]")
    if "pound" not in sentence and "pence" not in sentence:
        raise DemoFailed(f"the credit was not spoken: {sentence}")


async def _hear_duration(actor: Actor, say: Timeline) -> None:
    sentence = await _sentence(actor, "You can talk for")
    say(actor.name, f"hears: [italic]{sentence}[/italic]")
    if "second" not in sentence and "minute" not in sentence:
        raise DemoFailed(f"the duration was not spoken: {sentence}")


async def _check_records(config: Config, console: Console) -> None:
    sessions = await looked(config, lambda act: read_sessions(act, places.top(act.tx)))
    console.print()
    session = sessions[0]
    sessions_command.show_whole(session, console)
    charges = [charge for leg in session["legs"] for charge in leg["charges"]]
    charged = [charge for charge in charges if charge["payer"] == CALLER]
    statement = await looked(config, lambda act: statement_command.read(act, CALLER, "GB"))
    statement_command.show(statement, console)
    if session["outcome"] != "cut_off" or len(charged) != 2:
        raise DemoFailed(f"the record says {session['outcome']}, with {len(charged)} charges")
