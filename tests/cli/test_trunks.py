"""`ringback trunks` and `ringback routes`."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from tests.cli.helpers import Commands
from typer.testing import CliRunner

from ringback.cli.app import app
from ringback.cli.options import CommandError
from ringback.config import ConfigError

OLD = """\
[server]
data_dir = "data"

[[trunk]]
name = "london-1"
host = "sip.example.net"
register = true
user = "acme"
password = "hush"
country = "GB"
strip = 2
prepend = "0"
plus = false
srtp = false

[[trunk]]
name = "phones"
host = "127.0.0.1"
port = 5070

[[route]]
prefix = "44"
trunks = ["london-1", "phones"]
weights = [3, 1]

[[route]]
trunks = ["phones"]
"""


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


def listed(ringback: Commands, what: str = "trunks") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ringback(what, "list", "--json"))
    return found


def test_a_trunk_by_hand(ringback: Commands) -> None:
    told = ringback(
        *("trunks", "add", "london-1", "host=sip.example.net", "port=5080", "trust_pai=true"),
        *("sources=192.0.2.1,192.0.2.0/28", "called.plus=false", "shown_prefixes=4420"),
    )
    assert told == "created trunk london-1\n"
    told = ringback("trunks", "change", "london-1", "port=", "called.plus=", "channels=30")
    assert told.splitlines() == [
        'trunk london-1: called {"plus": false} -> none',
        "trunk london-1: channels none -> 30",
        "trunk london-1: port 5080 -> none",
    ]
    assert ringback("trunks", "change", "london-1", "channels=30") == "nothing changed\n"
    (found,) = listed(ringback)
    assert found == {
        "id": found["id"],
        "name": "london-1",
        "host": "sip.example.net",
        "trust_pai": True,
        "sources": ["192.0.2.1", "192.0.2.0/28"],
        "shown_prefixes": ["4420"],
        "channels": 30,
        "password_set": False,
        "cost_plan": None,
    }
    assert "sip.example.net" in ringback("trunks", "list")
    assert ringback("trunks", "change", "london-1", "name=paris").startswith("trunk paris: name")
    assert ringback("trunks", "remove", "paris") == "deleted trunk paris\n"
    assert listed(ringback) == []


def test_a_password_is_asked_for_and_never_shown(ringback: Commands) -> None:
    config = str(ringback.folder / "ringback.toml")
    asked = CliRunner().invoke(
        app,
        ["trunks", "add", "t", "host=h", "user=u", "password=-", "--config", config],
        input="hush-hush\n",
        catch_exceptions=False,
    )
    assert (asked.exit_code, asked.output) == (0, "created trunk t\n")
    (found,) = listed(ringback)
    assert found["password_set"] is True
    changed = ringback("trunks", "change", "t", "password=other-hush", "--json")
    (told,) = json.loads(changed)
    assert (told["fields"], told["secrets"]) == ({}, {"password": "changed"})
    everything = ringback("trunks", "list") + ringback("trunks", "list", "--json") + changed
    assert "hush" not in everything


def test_routes_by_hand(ringback: Commands) -> None:
    ringback("trunks", "add", "a", "host=h")
    ringback("trunks", "add", "b", "host=h")
    assert ringback("routes", "add", "", "trunks=a") == 'created route ""\n'
    ringback("routes", "add", "44", "trunks=a,b", "weights=3,1")
    assert ringback("routes", "change", "44", "prefix=4420", "weights=").splitlines() == [
        "route 4420: prefix 44 -> 4420",
        "route 4420: weights [3, 1] -> none",
    ]
    assert [(each["prefix"], each["trunks"]) for each in listed(ringback, "routes")] == [
        ("", ["a"]),
        ("4420", ["a", "b"]),
    ]
    assert "every number" in ringback("routes", "list")
    assert ringback("routes", "remove", "4420", "--json").count('"deleted"') == 1


def test_what_is_changed_is_in_the_audit_log(ringback: Commands) -> None:
    ringback("trunks", "add", "a", "host=h", "user=u", "password=hush")
    ringback("routes", "add", "44", "trunks=a")
    ringback("trunks", "change", "a", "port=5080")
    ringback("trunks", "change", "a", "port=5080")
    ringback("routes", "remove", "44")
    ringback("trunks", "remove", "a")
    file = ringback.file(OLD, "old.toml")
    ringback("trunks", "import", file, "--dry-run")
    ringback("trunks", "import", file)
    engine = create_engine(ringback.url)
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT * FROM audit WHERE kind IN ('trunk', 'route') ORDER BY number")
        ).all()
    engine.dispose()
    assert [row.verb for row in rows] == [
        "trunk.add",
        "route.add",
        "trunk.change",
        "route.remove",
        "trunk.remove",
        *["trunk.put"] * 2,
        *["route.put"] * 2,
    ]
    assert {(row.who, row.path) for row in rows} == {("command line", "admin")}
    assert json.loads(rows[0].secrets) == {"password": "set"} and "hush" not in repr(rows)


def test_a_trunk_is_the_first_thing_there_is(tmp_path: Path) -> None:
    """Key, database and the server administrator's account are made for it."""
    ringback = Commands(tmp_path, apply=False)
    assert ringback("trunks", "add", "a", "host=h") == "created trunk a\n"
    assert [each["name"] for each in listed(ringback)] == ["a"]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("trunks", "add", "t"), "host: is required"),
        (("trunks", "add", "a", "host=h"), "name: there is a trunk 'a' already"),
        (("trunks", "add", "t", "host"), "'host': write KEY=VALUE"),
        (("trunks", "add", "t", "colour=red"), "colour: there is no such field: write one of "),
        (("trunks", "add", "t", "called=x"), "called: there is no such field"),
        (("trunks", "add", "t", "called.colour=x"), "called.colour: there is no such field"),
        (("trunks", "add", "t", "host=h", "port=x"), "port: write a whole number"),
        (("trunks", "add", "t", "host=h", "plus=maybe"), "plus: write true or false"),
        (("trunks", "add", "t", "host=h", "transport=tls"), "transport: this version speaks SIP"),
        (("trunks", "change", "t", "port=5080"), "there is no trunk 't'"),
        (("trunks", "remove", "t"), "there is no trunk 't'"),
        (("trunks", "remove", "a"), "routes: 44 names it: take it out of there first"),
        (("trunks", "test", "t"), "there is no trunk 't'"),
        (("routes", "add", "44", "trunks=a"), "prefix: there is a route with the prefix '44'"),
        (("routes", "add", "33", "trunks=x"), "trunks: there is no trunk 'x'"),
        (("routes", "add", "+33", "trunks=a"), "prefix: '+33' is no prefix"),
        (("routes", "change", "33", "trunks=a"), "there is no route with the prefix '33'"),
        (("routes", "remove", "33"), "there is no route with the prefix '33'"),
    ],
)
def test_what_cannot_be_done_is_told(
    ringback: Commands, arguments: tuple[str, ...], fault: str
) -> None:
    ringback("trunks", "add", "a", "host=h")
    ringback("routes", "add", "44", "trunks=a")
    with pytest.raises(CommandError) as caught:
        ringback(*arguments)
    assert str(caught.value).startswith(fault)
    assert [each["name"] for each in listed(ringback)] == ["a"]


