"""The configuration file: what it means, and how it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringback.config import Config, ConfigError, HostPort, line_of, load_config
from ringback.guards.limits import Limits
from ringback.numbering import NumberForm
from ringback.telephony.trunks import Trunk

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

[[trunk]]
name = "carrier"
host = "sip.example.net"
port = 5062
transport = "udp"
register = true
user = "me"
password = "secret"
sources = ["198.51.100.0/24", "203.0.113.7"]
codecs = ["PCMU"]
channels = 30
trust_pai = true
called_from = "to"
show_in = "p_asserted_identity"
foreign_numbers = false
country = "DE"
strip = 2
prepend = "0"
plus = false
cost_plan = "carrier"
media_anywhere = true
srtp = false
direct_media = false

[[trunk]]
name = "second"
host = "192.0.2.9"

[[route]]
prefix = "49"
trunks = ["carrier", "second"]
weights = [3, 1]
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
    carrier, second = config.trunks
    assert carrier.register
    assert (carrier.host, carrier.port, carrier.user) == ("sip.example.net", 5062, "me")
    assert carrier.sources == ("198.51.100.0/24", "203.0.113.7")
    assert (carrier.codecs, carrier.channels, carrier.trust_pai) == (("PCMU",), 30, True)
    assert (carrier.called_from, carrier.show_in) == ("to", "p_asserted_identity")
    form = NumberForm("DE", strip=2, prepend="0", plus=False)
    assert carrier.called == carrier.caller == carrier.shown == form
    assert not carrier.foreign_numbers
    assert carrier.media_anywhere
    assert (carrier.cost_plan, second.cost_plan) == ("carrier", None)
    assert "secret" not in repr(config) + repr(carrier)
    assert second.name == "second"
    assert config.routes[0].prefix == "49"
    assert (config.routes[0].trunks, config.routes[0].weights) == (("carrier", "second"), (3, 1))


def test_a_postgresql_url_is_taken_as_it_is(tmp_path: Path) -> None:
    url = "postgresql://ringback:secret@db.example/ringback"
    assert load(tmp_path, f'[database]\nurl = "{url}"\n').database_url == url


def test_defaults_are_those_of_the_spec(tmp_path: Path) -> None:
    config = load(tmp_path, '[[trunk]]\nname = "phones"\nhost = "127.0.0.1"\n')
    assert config.server.listen == HostPort(host="127.0.0.1", port=8080)
    assert config.sip.listen == HostPort(host="0.0.0.0", port=5060)
    assert config.sip.rtp_ports == (20000, 29999)
    assert config.database_url == f"sqlite:///{tmp_path}/data/ringback.sqlite"
    assert config.guards.limits() == Limits(30, 100)
    (trunk,) = config.trunks
    assert (trunk.port, trunk.transport, trunk.codecs) == (5060, "udp", ("PCMA", "PCMU"))
    assert (trunk.channels, trunk.sources, trunk.trust_pai) == (None, (), False)
    assert (trunk.called_from, trunk.show_in) == ("request_uri", "from")
    assert trunk.foreign_numbers
    assert trunk.called == trunk.caller == trunk.shown == NumberForm(None, 0, "", True)
    assert trunk == Trunk("phones", "127.0.0.1"), "the type has the same"


def test_all_faults_are_told_with_line_and_key(tmp_path: Path) -> None:
    text = """\
[server]
home_country = "UK"
colour = "red"

[[trunk]]
name = "one"
host = "192.0.2.1"

