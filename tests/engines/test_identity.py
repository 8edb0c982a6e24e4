"""Who calls, what was called and who is shown (spec sections 4, 5 and 8), and what a caller can
not make us believe."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sip.useragents import request

from ringback.engines.embedded.identity import read_trigger, sender_headers
from ringback.numbering import NumberForm
from ringback.sip.hop import Hop
from ringback.sip.message import Request, parse
from ringback.sip.screening import refusal
from ringback.telephony.calling import HIDDEN
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
        # An assertion that cannot be read is one, too: From may be anybody's.
        (("<sip:",), None),
        (("Jos\u00e9 <sip:+33123456789@x>",), "+33123456789"),
        (("<mailto:alice@x>",), None),
        (("<sip:alice@x>",), None),
        (("<sip:+33 1 23@x>", "<tel:+33123456789>"), "+33123456789"),
        (("",), None),
        # Two that contradict each other are none.
        (("<sip:+33123456789@x>", "<tel:+33123456788>"), None),
        (("<sip:+33123456789@x>, <tel:+33-123-456-789>",), "+33123456789"),
        (("<sip:1234@pbx>", "<tel:+33123456789>"), "+33123456789"),
        # An assertion without a number is one: From may be anybody's.
        (("<sip:anonymous@anonymous.invalid>",), None),
        (("<sip:+33123456789@ANONYMOUS.invalid>",), None),
        (("<sip:unavailable@x>",), None),
    ],
)
def test_a_trusted_trunk_asserts_who_calls(asserted: tuple[str, ...], caller: str | None) -> None:
    found = trigger(*((PAI, value) for value in asserted))
    assert found.caller == caller
    assert found.caller is None or found.calling.fault is None


def test_an_assertion_that_cannot_even_be_divided_is_one() -> None:
    for value in ('"A <sip:+33123456789@x>', '<sip:+33123456789@x>, "B'):
        invite = request(headers=((PAI, value),))
        found = read_trigger(invite, TRUSTED, 0.0)
        assert (found.caller, found.hidden) == (None, False)


def test_any_other_trunks_assertion_is_not_read() -> None:
    assert trigger((PAI, "<sip:+33123456789@x>"), trunk=PLAIN).caller == CALLER


@pytest.mark.parametrize(
    "sender",
    [
        '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=a',
        "<sip:+447700900123@Anonymous.invalid.>;tag=a",
        "<sip:Unavailable@unknown.invalid>;tag=a",
        "<sip:Anonymous@192.0.2.2>;tag=a",
        "<sip:192.0.2.2>;tag=a",
        "<sip:@192.0.2.2>;tag=a",
    ],
)
@pytest.mark.parametrize("asserted", [False, True])
def test_what_is_withheld_is_hidden(sender: str, asserted: bool) -> None:
    found = trigger((PAI, sender.removesuffix(";tag=a"))) if asserted else trigger(sender=sender)
    assert (found.calling, found.hidden) == (HIDDEN, True)


@pytest.mark.parametrize(
    ("sender", "received"),
    [
        ("<sip:1@x>;tag=a", "1"),
        ("<sip:alice@x>;tag=a", "alice"),
        ("<sip:+44x@x>;tag=a", "+44x"),
        (f"<sip:{'1' * 21}@x>;tag=a", "1" * 21),
        (f"<sip:{'z' * 200}@x>;tag=a", "z" * 64),
        ("<sip:+44%00123@x>;tag=a", "+44123"),
        ("<sip:+44%0a123@x>;tag=a", "+44123"),
        ("<sip:%D9%A1%D9%A2%D9%A3@x>;tag=a", "١٢٣"),
        ("<sip:+5215512345678@x>;tag=a", "+5215512345678"),  # of the plan until 2019
        ("<sip:*31@x>;tag=a", "*31"),
        ("<tel:7042;phone-context=pbx.example>;tag=a", "7042;phone-context=pbx.example"),
    ],
)
@pytest.mark.parametrize("asserted", [False, True])
def test_what_is_no_number_is_not_hidden(sender: str, received: str, asserted: bool) -> None:
    """What came is kept, and why it is no number is told."""
    found = trigger((PAI, sender.removesuffix(";tag=a"))) if asserted else trigger(sender=sender)
    assert (found.caller, found.hidden) == (None, False)
    assert found.calling.received == received
    assert found.calling.fault and found.calling.fault.isprintable()


@pytest.mark.parametrize("sender", ["<sip:+44 7700 900123@x>;tag=a", "Bob;tag=a", "<;tag=a"])
def test_a_from_that_cannot_be_read_is_not_hidden(sender: str) -> None:
    found = trigger(sender=sender, trunk=PLAIN)
    assert (found.caller, found.hidden, found.calling.received) == (None, False, sender)
    assert trigger((PAI, f"<sip:{CALLER}@x>"), sender=sender).caller == CALLER


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("<tel:15123456789;phone-context=+49>", "+4915123456789"),
        ("<sip:15123456789;phone-context=+49@x;user=phone>", "+4915123456789"),
        ("<sip:15123456789;phone-context=%2B49@x>", "+4915123456789"),
        ("<sip:15123456789@x;user=phone;Phone-Context=+49>", "+4915123456789"),
        ("<sip:15123456789@x>;phone-context=+49", "+4915123456789"),
        ("<tel:0151-2345-6789;isub=1;phone-context=+4-9>", "+4915123456789"),
        ("<tel:2079460000;phone-context=+44>", "+442079460000"),
        ("<tel:79460000;phone-context=+4420>", "+442079460000"),
        # A global number needs no context (RFC 3966 section 5.1.5).
        ("<tel:+4915123456789;phone-context=+1>", "+4915123456789"),
        # A local one of a context that nobody here knows is somebody's, but whose?
        ("<tel:15123456789;phone-context=example.com>", None),
        ("<sip:15123456789;phone-context=ims.example@x>", None),
        ("<sip:15123456789;phone-context=49@x>", None),
        ("<sip:15123456789;phone-context@x>", None),
        ("<tel:15123456789;phone-context=+>", None),
    ],
)
@pytest.mark.parametrize("asserted", [False, True])
def test_a_local_number_is_read_in_its_context(
    address: str, caller: str | None, asserted: bool
) -> None:
    found = trigger((PAI, address)) if asserted else trigger(sender=f"{address};tag=a")
    assert (found.caller, found.hidden) == (caller, False)


@pytest.mark.parametrize(
    ("called", "number"),
    [
        ("sip:71838750;phone-context=+4420@192.0.2.1", "+442071838750"),
        ("tel:02071838750;phone-context=+44", "+4402071838750"),
        # The network's own way to name us is the form of the trunk.
        ("tel:02071838750;phone-context=ims.example", "02071838750"),
    ],
)
def test_the_number_called_is_read_in_its_context(called: str, number: str) -> None:
    assert trigger(uri=called).called == number
    pcp = replace(TRUSTED, called_from="p_called_party_id")
    assert trigger(("p-called-party-id", f"<{called}>"), trunk=pcp).called == number


@pytest.mark.parametrize("text", ["4915123456789", "+494915123456789"])
def test_a_doubt_is_carried(text: str) -> None:
    german = replace(TRUSTED, caller=NumberForm("DE"))
    found = trigger((PAI, f"<sip:{text}@x>"), trunk=german).calling
    assert found.e164 == "+494915123456789"
    assert (found.fault is not None) == (found.others != ()) == (text[0] != "+")
    # A second assertion that leaves no doubt settles it.
    sure = trigger((PAI, f"<sip:{text}@x>, <tel:+4915123456789>"), trunk=german).calling
    assert sure.e164 == (None if text[0] == "+" else "+4915123456789")


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


PASSED, FAILED = ";verstat=TN-Validation-Passed", ";verstat=TN-Validation-Failed"


@pytest.mark.parametrize(
    ("asserted", "sender", "word"),
    [
        # A word on one number is none on another.
        (f"<sip:{CALLER}@x>", f"<sip:+12125550123{PASSED}@x>", None),
        (f"<sip:{CALLER}@x>", f"<sip:+12125550123{FAILED}@x>", None),
        (f"<sip:{CALLER}@x>, <sip:alice{PASSED}@x>", f"<sip:{CALLER}@x>", None),
        (f"<sip:anonymous{PASSED}@anonymous.invalid>", f"<sip:{CALLER}{PASSED}@x>", "passed"),
        ("<sip:anonymous@anonymous.invalid>", f"<sip:{CALLER}{PASSED}@x>", None),
        ("<sip:", f"<sip:{CALLER}{PASSED}@x>", None),
        # On the same number it counts wherever it stands, and of several the worst.
        (f"<sip:{CALLER}@x>", f"<sip:{CALLER}{PASSED}@x>", "passed"),
        (f"<sip:{CALLER}{PASSED}@x>", f"<tel:{CALLER}{FAILED}>", "failed"),
        (f"<sip:{CALLER}{PASSED}@x>, <tel:{CALLER}{FAILED}>", f"<sip:{CALLER}@x>", "failed"),
        (f"<sip:{CALLER}{PASSED}{FAILED}@x>", FROM, "failed"),
        (f"<sip:{CALLER}{PASSED}@x{FAILED}>", FROM, "failed"),
        (f"<sip:{CALLER}{PASSED}@x>{FAILED}", FROM, "failed"),
        (f"<sip:{CALLER}{PASSED}@x>;verstat=No-TN-Validation", FROM, "no-tn-validation"),
        (f"<sip:{CALLER}{PASSED}@x>;verstat=", FROM, ""),
        (f'<sip:{CALLER}@x>;VERSTAT="tn-validation-failed"', FROM, "failed"),
        (f'<sip:{CALLER}@x>;x="{PASSED}"', FROM, None),
    ],
)
def test_a_verdict_counts_for_the_number_it_stands_on(
    asserted: str, sender: str, word: str | None
) -> None:
    sender = sender if "tag=" in sender else f"{sender};tag=a"
    assert trigger((PAI, asserted), sender=sender).verification == word


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
        assert (found.caller is None) == (found.calling.e164 is None)
        assert found.hidden == (found.calling.received is None)
        assert (found.calling.received or "").isprintable()
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
