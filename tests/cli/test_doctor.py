"""`ringback doctor`: each thing that keeps calls from working, and its mending."""

from __future__ import annotations

import asyncio
import copy
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from alembic import command
from tests.cli.helpers import SETUP, Commands
from tests.e2e.ports import free_port
from tests.postgresql import Cluster

from ringback.accounts.setupfile import SetupError
from ringback.cli.doctor.examine import examine
from ringback.cli.doctor.finding import Finding
from ringback.config import ConfigError, load_config
from ringback.engines.embedded.probe import Probed
from ringback.store.migrate import alembic_config
from ringback.store.opening import database_url, open_engine


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    commands = Commands(tmp_path)
    configure(commands)
    return commands


def configure(
    commands: Commands, listen: str = "", trunk: str = "", more: str = "", *, applied: bool = True
) -> None:
    listen = listen or f"127.0.0.1:{free_port()}"
    if "rtp_ports" not in more:
        more += '\nrtp_ports = "61000-61399"'  # not where other tests have their sound
    trunk = trunk or f"host: 127.0.0.1, port: {free_port()}"
    (commands.folder / "ringback.toml").write_text(
        f'[server]\ndata_dir = "data"\n[sip]\nlisten = "{listen}"\n{more}\n'
    )
    ways = f"trunks: [{{name: carrier, {trunk}}}]\nroutes: [{{trunks: [carrier]}}]\n"
    if applied:
        commands("apply", commands.file(ways, "ways.yaml"))


def found(commands: Commands, grade: str) -> list[str]:
    return [each.text for each in findings(commands) if each.grade == grade]


def findings(commands: Commands) -> list[Finding]:
    file = commands.folder / "ringback.toml"
    return asyncio.run(examine(load_config(file), file))


def apply(commands: Commands, **extension: Any) -> None:
    setup = copy.deepcopy(SETUP)
    setup["extensions"] = [{"name": "other", "account": "acme", **extension}]
    commands("apply", commands.file(yaml.safe_dump(setup), "other.yaml"))


