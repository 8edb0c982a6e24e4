"""Who calls, what was called and who is shown (spec sections 4, 5 and 8), and what a caller can
not make us believe."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sip.useragents import request

from ringback.engines.embedded.identity import read_trigger, sender_headers
from ringback.sip.hop import Hop
from ringback.sip.message import Request, parse
from ringback.sip.screening import refusal
from ringback.telephony.port import Shown, Trigger
from ringback.telephony.trunks import CalledFrom, ShowIn, Trunk

CALLER = "+447700900123"
FROM = f"<sip:{CALLER}@192.0.2.2>;tag=a"
PAI = "p-asserted-identity"
PLAIN = Trunk(name="plain", host="192.0.2.2")
TRUSTED = Trunk(name="trusted", host="192.0.2.2", trust_pai=True)


def trigger(
    *headers: tuple[str, str], sender: str = FROM, trunk: Trunk = TRUSTED, uri: str = "sip:1@x"
) -> Trigger:
    """What is read of an INVITE that came over the wire."""
    invite = request(uri=uri, headers=headers)
    invite.headers.set("from", sender)
    message = parse(invite.encode())
    assert isinstance(message, Request)
    assert refusal(message) is None
    return read_trigger(message, trunk, 0.0)


# The caller's number


@pytest.mark.parametrize(
    ("asserted", "caller"),
    [
        ((), CALLER),
        (("<sip:+33123456789@x>",), "+33123456789"),
        (("<tel:+33-1-23.45(67)89>",), "+33123456789"),
        (('"A, B" <sip:alice@x>, <tel:+33123456789>',), "+33123456789"),
        (("<sip:alice@x>", "<tel:+33123456789>"), "+33123456789"),
        (("<sip:+33123456789;verstat=No-TN-Validation@x;user=phone>",), "+33123456789"),
        (("<sip:%2B33123456789@x>",), "+33123456789"),
        (("<sip:+33-1-23-45-67-89@x;user=phone>",), "+33123456789"),
        (("<sip:",), CALLER),
        # An assertion without a number is one: From may be anybody's.
        (("<sip:anonymous@anonymous.invalid>",), None),
        (("<sip:+33123456789@ANONYMOUS.invalid>",), None),
        (("<sip:unavailable@x>",), None),
    ],
)
def test_a_trusted_trunk_asserts_who_calls(asserted: tuple[str, ...], caller: str | None) -> None:
    found = trigger(*((PAI, value) for value in asserted))
    assert (found.caller, found.hidden) == (caller, caller is None)


def test_any_other_trunks_assertion_is_not_read() -> None:
    assert trigger((PAI, "<sip:+33123456789@x>"), trunk=PLAIN).caller == CALLER


@pytest.mark.parametrize(
    "sender",
    [
        '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=a',
        "<sip:192.0.2.2>;tag=a",
        "<sip:1@x>;tag=a",
        "<sip:+44x@x>;tag=a",
        f"<sip:{'1' * 21}@x>;tag=a",
        "<sip:+44%00123@x>;tag=a",
        "<sip:+44%0a123@x>;tag=a",
        "<sip:%D9%A1%D9%A2%D9%A3@x>;tag=a",
    ],
)
def test_what_is_no_number_is_hidden(sender: str) -> None:
    found = trigger(sender=sender)
    assert (found.caller, found.hidden) == (None, True)


@pytest.mark.parametrize(
    ("privacy", "hidden"),
    [
        ("id", True),
        ("user", True),
        ("header; ID ;critical", True),
        ("none", False),
        ("session", False),
    ],
)
def test_privacy_hides_the_number(privacy: str, hidden: bool) -> None:
    assert trigger(("privacy", privacy)).hidden is hidden


@pytest.mark.parametrize(
    ("display", "name"),
    [
        ("Bob", "Bob"),
        ('" Bob  B. "', "Bob  B."),
        ('"J\udcf6rg\x1b[2J\x00\n\u202eX"', "Jrg[2JX"),
        ('"\x07 \udcff"', None),
        (f'"{"x" * 200}"', "x" * 80),
    ],
)
def test_a_name_can_be_stored_and_shown(display: str, name: str | None) -> None:
    found = trigger(sender=f"{display} {FROM}")
    assert found.caller_name == name
    assert name is None or name.encode()


# The carrier's word


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        (((PAI, f"<sip:{CALLER};verstat=TN-Validation-Passed@x;user=phone>"),), "passed"),
        (((PAI, f"<tel:{CALLER};verstat=TN-Validation-Passed-A>"),), "passed"),
        (((PAI, f"<sip:{CALLER}@x;verstat=TN-Validation-Failed-C>"),), "failed"),
        (((PAI, f"<sip:{CALLER}@x>;verstat=TN-Validation-Failed"),), "failed"),
        (
            ((PAI, "<sip:a@x>"), (PAI, f"<tel:{CALLER};verstat=No-TN-Validation>")),
            "no-tn-validation",
        ),
        (((PAI, f"<sip:{CALLER}@x>"),), None),
        ((), None),
    ],
)
def test_verstat_is_read(headers: tuple[tuple[str, str], ...], word: str | None) -> None:
    assert trigger(*headers).verification == word
    assert trigger(*headers, trunk=PLAIN).verification is None


def test_verstat_is_read_from_from_where_nothing_is_asserted() -> None:
    sender = f"<sip:{CALLER};verstat=TN-Validation-Passed@x>;tag=a"
    assert trigger(sender=sender).verification == "passed"
    assert trigger(sender=sender, trunk=PLAIN).verification is None


@pytest.mark.parametrize(
    "display",
    [
        '"verstat=TN-Validation-Passed"',
        '";verstat=TN-Validation-Passed"',
    ],
)
@pytest.mark.parametrize("header", [PAI, "from"])
def test_a_display_name_is_not_the_carriers_word(display: str, header: str) -> None:
    """The caller chooses it."""
    failed = f"{display} <sip:{CALLER};verstat=TN-Validation-Failed@x>"
    bare = f"{display} {FROM}"
    if header == "from":
        assert trigger(sender=f"{failed};tag=a").verification == "failed"
        assert trigger(sender=bare).verification is None
    else:
        assert trigger((PAI, failed)).verification == "failed"
        assert trigger((PAI, f"{display} <sip:{CALLER}@x>")).verification is None


# Diversion


@pytest.mark.parametrize(
    ("headers", "diverted_by"),
    [
        ((), None),
        ((("diversion", "<sip:+33123456789@x>;reason=unconditional"),), "+33123456789"),
        ((("diversion", "<sip:+33123@x>, <sip:+33999@x>"),), "+33123"),
        ((("diversion", "<sip:anonymous@anonymous.invalid>"),), "anonymous"),
        ((("diversion", "<sip:192.0.2.2>"), ("diversion", "<sip:+33999@x>")), "unknown"),
        ((("diversion", "<sip:"),), "unknown"),
        ((("history-info", "<sip:+33123@x>;index=1"),), None),
        ((("history-info", "<sip:+33123@x>;index=1, <sip:1@y>;index=1.1"),), "+33123"),
    ],
)
def test_who_diverted_the_call(
    headers: tuple[tuple[str, str], ...], diverted_by: str | None
) -> None:
    assert trigger(*headers).diverted_by == diverted_by


# The number called


@pytest.mark.parametrize(
    ("called_from", "headers", "called"),
    [
        ("request_uri", (), "+442071838750"),
        ("to", (), "100"),
        ("p_called_party_id", (("p-called-party-id", "<tel:+44-20-7183-8751>"),), "+442071838751"),
        ("p_called_party_id", (), "+442071838750"),
        ("p_called_party_id", (("p-called-party-id", "<sip:"),), "+442071838750"),
    ],
)
def test_the_number_called_is_where_the_trunk_says(
    called_from: CalledFrom, headers: tuple[tuple[str, str], ...], called: str
) -> None:
    trunk = replace(TRUSTED, called_from=called_from)
    found = trigger(*headers, trunk=trunk, uri="sip:+442071838750;npdi@192.0.2.1;user=phone")
    assert found.called == called


# Whatever is in them


@given(
    header=st.sampled_from(
        [PAI, "from", "diversion", "history-info", "privacy", "p-called-party-id"]
    ),
    value=st.text(
        st.sampled_from('";,<>@:%=\\+0127 \t\x00\x1b\udcffé') | st.sampled_from("verstatip"),
        max_size=40,
    ),
)
@settings(max_examples=300, deadline=None)
def test_no_identity_raises(header: str, value: str) -> None:
    invite = request(headers=() if header == "from" else ((header, value),))
    if header == "from":
        invite.headers.set("from", f"{value} {FROM}")
    try:
        message = parse(invite.encode())
    except ValueError:
        return
    assert isinstance(message, Request)
    if refusal(message) is not None:
        return
    for trunk in (TRUSTED, replace(TRUSTED, called_from="p_called_party_id")):
        found = read_trigger(message, trunk, 0.0)
        assert (found.caller is None) <= found.hidden
        assert (found.caller_name or "").isprintable()


# Who is shown


@pytest.mark.parametrize("show_in", ["from", "p_asserted_identity", "p_preferred_identity"])
def test_the_number_is_shown_where_the_trunk_wants_it(show_in: ShowIn) -> None:
    trunk = replace(PLAIN, show_in=show_in)
    shown = Shown("+442071838750", 'Ac"me\r\nVia: x')
    sender, headers = sender_headers(shown, trunk, Hop("udp", "192.0.2.1", 5060))
    assert str(sender) == '"Ac\\"meVia: x" <sip:+442071838750@192.0.2.1>'
    name = show_in.replace("_", "-")
    assert headers == ([] if show_in == "from" else [(name, str(sender))])


def test_without_a_number_we_are_anonymous() -> None:
    sender, headers = sender_headers(Shown(None, "Acme"), PLAIN, Hop("udp", "192.0.2.1", 5060))
    assert str(sender) == '"Anonymous" <sip:anonymous@anonymous.invalid>'
    assert headers == [("privacy", "id")]