def test_a_preset_fills_in_what_is_left_out(ringback: Commands) -> None:
    shown = CliRunner().invoke(app, ["trunks", "presets"]).stdout
    assert "help.sipgate.de" in shown
    known = json.loads(CliRunner().invoke(app, ["trunks", "presets", "--json"]).stdout)
    assert "twilio" in [each["name"] for each in known]
    ringback("trunks", "add", "berlin", "preset=sipgate", "user=1234567t0", "password=p")
    (found,) = listed(ringback)
    assert (found["host"], found["show_in"]) == ("sipconnect.sipgate.de", "p_preferred_identity")
    assert found["from_user"] == "user"


# Import


def test_the_trunks_of_an_older_configuration(ringback: Commands) -> None:
    file = ringback.folder / "ringback.toml"
    file.write_text(OLD)
    dry = ringback("trunks", "import", str(file), "--dry-run")
    assert dry.splitlines()[0] == "dry run: created trunk london-1" and listed(ringback) == []
    assert ringback("trunks", "import", str(file)).splitlines() == [
        "created trunk london-1",
        "created trunk phones",
        "created route 44",
        'created route ""',
        f"now take the [[trunk]] and [[route]] tables out of {file}: serve refuses them",
    ]
    assert ringback("trunks", "import", str(file)).splitlines()[0] == "nothing changed"
    london, phones = listed(ringback)
    assert (london["register"], london["password_set"]) == (True, True)
    assert (london["country"], london["strip"], london["plus"]) == ("GB", 2, False)
    assert (phones["host"], phones["port"]) == ("127.0.0.1", 5070)
    assert [each["weights"] for each in listed(ringback, "routes")] == [None, [3, 1]]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[server]\n", "it has no [[trunk]] and no [[route]]"),
        ("[[trunk]]\nname = 'a'\nport = '5060'\n", ":3: trunk[0].port: write a whole number"),
        ("[[trunk]\n", "not TOML"),
        (
            "[[trunk]]\nname = 'a'\nhost = 'h'\n[[trunk]]\nname = 'a'\nhost = 'h'\n",
            ":5: trunk[1].name: is there twice",
        ),
        (
            "[[route]]\ntrunks = ['a']\n[[route]]\ntrunks = ['a']\n",
            ":3: route[1].prefix: is there twice",
        ),
    ],
)
def test_a_file_that_cannot_be_imported(ringback: Commands, text: str, fault: str) -> None:
    file = ringback.file(text, "old.toml")
    with pytest.raises(ConfigError) as caught:
        ringback("trunks", "import", file)
    assert fault in str(caught.value)


