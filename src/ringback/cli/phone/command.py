"""The phone at the terminal: what is typed, and what is printed."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from ringback.cli.phone.phone import Phone
from ringback.sip.transaction import Address

HELP = """\
call NUMBER    ring a number (the default is the access number of the example setup)
0042#          press keys on the call that is up
hang           hang up
quit           end"""
OTHER_PARTY = ("one", "two", "three", "four", "five")
_KEYS = re.compile(r"[0-9*#A-D]+")
_PAUSE_SECONDS = 1.0
"""After so long without a word, what was heard is printed as one sentence."""


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
    printer = _Json() if as_json else _Words(number)
    asyncio.run(
        _run(
            printer,
            _address(listen),
            _address(server),
            number,
            access_number,
            answer_after=answer_after,
            record=record,
            knows=knows or [],
            talks=talk,
        )
    )


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal():
        raise typer.BadParameter(f"write it as host:port, not {text!r}")
    return host, int(port)


class _Json:
    """Each event as a line of JSON, for programs."""

    def __call__(self, event: str, **facts: Any) -> None:
        print(json.dumps({"event": event, "time": time.time(), **facts}), flush=True)


class _Words:
    """Each event as people read it."""

    def __init__(self, number: str) -> None:
        self._number = number
        self._said: dict[str, list[str]] = {}
        self._timer: asyncio.TimerHandle | None = None
        print(f"This phone is {number}. Commands:\n{HELP}\n", flush=True)

    def __call__(self, event: str, **facts: Any) -> None:
        match event:
            case "heard":
                word = facts["words"] if facts["whole"] else f"{facts['words']} …"
                self._said.setdefault(facts["line"], []).append(word)
                if self._timer is not None:
                    self._timer.cancel()
                self._timer = asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._sentence)
                return
            case "ring":
                text = f"ringing {facts['number']}"
            case "trigger":
                text = f"{facts['status'] or ''} {facts['reason']}"
            case "incoming":
                name = f" ({facts['name']})" if facts["name"] else ""
                text = f"{self._who(facts)}: call from {facts['number']}{name}, answering"
                text = "".join(filter(str.isprintable, text))  # whoever calls chose them
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
            print(f"  {self._who({'line': line})} hear: {' '.join(words)}", flush=True)
        self._said = {}


async def _run(
    printer: _Json | _Words,
    listen: Address,
    server: Address,
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
    printer("ready", text=f"listening on {listen[0]}:{listen[1]}")
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while line := await reader.readline():
            word, _, rest = line.decode(errors="replace").strip().partition(" ")
            if word in ("quit", "q", "exit"):
                break
            _obey(device, printer, word, rest.strip() or access_number)
    finally:
        device.close()


def _obey(device: Phone, printer: _Json | _Words, word: str, number: str) -> None:
    if word in ("call", "c"):
        device.ring(number)
    elif word in ("hang", "h"):
        device.hang_up()
    elif _KEYS.fullmatch(word):
        device.press(word)
    elif word:
        printer("note", text=HELP)