@pytest.fixture
def carrier() -> Iterator[int]:
    """A port where OPTIONS are answered."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(20)

        def answer() -> None:
            data, peer = sock.recvfrom(4096)
            kept = [
                line
                for line in data.decode().split("\r\n")
                if line.lower().startswith(("via:", "from:", "to:", "call-id:", "cseq:"))
            ]
            told = ["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]
            sock.sendto("\r\n".join(told).encode(), peer)

        thread = threading.Thread(target=answer)
        thread.start()
        yield sock.getsockname()[1]
        thread.join()


def test_all_is_well(ringback: Commands, carrier: int) -> None:
    configure(ringback, trunk=f"host: 127.0.0.1, port: {carrier}")
    told = findings(ringback)
    assert {each.grade for each in told} == {"ok"}
    assert any("answers: 200 OK" in each.text for each in told)


def test_a_trunk_that_does_not_answer(ringback: Commands) -> None:
    (silent,) = found(ringback, "WARNING")
    assert silent.startswith("trunk carrier (127.0.0.1:") and "does not answer OPTIONS" in silent
    configure(ringback, trunk="host: nowhere.invalid")
    (fault,) = found(ringback, "FAULT")
    assert fault.startswith("trunk carrier: host 'nowhere.invalid' cannot be looked up")


def test_ports(ringback: Commands) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        configure(ringback, listen=f"127.0.0.1:{other.getsockname()[1]}")
        (fault,) = found(ringback, "FAULT")
        assert "another program has it" in fault and "[sip] listen" in fault
    configure(ringback, listen="192.0.2.1:5060")
    (fault,) = found(ringback, "FAULT")
    assert "write an address of this machine" in fault


def test_sound_ports(ringback: Commands) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        low = min(port, 65535 - 400) // 2 * 2
        configure(ringback, more=f'rtp_ports = "{low}-{low + 399}"')
        (told,) = [each for each in found(ringback, "WARNING") if "rtp_ports" in each]
        assert f"other programs have 1 of them ({port})" in told
        configure(ringback, more=f'rtp_ports = "{port - 1}-{port + 2}"')
        assert any("no room" in each or "1 of them" in each for each in found(ringback, "FAULT"))
    for ports, room in (("40000-40001", 0), ("40001-40004", 0), ("40000-40003", 1)):
        configure(ringback, more=f'rtp_ports = "{ports}"')
        told = "\n".join(found(ringback, "FAULT"))
        assert ("have no room for a conversation" in told) == (room == 0)


@pytest.mark.parametrize("host", ["a..b", ".a", "a.", "-a.b", "a" * 64, f"{'a.' * 127}b"])
def test_a_host_that_can_be_none_is_refused(ringback: Commands, host: str) -> None:
    configure(ringback, more=f'advertise = "{host}"', applied=False)
    with pytest.raises(ConfigError, match="an IPv4 address or a name"):
        findings(ringback)
    with pytest.raises(SetupError, match="host: write an IPv4 address or a name"):
        configure(ringback, trunk=f'host: "{host}"')


def test_an_address_to_advertise_that_is_not_known(ringback: Commands) -> None:
    configure(ringback, more='advertise = "nowhere.invalid"')
    assert any(
        each.startswith("[sip] advertise 'nowhere.invalid' cannot be looked up")
        for each in found(ringback, "FAULT")
    )


def test_another_currency_than_the_databases(ringback: Commands) -> None:
    file = ringback.folder / "ringback.toml"
    file.write_text(file.read_text().replace("[server]", '[server]\ncurrency = "EUR"'))
    assert found(ringback, "FAULT") == [
        "serve does not start: [server] currency is EUR, and the amounts in this database are in "
        'GBP: write currency = "GBP", or begin with an empty database'
    ]


def test_a_database_that_cannot_hold_every_name(ringback: Commands, cluster: Cluster) -> None:
    with psycopg.connect(cluster.url("postgres"), autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        )
    file = ringback.folder / "ringback.toml"
    url = cluster.url("latin")
    file.write_text(file.read_text() + f'[database]\nurl = "{url}"\n')
    (fault,) = found(ringback, "FAULT")
    assert "it is in LATIN1, which cannot hold every name: make another with" in fault
    engine = open_engine(database_url(url))
    with engine.begin() as tx:  # as an older Ringback made its tables there
        command.upgrade(alembic_config(tx), "head")
    engine.dispose()
    assert any("and move with ringback backup" in each for each in found(ringback, "FAULT"))
    cluster.drop(url)


def test_a_private_address_advertised_to_a_public_trunk(
    ringback: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec section 11 by name; nothing is sent to that address."""

    async def nobody_asked(*arguments: object) -> dict[str, Probed]:
        return {"carrier": Probed(["8.8.8.8"])}

    monkeypatch.setattr("ringback.cli.doctor.network.probe", nobody_asked)
    configure(ringback, trunk="host: 8.8.8.8", more='advertise = "192.168.1.5"')
    warnings = found(ringback, "WARNING")
    assert "private address 192.168.1.5: set [sip] advertise to your public one" in warnings[0]
    configure(ringback, trunk="host: 8.8.8.8", more='advertise = "8.8.4.4"')
    assert not any("advertise" in each for each in found(ringback, "WARNING"))


def test_without_routes_no_call_goes_out(ringback: Commands) -> None:
    ringback("routes", "remove", "")
    assert found(ringback, "FAULT") == [
        "there is no route: no call can go out: add one with ringback routes add"
    ]
    ringback("routes", "add", "44", "trunks=carrier")
    assert "only numbers that begin with 44 have a route" in found(ringback, "WARNING")
    ringback("routes", "remove", "44")
    ringback("trunks", "remove", "carrier")
    (fault,) = found(ringback, "FAULT")
    assert fault.startswith("there is no trunk: no call can come in or go out: add one")


def test_trunks_that_stand_in_the_configuration(ringback: Commands) -> None:
    file = ringback.folder / "ringback.toml"
    with file.open("a") as more:
        more.write('[[trunk]]\nname = "old"\nhost = "127.0.0.1"\n')
    (fault,) = found(ringback, "FAULT")
    assert fault.startswith(f"serve does not start: {file}:7: [[trunk]]: trunks and routes are in")


