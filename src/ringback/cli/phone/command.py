"""The phone at the terminal: it takes what is typed, and prints what happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from pathlib import Path
from threading import Thread
from typing import Annotated, Any

import typer

from ringback.cli.options import CommandError
from ringback.cli.phone.phone import Phone
from ringback.engines.embedded.udp import PortInUse, look_up
from ringback.numbering import without_separators
from ringback.sip.hop import Hop

HELP = """\
  call           ring the access number; call NUMBER rings another
  0042#          press keys on the call that is up
  hang           hang up
  quit           end"""
OTHER_PARTY = ("one", "two", "three", "four", "five")
LONGEST_LINE = 1000
_NUMBER = re.compile(r"[+]?[0-9]{2,20}", re.ASCII)
_KEYS = re.compile(r"[0-9*#A-D]+")
_PAUSE_SECONDS = 1.0
"""Seconds. After such a pause, the words heard so far are printed as one sentence."""


def phone(
    listen: Annotated[str, typer.Option(help="Where to listen, host:port.")] = "127.0.0.1:5070",
    server: Annotated[str, typer.Option(help="The server, host:port.")] = "127.0.0.1:5060",
    number: Annotated[str, typer.Option(help="The phone's own number.")] = "+447700900123",
    access_number: Annotated[str, typer.Option(help="What `call` rings.")] = "+442071838750",
    answer_after: Annotated[float, typer.Option(help="Seconds until it answers.")] = 1.0,
    record: Annotated[
        Path | None, typer.Option(help="Write what is heard to this WAV file.")
    ] = None,
    knows: Annotated[
        list[Path] | None, typer.Option(help="WAV files to recognise besides the built-in voice.")
    ] = None,
    talk: Annotated[
        bool, typer.Option("--talk", help="Speak on calls to its own number too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print events as JSON.")] = False,
) -> None:
    """A small SIP phone: it answers what rings, prints what it hears, presses what you type."""
    own, access = _number(number), _number(access_number)
    if own is None or access is None:
        raise typer.BadParameter("write numbers as digits, with or without +")
    if record is not None:
        with record.open("ab"):
            pass  # told now, not at the end of a call
    printer = _Json() if as_json else _Words(own)
    try:
        asyncio.run(
            _run(
                printer,
                _address(listen),
                _address(server),
                own,
                access,
                answer_after=answer_after,
                record=record,
                knows=knows or [],
                talks=talk,
            )
        )
    except PortInUse as error:
        raise CommandError(
            f"UDP {listen} is in use: end the program that has it, or choose another with --listen"
        ) from error


def _address(text: str) -> Hop:
    """A host and a port. The host is looked up, because answers come from an address."""
    host, colon, port = text.rpartition(":")
    if not colon or not re.fullmatch("[0-9]{1,5}", port, re.ASCII) or int(port) > 65535:
        raise typer.BadParameter(f"write it as host:port, not {text[:40]!r}")
    try:
        found = look_up(host)
    except OSError as error:
        raise typer.BadParameter(f"{host!r} cannot be looked up: {error.strerror}") from error
    return Hop("udp", found[0], int(port))


def _number(text: str) -> str | None:
    """A number without the separators that people put between its digits; None if it is not a
    number."""
    number = without_separators(text)
    return number if _NUMBER.fullmatch(number) else None


class _Json:
    """Prints each event as a line of JSON, for programs."""

    def __call__(self, event: str, **facts: Any) -> None:
        print(json.dumps({"event": event, "time": time.time(), **facts}), flush=True)


class _Words:
    """Prints each event for people to read."""

    def __init__(self, number: str) -> None:
        self._number = number
        self._said: dict[str, list[str]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self, event: str, **facts: Any) -> None:
        match event:
            case "heard":
                word = facts["words"] if facts["whole"] else f"{facts['words']} …"
                self._said.setdefault(facts["line"], []).append(word)
                if self._timer is not None:
                    self._timer.cancel()
                self._timer = asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._sentence)
                return
            case "ready":
                print(
                    f"This phone is {self._number}, at {facts['address']}. Type:\n{HELP}\n",
                    flush=True,
                )
                return
            case "ring":
                text = f"ringing {facts['number']}"
            case "trigger":
                text = (
                    f"{facts['status'] or 'no answer: is `ringback serve` up?'} {facts['reason']}"
                )
            case "incoming":
                name = f" ({facts['name']})" if facts["name"] else ""
                text = f"{self._who(facts)}: call from {facts['number']}{name}, answering"
                text = "".join(filter(str.isprintable, text))  # the calling party chose them
            case "answered":
                text = f"{self._who(facts)}: answered"
            case "digit":
                text = f"{self._who(facts)}: a key was pressed: {facts['digit']}"
            case "over":
                text = f"{self._who(facts)}: {facts['how']}"
                if "recorded" in facts:
                    text += f"; heard: {facts['recorded']}"
            case _:
                text = str(facts.get("text", event))
        self._sentence()
        print(f"  {text}", flush=True)

    def _who(self, facts: dict[str, Any]) -> str:
        own = facts["line"].lstrip("+") == self._number.lstrip("+")
        return "you" if own else facts["line"]

    def _sentence(self) -> None:
        for line, words in self._said.items():
            who = self._who({"line": line})
            print(f"  {who} {'hear' if who == 'you' else 'hears'}: {' '.join(words)}", flush=True)
        self._said = {}


async def _run(
    printer: _Json | _Words,
    listen: Hop,
    server: Hop,
    number: str,
    access_number: str,
    *,
    answer_after: float,
    record: Path | None,
    knows: list[Path],
    talks: bool,
) -> None:
    device = Phone(
        listen,
        server,
        number,
        printer,
        answer_after=answer_after,
        says=OTHER_PARTY,
        extra=knows,
        talks=talks,
        record=record,
    )
    printer("ready", address=f"{listen.host}:{listen.port}")
    typed: asyncio.Queue[bytes] = asyncio.Queue()
    Thread(target=_read, args=(asyncio.get_running_loop(), typed), daemon=True).start()
    try:
        while line := await typed.get():
            word, _, rest = line.decode(errors="replace").strip().partition(" ")
            if word in ("quit", "q", "exit"):
                break
            _obey(device, printer, word, rest.strip() or access_number)
    finally:
        device.close()


def _read(loop: asyncio.AbstractEventLoop, typed: asyncio.Queue[bytes]) -> None:
    """Pass on each line that is typed, and an empty one at the end. This is done in a thread,
    because standard input may be a file, for which no event loop can wait; and unbuffered, because
    the process may end while it waits."""
    with open(0, "rb", buffering=0, closefd=False) as file, contextlib.suppress(RuntimeError):
        while line := file.readline(LONGEST_LINE):
            loop.call_soon_threadsafe(typed.put_nowait, line)
        loop.call_soon_threadsafe(typed.put_nowait, b"")  # RuntimeError: the loop has ended


def _obey(device: Phone, printer: _Json | _Words, word: str, number: str) -> None:
    if word in ("call", "c"):
        wanted = _number(number)
        if wanted is None:
            printer("note", text="that is not a number: write digits, with or without +")
        else:
            device.ring(wanted)
    elif word in ("hang", "h"):
        device.hang_up()
    elif _KEYS.fullmatch(word):
        device.press(word)
    elif word:
        printer("note", text=f"type one of\n{HELP}")
