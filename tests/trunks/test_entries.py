"""What may be said of a trunk, what it means, and how it is refused (spec sections 5 and 11)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.trunks.helpers import faults, trunk

from ringback.documents import merged, read_document
from ringback.numbering import NumberForm
from ringback.telephony.trunks import Trunk
from ringback.trunks.entries import RouteEntry, TrunkEntry
from ringback.trunks.presets import PRESETS

SPEC_FIELDS = (
    "name, preset, host, port, transport, register, user, password, sources, codecs, channels, "
    "trust_pai, called_from, show_in, from_user, from_host, foreign_numbers, shown_prefixes, "
    "country, strip, prepend, plus, called, caller, shown, cost_plan, media_anywhere, srtp, "
    "direct_media"
)
WHOLE: dict[str, Any] = {
    "host": "sip.example.net",
    "port": 5062,
    "transport": "udp",
    "register": True,
    "user": "me",
    "password": "secret",
    "sources": ["198.51.100.0/24", "203.0.113.7"],
    "codecs": ["PCMU"],
    "channels": 30,
    "trust_pai": True,
    "called_from": "to",
    "show_in": "p_asserted_identity",
    "from_user": "user",
    "from_host": "domain",
    "foreign_numbers": False,
    "shown_prefixes": ["4420", "44161"],
    "country": "DE",
    "strip": 2,
    "prepend": "0",
    "plus": False,
    "called": {"strip": 0, "prepend": "00"},
    "shown": {"country": None, "strip": 0, "prepend": "", "plus": True},
    "cost_plan": "carrier",
    "media_anywhere": True,
    "srtp": False,
    "direct_media": False,
}


def test_the_names_are_those_of_the_spec() -> None:
    named = [field.alias or name for name, field in TrunkEntry.model_fields.items()]
    assert sorted(named) == sorted(SPEC_FIELDS.split(", "))
    assert list(RouteEntry.model_fields) == ["prefix", "trunks", "weights"]


def test_every_field_is_meant() -> None:
    assert trunk(**WHOLE) == Trunk(
        name="t",
        host="sip.example.net",
        port=5062,
        transport="udp",
        register=True,
        user="me",
        password="secret",
        sources=("198.51.100.0/24", "203.0.113.7"),
        codecs=("PCMU",),
        channels=30,
        trust_pai=True,
        called_from="to",
        show_in="p_asserted_identity",
        from_user="user",
        from_host="domain",
        foreign_numbers=False,
        shown_prefixes=("4420", "44161"),
        called=NumberForm("DE", 0, "00", plus=False),
        caller=NumberForm("DE", 2, "0", plus=False),
        shown=NumberForm("DE", 0, "", plus=True),
        cost_plan="carrier",
        media_anywhere=True,
    )


def test_what_is_left_out_or_null_is_the_default() -> None:
    assert trunk(host="127.0.0.1") == Trunk("t", "127.0.0.1")
    nothing = dict.fromkeys(WHOLE, None)
    assert trunk(**{**nothing, "host": "127.0.0.1"}) == Trunk("t", "127.0.0.1")


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"host": None}, "host: is required"),
        ({"host": "a b"}, "host: write an IPv4 address or a name"),
        ({"port": "5060"}, "port: write a whole number, without quotes"),
        ({"port": 70000}, "port: must be less than or equal to 65535"),
        ({"channels": True}, "channels: write a whole number, without quotes"),
        ({"channels": 0}, "channels: must be greater than or equal to 1"),
        ({"codecs": ["G729"]}, "codecs[0]: must be 'PCMA' or 'PCMU'"),
        ({"codecs": []}, "codecs: write at least one"),
        ({"show_in": "to"}, "show_in: must be 'from'"),
        ({"sources": ["10.0.0.1/8"]}, "sources[0]: "),
        ({"sources": ["::1"]}, "sources[0]: "),
        ({"trust_pai": "yes"}, "trust_pai: write true or false, without quotes"),
        ({"prepend": "+"}, "prepend: write digits"),
        ({"shown_prefixes": ["+44"]}, "shown_prefixes[0]: '+44' is no prefix"),
        ({"colour": "red"}, "colour: unknown key"),
        ({"preset": "nobody"}, "preset: there is no such preset: write one of didww, "),
        ({"called": {"colour": 1}}, "called.colour: unknown key"),
        ({"caller": {"strip": 16}}, "caller.strip: must be less than or equal to 15"),
        # What goes together
        ({"register": True}, "register: needs user and password"),
        (
            {"register": True, "user": "u", "from_user": "user", "show_in": "p_asserted_identity"},
            "register: needs user and password",
        ),
        ({"user": "u"}, "password: user and password go together"),
        ({"password": "p"}, "user: user and password go together"),
        ({"from_user": "user", "show_in": "p_asserted_identity"}, "from_user: user needs the tr"),
        (
            {"from_user": "user", "user": "u", "password": "p"},
            "from_user: with user, From has no place for the number shown: set show_in",
        ),
        ({"strip": 2, "plus": False}, "strip: needs country"),
        ({"prepend": "00"}, "plus: only whole numbers have one"),
        ({"shown": {"prepend": "00"}}, "shown.plus: only whole numbers have one"),
        ({"plus": False, "called": {"strip": 1}}, "called.strip: needs country"),
        # What this version cannot do
        ({"transport": "tls"}, 'transport: this version speaks SIP over "udp" only, not "tls"'),
        ({"transport": "tcp"}, 'transport: this version speaks SIP over "udp" only, not "tcp"'),
        ({"srtp": True}, "srtp: this version cannot do it"),
        ({"direct_media": True}, "direct_media: this version cannot do it"),
    ],
)
def test_what_is_wrong_is_told_by_field(values: dict[str, Any], fault: str) -> None:
    (found,) = faults(lambda: trunk(**{"host": "h", **values}))
    assert found.startswith(fault)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"trunks": []}, "trunks: write at least one"),
        ({"trunks": ["a", "a"]}, "trunks: names a trunk twice"),
        ({"prefix": "+49"}, "prefix: '+49' is no prefix: write it without +"),
        ({"prefix": "020"}, "prefix: '020' is no prefix, since"),
        ({"weights": [0]}, "weights[0]: must be greater than or equal to 1"),
        ({"colour": 1}, "colour: unknown key"),
    ],
)
def test_a_route_is_refused_by_field(values: dict[str, Any], fault: str) -> None:
    (found,) = faults(lambda: read_document(RouteEntry, values))
    assert found.startswith(fault)


def test_a_carrier_that_knows_our_address_may_want_the_account_in_from() -> None:
    made = trunk(host="h", user="u", from_user="user", show_in="p_asserted_identity")
    assert (made.user, made.password) == ("u", None)


def test_the_three_forms_are_apart() -> None:
    made = trunk(
        host="h",
        country="GB",
        called={"strip": 2, "prepend": "0", "plus": False},
        caller={"country": "FR"},
    )
    london, paris = "+442079460000", "+33123456789"
    assert (made.called.write(london), made.called.write(paris)) == ("02079460000", "0033123456789")
    assert made.shown.write(london) == london
    assert made.called.read("02079460000") is not None
    assert (made.caller.country, made.called.country) == ("FR", "GB")


def test_a_merge_is_that_of_rfc_7396() -> None:
    stored = {"port": 5080, "called": {"plus": False, "country": "GB"}, "sources": ["192.0.2.1"]}
    change = {"port": None, "called": {"plus": None}, "sources": ["192.0.2.2"], "trust_pai": True}
    assert merged(stored, change) == {
        "called": {"country": "GB"},
        "sources": ["192.0.2.2"],
        "trust_pai": True,
    }
    assert merged(stored, {"called": {"plus": None, "country": None}}) == {
        "port": 5080,
        "sources": ["192.0.2.1"],
    }


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_makes_a_trunk_that_makes_sense(name: str) -> None:
    assert PRESETS[name].page.startswith("https://")
    needed = {"user": "u", "password": "p"}
    host = {} if "host" in PRESETS[name].values else {"host": "h"}
    made = trunk(preset=name, **needed, **host)
    assert made.host == PRESETS[name].values.get("host", "h")
    # Whatever its preset says, a trunk may say otherwise, and take that back.
    assert trunk(preset=name, **needed, host="h", port=5080).port == 5080
    assert trunk(**{"preset": name, **needed, "host": None, **host}).host == made.host


def test_six_large_carriers_and_more_are_known() -> None:
    assert len(PRESETS) >= 6