def test_a_password_of_another_key(ringback: Commands) -> None:
    configure(ringback, trunk="host: 127.0.0.1, port: 9, user: u, password: p")
    (ringback.folder / "data" / "secrets.key").write_bytes(b"x" * 32)
    assert any(
        each.startswith("trunk carrier: its password was stored with another key: set it anew")
        for each in found(ringback, "WARNING")
    )


def test_an_extension_that_nobody_can_use(ringback: Commands) -> None:
    apply(ringback, callback={"disconnect_sound": "//bye.wav"})
    told = [each for each in found(ringback, "WARNING") if "extension other" in each]
    assert told == [
        "extension other has no access number: nobody can ring it",
        "extension other calls authorized callerIDs back, and none is enabled: add one to "
        "caller_ids, or see return_calls",
        "extension other: missing: sound //bye.wav: it is skipped: put it under sounds of the "
        "setup file",
    ]


def test_no_plan_and_no_rate(ringback: Commands) -> None:
    apply(
        ringback,
        access_numbers=["+442071838751"],
        caller_ids=[{"number": f"+3312345678{last}"} for last in range(3)],
    )
    assert any(
        "extension other: no return call is possible: acme: the plan 'retail' has no valid rate "
        "for +33123456780, and 2 more numbers" in each
        for each in found(ringback, "WARNING")
    )
    ringback("apply", ringback.file("accounts: [{name: acme, plan: null}]", "no.yaml"))
    assert all("no payer" in each for each in found(ringback, "FAULT"))
    assert len(found(ringback, "FAULT")) == 2


def test_credit_without_a_limit_a_day(ringback: Commands) -> None:
    """Unlimited or postpaid, unless it or somebody above has a `spend_per_day`."""

    def told() -> list[str]:
        return [each for each in found(ringback, "WARNING") if "spend_per_day" in each]

    callers = [{"number": f"+4477009001{last}", "credit": "unlimited"} for last in ("25", "26")]
    apply(ringback, caller_ids=callers)
    setting = "set guards: {spend_per_day: ...}, or whoever gets hold of it spends without end"
    (line,) = told()
    assert line.endswith(
        f"extension other: callerID +447700900125 and 1 more have unlimited credit: {setting}"
    )
    apply(ringback, caller_ids=[{**callers[0], "guards": {"spend_per_day": "5.00"}}])
    (line,) = told()
    assert "callerID +447700900126 has unlimited credit" in line
    apply(ringback, guards={"spend_per_day": "50.00"})
    assert told() == []

    postpaid = "plans: [{name: retail, kind: postpaid, limit: '10.00'}]"
    ringback("apply", ringback.file(postpaid, "postpaid.yaml"))
    (line,) = told()
    assert line.endswith(f"account acme: its plan is postpaid: {setting}")
    limited = "accounts: [{name: admin, guards: {spend_per_day: '100.00'}}]"
    ringback("apply", ringback.file(limited, "limited.yaml"))
    assert told() == []


def test_the_key(ringback: Commands) -> None:
    key = ringback.folder / "data" / "secrets.key"
    key.chmod(0o644)
    assert found(ringback, "FAULT") == [
        f"serve does not start: others can read the key: chmod 600 {key}"
    ]
    key.chmod(0o600)
    key.write_bytes(bytes(32))
    (fault,) = found(ringback, "FAULT")
    assert "not the one that this database was made with" in fault
    key.write_bytes(b"short")
    (fault,) = found(ringback, "FAULT")
    assert "is no key: restore it" in fault


def test_a_database_that_is_none(ringback: Commands) -> None:
    (ringback.folder / "data" / "ringback.sqlite").write_bytes(b"x" * 10_000)
    (fault,) = found(ringback, "FAULT")
    assert "not an SQLite database" in fault


def test_before_anything_was_applied(tmp_path: Path) -> None:
    commands = Commands(tmp_path, apply=False)
    configure(commands, applied=False)
    assert found(commands, "WARNING")[0].startswith("nothing has been applied yet: run ringback")
    assert not (tmp_path / "data").exists()
