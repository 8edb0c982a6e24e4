"""What we ask outside calls: OPTIONS and registration."""

from __future__ import annotations

import pytest
from tests.sip.useragents import PEER, Alone, kind, kinds, reply

from ringback.sip.calls import Credentials
from ringback.sip.correspondence import Correspondence
from ringback.sip.message import Request, Response
from ringback.sip.registration import Registration
from ringback.sip.uri import sip_uri

CHALLENGE = (("www-authenticate", 'Digest realm="r", nonce="n1", qop="auth", algorithm=SHA-256'),)
STALE = (("www-authenticate", 'Digest realm="r", nonce="n2", stale=true'),)


class Registered:
    """A registration and what it tells."""

    def __init__(self) -> None:
        self.ua = Alone()
        self.told: list[tuple[bool, int | None]] = []
        server = Correspondence(
            self.ua.agent.layers,
            "sip:192.0.2.2:5070",
            PEER,
            sender="sip:us@192.0.2.2",
            user="us",
            credentials=Credentials("us", "secret"),
        )
        self.registration = Registration(server, self.on_change, seconds=300)

    def on_change(self, registered: bool, response: Response | None) -> None:
        self.told.append((registered, None if response is None else response.status))

    def start(self) -> Request:
        self.registration.start(self.ua.now)
        return self.sent()

    def sent(self) -> Request:
        (message,) = self.ua.out()
        assert isinstance(message, Request)
        return message


def test_options_ask_whether_a_server_is_there() -> None:
    ua = Alone()
    server = Correspondence(ua.agent.layers, "sip:192.0.2.2:5070", PEER, sender="sip:us@192.0.2.1")
    told: list[int | None] = []

    def then(response: Response | None, at: float) -> None:
        told.append(None if response is None else response.status)

    server.options(then, ua.now)
    (options,) = ua.out()
    assert isinstance(options, Request)
    assert (kind(options), options.uri, str(options.cseq)) == (
        "OPTIONS",
        "sip:192.0.2.2:5070",
        "1 OPTIONS",
    )
    assert ua.peers == [PEER]
    ua.give(reply(options, 404))
    assert told == [404]
    server.options(then, ua.now)
    (again,) = ua.out()
    assert (again.call_id, str(again.cseq)) == (options.call_id, "2 OPTIONS")
    ua.run(31.9)
    assert told == [404]
    ua.run(32.0)
    assert told == [404, None]


def test_a_user_may_be_a_whole_address() -> None:
    """As some carriers have it; `@` cannot stand in the user of a URI."""
    ua = Alone()
    sender = sip_uri("me@example.com", "192.0.2.2", 5060)
    server = Correspondence(
        ua.agent.layers, "sip:192.0.2.2:5070", PEER, sender=sender, user="me@example.com"
    )
    told: list[Response | None] = []
    server.options(lambda response, at: told.append(response), ua.now)
    options = ua.sent()
    assert str(options.from_.uri) == "sip:me%40example.com@192.0.2.2"
    assert str(options.contact) == "<sip:me%40example.com@192.0.2.1>"
    ua.give(reply(options, 200))
    assert [response.status for response in told if response] == [200]


def test_registration_is_refreshed_at_half_its_time() -> None:
    case = Registered()
    first = case.start()
    assert (first.uri, str(first.to.uri), str(first.from_.uri)) == (
        "sip:192.0.2.2:5070",
        "sip:us@192.0.2.2",
        "sip:us@192.0.2.2",
    )
    assert (str(first.contact), first.headers.get("expires")) == ("<sip:us@192.0.2.1>", "300")
    contacts = "<sip:other@192.0.2.99>;expires=10, <sip:us@192.0.2.1>;expires=120"
    case.ua.give(reply(first, 200, headers=(("contact", contacts), ("expires", "30"))))
    assert case.told == [(True, 200)]
    assert case.ua.times(59.9) == []
    ((at, again),) = case.ua.run(60.0)
    assert at == 60.0
    assert (again.call_id, str(again.cseq)) == (first.call_id, "2 REGISTER")


@pytest.mark.parametrize(
    ("headers", "refreshed"),
    [
        ((), 150.0),
        ((("expires", "100"),), 50.0),
        ((("expires", "1"),), 15.0),
        ((("contact", "<<bad"), ("expires", "100")), 50.0),
        ((("expires", "9999999999999"),), 150.0),
    ],
)
def test_the_time_granted(headers: tuple[tuple[str, str], ...], refreshed: float) -> None:
    case = Registered()
    case.ua.give(reply(case.start(), 200, headers=headers))
    assert [at for at, _ in case.ua.times(refreshed)] == [refreshed]