def test_an_import_is_whole_or_not_at_all(ringback: Commands) -> None:
    file = ringback.file("[[trunk]]\nname='a'\nhost='h'\n[[route]]\ntrunks=['x']\n", "old.toml")
    with pytest.raises(CommandError, match="there is no trunk 'x'"):
        ringback("trunks", "import", file)
    assert listed(ringback) == []


# Test


Answer = Callable[[str], str | None]
"""The status line to a request; None: no answer."""
CHALLENGE = '401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth"'


@contextmanager
def carrier(answer: Answer) -> Iterator[int]:
    """A port where a carrier answers, as long as the context lasts."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(0.05)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    data, peer = sock.recvfrom(4096)
                except TimeoutError:
                    continue
                text = data.decode()
                said = answer(text)
                kept = [
                    line
                    for line in text.split("\r\n")
                    if line.lower().startswith(("via:", "from:", "to:", "call-id:", "cseq:"))
                ]
                if said is not None:
                    told = [f"SIP/2.0 {said}", *kept, "Content-Length: 0", "", ""]
                    sock.sendto("\r\n".join(told).encode(), peer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield sock.getsockname()[1]
        finally:
            over.set()
            thread.join()


def asked(ringback: Commands, port: int, *more: str) -> tuple[int, list[str]]:
    """What `trunks test` says of a carrier on that port."""
    config = str(ringback.folder / "ringback.toml")
    ringback("trunks", "add", "t", "host=127.0.0.1", f"port={port}", *more)
    result = CliRunner().invoke(app, ["trunks", "test", "t", "-c", config], catch_exceptions=False)
    return result.exit_code, result.stdout.splitlines()


def test_a_trunk_that_is_there(ringback: Commands) -> None:
    with carrier(lambda request: "200 OK") as port:
        code, told = asked(ringback, port)
        assert code == 0
        assert told == [
            f"127.0.0.1 is 127.0.0.1; asked at 127.0.0.1:{port}",
            "OPTIONS: 200 OK: it is there",
        ]
        found = json.loads(ringback("trunks", "test", "t", "--json"))
        assert (found["works"], found["options"]["status"]) == (True, 200)


def test_credentials_are_tried_and_nothing_is_registered(ringback: Commands) -> None:
    seen: list[str] = []

    def answer(request: str) -> str | None:
        if request.startswith("OPTIONS"):
            return "404 Not Found"
        seen.append(request)
        bindings = "200 OK\r\nContact: <sip:us@192.0.2.9>, <sip:us@192.0.2.10>"
        return bindings if 'username="u"' in request else CHALLENGE

    with carrier(answer) as port:
        code, told = asked(ringback, port, "register=true", "user=u", "password=hush")
    assert code == 0
    assert told[1:] == [
        "OPTIONS: 404 Not Found: it is there, and does not say more to us; calls may work all the "
        "same",
        "REGISTER: 200 OK: user and password are right; 2 addresses are registered now",
    ]
    assert len(seen) == 2
    assert not any("\r\nContact:" in request for request in seen), "it only asks"


def test_credentials_that_are_wrong(ringback: Commands) -> None:
    def answer(request: str) -> str:
        return "200 OK" if request.startswith("OPTIONS") else CHALLENGE

    with carrier(answer) as port:
        code, told = asked(ringback, port, "register=true", "user=u", "password=wrong")
    assert code == 1
    assert told[-1] == "REGISTER: 401 Unauthorized: refused: check user and password"


def test_nobody_answers(ringback: Commands) -> None:
    with carrier(lambda request: None) as port:
        code, told = asked(ringback, port, "register=true", "user=u", "password=p")
    assert code == 1
    assert told[1].startswith("OPTIONS: no answer within 3 s: see that the host and port are right")
    assert told[2] == "REGISTER: no answer within 3 s"
    assert "OPTIONS: no answer" in told[1]


def test_a_host_that_is_none(ringback: Commands) -> None:
    ringback("trunks", "add", "t", "host=nowhere.invalid")
    config = str(ringback.folder / "ringback.toml")
    result = CliRunner().invoke(app, ["trunks", "test", "t", "-c", config], catch_exceptions=False)
    assert result.exit_code == 1
    assert result.stdout.startswith("host 'nowhere.invalid' cannot be looked up")
