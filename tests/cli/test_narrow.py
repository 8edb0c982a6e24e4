"""What is printed for people can be read on 60 columns: no number, amount or word is broken."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from ringback.cli.lines import say
from ringback.cli.options import print_list
from ringback.cli.sessions import show, show_whole

NUMBER = "+447700900123"
LEG = {
    "leg": "A",
    "number": {"received": NUMBER, "e164": NUMBER, "dialled": "07700900123"},
    "trunk": "a-carrier-of-some-name",
    "answered": "2026-11-26T12:00:05.000+00:00",
    "ended": "2026-11-26T12:01:05.000+00:00",
    "cause": 200,
    "billed_seconds": 60,
    "charges": [
        {
            "payer": "northline-communications",
            "level": "organization",
            "amount": "123456.654321",
            "profit": None,
            "explanation": "setup 0.05, 60 s at 0.02, 61 × 10 s at 0.02/min",
        }
    ],
}
SESSION: dict[str, Any] = {
    "id": "01a21752-6388-7b77-84b8-cfa99dd7bd66",
    "extension": "travellers",
    "access_number": "+442071838750",
    "caller": NUMBER,
    "caller_id": NUMBER,
    "outcome": "refused_forbidden_number",
    "stage": "conversation",
    "started": "2026-11-26T12:00:00.000+00:00",
    "ended": "2026-11-26T12:01:05.000+00:00",
    "repeated": 12,
    "legs": [LEG],
    "refusals": [],
}


def printed(width: int, whole: bool) -> list[str]:
    console = Console(width=width, file=io.StringIO(), record=True)
    if whole:
        show_whole(SESSION, console)
    else:
        show([SESSION], console)
    return console.export_text().split("\n")


@pytest.mark.parametrize("width", [60, 100])
@pytest.mark.parametrize("whole", [False, True])
def test_sessions(width: int, whole: bool) -> None:
    lines = printed(width, whole)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    words = [NUMBER, "refused_forbidden_number", "conversation", "9dd7bd66"]
    if whole:
        words += ["a-carrier-of-some-name", "northline-communications", "123456.654321", "61 × 10"]
    for word in words:
        assert word in text
    assert "…" not in text


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_are_wrapped_between_words_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "FAULT   serve does not start: others can read the key: chmod 600 data/secrets.key"
    monkeypatch.setenv("COLUMNS", "60")
    say(text, stream=(file := io.StringIO()))
    assert file.getvalue() == text + "\n"
    say(text, indent=8, stream=(terminal := Terminal()))
    assert terminal.getvalue() == (
        "FAULT   serve does not start: others can read the key: chmod\n"
        "        600 data/secrets.key\n"
    )
    say("  " + "number " * 20, stream=(terminal := Terminal()))
    lines = terminal.getvalue().splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[1].startswith("    number")


def test_the_first_column_of_a_list_is_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    others = ["northline/acme", "northline/acme:travellers", "0", "+442079460000"]
    names = ("number", "account", "extension", "position", "destination")
    print_list([{}], names, lambda _: [NUMBER, *others], as_json=False)
    assert NUMBER in capsys.readouterr().out
