"""The configuration file: what it means, and how it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringback.config import (
    Config,
    ConfigError,
    HostPort,
    line_of,
    load_config,
    see_none_moved,
)
from ringback.guards.limits import Limits

WHOLE = """\
[server]
data_dir = "state"
listen = "0.0.0.0:8443"
currency = "EUR"
home_country = "DE"

[database]
url = "sqlite:///state/calls.db"

[engine]
kind = "embedded"

[sip]
listen = "192.0.2.1:5080"
advertise = "sip.example.org"
rtp_ports = "30000-30999"

[guards]
return_calls_per_hour = 10
return_calls_per_day = 20
special_prefixes = ["88299", "4490"]
"""


def load(folder: Path, text: str) -> Config:
    path = folder / "ringback.toml"
    path.write_text(text)
    return load_config(path)


def faults(folder: Path, text: str) -> list[str]:
    """What is found wrong, without the file's path."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    return [line.removeprefix(f"{folder}/ringback.toml:") for line in str(caught.value).split("\n")]


def test_every_key_is_read(tmp_path: Path) -> None:
    config = load(tmp_path, WHOLE)
    assert config.server.data_dir == tmp_path / "state"
    assert config.server.listen == HostPort(host="0.0.0.0", port=8443)
    assert (config.server.currency, config.server.home_country) == ("EUR", "DE")
    assert config.database_url == f"sqlite:///{tmp_path}/state/calls.db"
    assert config.sip.listen == HostPort(host="192.0.2.1", port=5080)
    assert (config.sip.advertise, config.sip.rtp_ports) == ("sip.example.org", (30000, 30999))
    assert config.guards.limits() == Limits(10, 20, ("88299", "4490"))
    assert config.trunk is config.route is None


def test_a_postgresql_url_is_taken_as_it_is(tmp_path: Path) -> None:
    url = "postgresql://ringback:secret@db.example/ringback"
    assert load(tmp_path, f'[database]\nurl = "{url}"\n').database_url == url


def test_defaults_are_those_of_the_spec(tmp_path: Path) -> None:
    config = load(tmp_path, "")
    assert config.server.listen == HostPort(host="127.0.0.1", port=8080)
    assert config.sip.listen == HostPort(host="0.0.0.0", port=5060)
    assert config.sip.rtp_ports == (20000, 29999)
    assert config.database_url == f"sqlite:///{tmp_path}/data/ringback.sqlite"
    assert config.guards.limits() == Limits(30, 100)


def test_all_faults_are_told_with_line_and_key(tmp_path: Path) -> None:
    text = """\
[server]
home_country = "UK"
colour = "red"

[sip]  # where it listens
listen = "5060"
"""
    assert faults(tmp_path, text) == [
        "2: server.home_country: write a country of ISO 3166 in two capitals, such as GB: the "
        "United Kingdom is GB",
        "3: server.colour: unknown key: take it out, or check its spelling",
        '6: sip.listen: write it as "host:port", IPv4 or a name, such as "127.0.0.1:5060"',
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('colour = "red"', "1: colour: unknown key"),
        ("[colours]\nred = 1", "1: colours: unknown key"),
        ("[sip]\nlisten = '5060'", '2: sip.listen: write it as "host:port"'),
        ("[sip]\nlisten = '[::]:5060'", '2: sip.listen: write it as "host:port", IPv4'),
        ("[sip]\nlisten = '0.0.0.0:65536'", '2: sip.listen: write it as "host:port"'),
        ("[sip]\nrtp_ports = '20000'", '2: sip.rtp_ports: write it as "20000-29999"'),
        ("[sip]\nrtp_ports = '29999-20000'", "2: sip.rtp_ports: the first port must be below"),
        ("sip.rtp_ports = '1-2'", "1: sip.rtp_ports: the first port must be below"),
        ("[guards]\nspecial_prefixes = ['']", "2: guards.special_prefixes[0]: write at most 15"),
        *(
            (
                f"[guards]\nspecial_prefixes = ['{prefix}']",
                f"2: guards.special_prefixes[0]: '{prefix}' is no prefix",
            )
            for prefix in ("+44900", "0900")
        ),
        ("[guards]\nreturn_calls_per_hour = 0", "2: guards.return_calls_per_hour: must be"),
        ("[server]\ncurrency = 'pounds'", "2: server.currency: write a currency of ISO 4217"),
    ],
)
def test_bad_values_are_refused(tmp_path: Path, text: str, fault: str) -> None:
    (found,) = faults(tmp_path, text)
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[server]\ntls_cert = 'a.pem'", "2: server.tls_cert: this version cannot do it"),
        (
            "[database]\nurl = 'mysql://h/d'",
            "2: database.url: write sqlite:///PATH or postgresql://",
        ),
        ("[engine]\nkind = 'asterisk'", '2: engine.kind: this version serves with "embedded" only'),
        ("[engine]\nkind = 'simulated'", '2: engine.kind: this version serves with "embedded"'),
        ("[asterisk]\nurl = 'http://h'", "1: asterisk: this version cannot do it"),
    ],
)
def test_what_this_version_cannot_do_is_not_ignored(tmp_path: Path, text: str, fault: str) -> None:
    (found,) = faults(tmp_path, text)
    assert found.startswith(fault)


def test_trunks_of_before_stop_serve_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "ringback.toml"
    text = "[server]\n[[trunk]]\nname = 'a'\npassword = 'secret'\n[[route]]\ntrunks = ['a']\n"
    config = load(tmp_path, text)
    assert "secret" not in repr(config)
    with pytest.raises(ConfigError) as caught:
        see_none_moved(config, path)
    advice = f"run ringback trunks import {path}, then take them out of the file"
    assert str(caught.value).splitlines() == [
        f"{path}:2: [[trunk]]: trunks and routes are in the database now: {advice}",
        f"{path}:5: [[route]]: trunks and routes are in the database now: {advice}",
    ]
    see_none_moved(load(tmp_path, "[server]\n"), path)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"No such file or directory: make one with"):
        load_config(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match=r"Is a directory$"):
        load_config(tmp_path)
    (tmp_path / "ringback.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(tmp_path / "ringback.toml")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[server]\nlisten =\n", "2: listen: not TOML: Invalid value"),
        ("[server", "1: not TOML: Expected ']' at the end of a table declaration"),
        ("x = 1\nx = 2", "2: x: not TOML: Cannot overwrite a value"),
        ("[server]\ndata_dir = [1", "2: data_dir: not TOML: Unclosed array"),
        ("x = " + "[" * 5000, "1: x: not TOML: "),
    ],
)
def test_what_is_not_toml_is_told_with_line_and_key(tmp_path: Path, text: str, fault: str) -> None:
    (found,) = faults(tmp_path, text)
    assert found.startswith(fault)


def test_the_line_of_a_key() -> None:
    lines = ["x = 1", "[a]", "x = 2", "[[b]] # one", "x = 3", "[[b]]", "'x' = 4", "c.d = 5"]
    text = "\n".join(lines)
    assert line_of(text, ("x",)) == 1
    assert line_of(text, ("a", "x")) == 3
    assert line_of(text, ("a", "y")) == 2
    assert line_of(text, ("b", 0, "x")) == 5
    assert line_of(text, ("b", 1, "x", 3)) == 7
    assert line_of(text, ("b", 1, "c", "d")) == 8
    assert line_of(text, ("none",)) == 1