OTHERS = (
    "<sip:PBX#1000#1@203.0.113.5>;expires=2519533",
    '"A <sip:x@y>;expires=1',
    "*",
    "<sip:us:",
    "<sip:other@192.0.2.1>;expires=40",
    "<sip:us@203.0.113.5:5070>;expires=50",
)
"""What else may be registered under the same account: each hides nothing of ours."""


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize(
    "own", ["<sip:us@192.0.2.1>", "sip:%75s@192.0.2.1:5060", "Us <sip:us@192.0.2.1>"]
)
def test_of_many_bindings_our_own_says_how_long_it_lasts(other: str, own: str) -> None:
    for contacts in ((other, f"{own};Expires=120"), (f'{own}; EXPIRES = "120"', other)):
        case = Registered()
        headers = (*(("contact", contact) for contact in contacts), ("expires", "3000"))
        case.ua.give(reply(case.start(), 200, headers=headers))
        assert case.ua.times(60.0) == [(60.0, "REGISTER")]


@pytest.mark.parametrize(
    ("contacts", "refreshed"),
    [
        ("<sip:us@203.0.113.5:40001>;expires=100", 50.0),  # the NAT's, put there by the registrar
        ("<sip:us@203.0.113.5:40001>;expires=100, <sip:us@203.0.113.5:40002>;expires=80", 40.0),
        ("<sip:other@203.0.113.5>;expires=100", 60.0),
        ("<sip:US@192.0.2.1>;expires=100", 60.0),  # users have a case (section 19.1.4)
        ("<sip:us@192.0.2.1>;expires=0", 15.0),
        ("<sip:us@192.0.2.1>", 60.0),
    ],
)
def test_a_binding_is_ours_by_its_user(contacts: str, refreshed: float) -> None:
    case = Registered()
    headers = (("contact", contacts), ("expires", "120"))
    case.ua.give(reply(case.start(), 200, headers=headers))
    assert case.ua.times(refreshed) == [(refreshed, "REGISTER")]


def test_registration_answers_a_challenge_and_one_stale_nonce() -> None:
    case = Registered()
    (second,) = case.ua.give(reply(case.start(), 401, headers=CHALLENGE))
    assert isinstance(second, Request)
    assert str(second.cseq) == "2 REGISTER"
    assert "algorithm=SHA-256" in (second.headers.get("authorization") or "")
    (third,) = case.ua.give(reply(second, 401, headers=STALE))
    assert 'nonce="n2"' in (third.headers.get("authorization") or "")
    assert case.told == []
    case.ua.give(reply(third, 200))
    assert case.told == [(True, 200)]


def test_a_second_challenge_is_a_failure_and_tried_again_after_30_seconds() -> None:
    case = Registered()
    (second,) = case.ua.give(reply(case.start(), 401, headers=CHALLENGE))
    assert case.ua.give(reply(second, 401, headers=CHALLENGE)) == []
    assert case.told == [(False, 401)]
    assert case.ua.times(29.9) == []
    assert case.ua.times(30.0) == [(30.0, "REGISTER")]


@pytest.mark.parametrize(("after", "at"), [("120 (busy)", 120.0), ("5", 30.0), ("x", 30.0)])
def test_retry_after_is_waited_for(after: str, at: float) -> None:
    case = Registered()
    case.ua.give(reply(case.start(), 503, headers=(("retry-after", after),)))
    assert case.told == [(False, 503)]
    assert case.ua.times(at) == [(at, "REGISTER")]


def test_a_registrar_that_does_not_answer_is_tried_again() -> None:
    case = Registered()
    case.start()
    case.ua.run(32.0)
    assert case.told == [(False, None)]
    assert case.ua.times(62.0) == [(62.0, "REGISTER")]


def test_423_asks_for_longer_once() -> None:
    case = Registered()
    (longer,) = case.ua.give(reply(case.start(), 423, headers=(("min-expires", "600"),)))
    assert longer.headers.get("expires") == "600"
    assert case.ua.give(reply(longer, 423, headers=(("min-expires", "900"),))) == []
    assert case.told == [(False, 423)]


def test_stop_takes_the_registration_back() -> None:
    case = Registered()
    case.ua.give(reply(case.start(), 200))
    case.registration.stop(case.ua.now)
    gone = case.sent()
    assert gone.headers.get("expires") == "0"
    case.ua.give(reply(gone, 200))
    case.registration.stop(case.ua.now)
    assert kinds(case.ua.out()) == []
    assert case.ua.times(1000.0) == []
    assert case.told == [(True, 200)]
    assert case.ua.idle()