[[trunk]]  # the second
name = "two"
host = "192.0.2.2"
port = 70000
trust_pai = "yes"
"""
    assert faults(tmp_path, text) == [
        "2: server.home_country: write a country of ISO 3166 in two capitals, such as GB: the "
        "United Kingdom is GB",
        "3: server.colour: unknown key: take it out, or check its spelling",
        "12: trunk[1].port: must be less than or equal to 65535",
        "13: trunk[1].trust_pai: write true or false, without quotes",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('colour = "red"', "1: colour: unknown key"),
        ("[colours]\nred = 1", "1: colours: unknown key"),
        ("[[trunk]]\nname = 'a'", "1: trunk[0].host: is required"),
        ("[[trunk]]\nhost = 'a b'\nname = 'a'", "2: trunk[0].host: write an IPv4 address or"),
        ("[[trunk]]\nname='a'\nhost='h'\nport = '5060'", "4: trunk[0].port: write a whole number"),
        ("[[trunk]]\nname='a'\nhost='h'\nchannels = true", "4: trunk[0].channels: write a whole"),
        ("[[trunk]]\nname='a'\nhost='h'\nchannels = 0", "4: trunk[0].channels: must be greater"),
        ("[[trunk]]\nname='a'\nhost='h'\ncodecs = ['G729']", "4: trunk[0].codecs[0]: must be 'P"),
        ("[[trunk]]\nname='a'\nhost='h'\ncodecs = []", "4: trunk[0].codecs: write at least one"),
        ("[[trunk]]\nname='a'\nhost='h'\nshow_in = 'to'", "4: trunk[0].show_in: must be 'from'"),
        ("[[trunk]]\nname='a'\nhost='h'\nsources = ['10.0.0.1/8']", "4: trunk[0].sources[0]: "),
        ("[[trunk]]\nname='a'\nhost='h'\nsources = ['::1']", "4: trunk[0].sources[0]: "),
        ("[[trunk]]\nname='a'\nhost='h'\nregister = true", "4: trunk[0].register: needs user and"),
        ("[[trunk]]\nname='a'\nhost='h'\nuser = 'u'", "1: trunk[0].password: user and password go"),
        (
            "[[trunk]]\nname='a'\nhost='h'\nstrip = 2\nplus = false",
            "4: trunk[0].strip: needs country",
        ),
        ("[[trunk]]\nname='a'\nhost='h'\nprepend = '00'", "1: trunk[0].plus: only whole numbers"),
        ("[[trunk]]\nname='a'\nhost='h'\nprepend = '+'", "4: trunk[0].prepend: write digits"),
        ("[[route]]\ntrunks = ['x']", "2: route[0].trunks: there is no trunk 'x': define it"),
        ("[[route]]\ntrunks = []", "2: route[0].trunks: write at least one"),
        ("[sip]\nlisten = '5060'", '2: sip.listen: write it as "host:port"'),
        ("[sip]\nlisten = '[::]:5060'", '2: sip.listen: write it as "host:port", IPv4'),
        ("[sip]\nlisten = '0.0.0.0:65536'", '2: sip.listen: write it as "host:port"'),
        ("[sip]\nrtp_ports = '20000'", '2: sip.rtp_ports: write it as "20000-29999"'),
        ("[sip]\nrtp_ports = '29999-20000'", "2: sip.rtp_ports: the first port must be below"),
        ("sip.rtp_ports = '1-2'", "1: sip.rtp_ports: the first port must be below"),
        (
            "[[route]]\nprefix = '+49'\ntrunks = ['a']",
            "2: route[0].prefix: '+49' is no prefix: write",
        ),
        (
            "[[route]]\nprefix = '020'\ntrunks = ['a']",
            "2: route[0].prefix: '020' is no prefix, since",
        ),
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
        (
            "[[trunk]]\nname='a'\nhost='h'\ntransport='tls'",
            "4: trunk[0].transport: this version sp",
        ),
        (
            "[[trunk]]\nname='a'\nhost='h'\ntransport='tcp'",
            "4: trunk[0].transport: this version sp",
        ),
        ("[[trunk]]\nname='a'\nhost='h'\nsrtp = true", "4: trunk[0].srtp: this version cannot do"),
        ("[[trunk]]\nname='a'\nhost='h'\ndirect_media = true", "4: trunk[0].direct_media: this ve"),
    ],
)
def test_what_this_version_cannot_do_is_not_ignored(tmp_path: Path, text: str, fault: str) -> None:
    (found,) = faults(tmp_path, text)
    assert found.startswith(fault)


def test_doubles_are_refused(tmp_path: Path) -> None:
    trunk = "[[trunk]]\nname = 'a'\nhost = 'h'\n"
    route = "[[route]]\nprefix = '44'\ntrunks = ['a']\n"
    found = faults(tmp_path, trunk + trunk + route + route)
    assert [line.split(" is there twice")[0] for line in found] == [
        "5: trunk[1].name:",
        "11: route[1].prefix:",
    ]
    (found_twice,) = faults(tmp_path, trunk + "[[route]]\ntrunks = ['a', 'a']\nweights = [1, 2]")
    assert found_twice == "5: route[0].trunks: names a trunk twice"
    (weights,) = faults(tmp_path, trunk + "[[route]]\ntrunks = ['a']\nweights = [1, 2]")
    assert weights == "6: route[0].weights: must have one number for each of the trunks"


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
