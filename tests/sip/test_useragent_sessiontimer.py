"""Session timers (RFC 4028): who refreshes, and when a call ends."""

from __future__ import annotations

import pytest
from tests.sip.useragents import ANSWER, OFFER, Alone, from_callee, kind, reply, request

from ringback.sip.events import (
    Expired,
    Refreshed,
)


def timed(seconds: int, refresher: str) -> tuple[tuple[str, str], ...]:
    return (("session-expires", f"{seconds};refresher={refresher}"), ("require", "timer"))


def test_we_refresh_at_half_the_interval_when_it_is_ours() -> None:
    ua = Alone()
    call, _ = ua.answered(headers=timed(600, "uac"))
    ((at, invite),) = ua.run(300.0)
    assert (at, kind(invite)) == (300.0, "INVITE")
    assert invite.headers.get("session-expires") == "600;refresher=uac"
    assert invite.body == OFFER
    ua.give(reply(invite, 200, body=ANSWER, headers=timed(600, "uac")))
    assert ua.only(Refreshed).alive
    assert ua.times(599.9) == []
    assert ua.times(600.0) == [(600.0, "INVITE")]
    assert not call.ended


@pytest.mark.parametrize(("seconds", "ends"), [(600, 568.0), (90, 60.0)])
def test_a_call_that_they_do_not_refresh_ends(seconds: int, ends: float) -> None:
    ua = Alone()
    call, _ = ua.answered(headers=timed(seconds, "uas"))
    assert ua.times(ends - 0.1) == []
    assert ua.times(ends) == [(ends, "BYE")]
    ua.only(Expired)
    assert call.ended


def test_their_refresh_starts_the_interval_again() -> None:
    ua = Alone()
    call, invite = ua.answered(headers=timed(600, "uas"))
    ua.run(300.0)
    headers = (("session-expires", "600;refresher=uac"), ("supported", "timer"))
    ua.give(from_callee("INVITE", invite, body=OFFER, headers=headers))
    call.accept_offer(ANSWER, ua.now)
    (response,) = ua.out()
    assert response.headers.get("session-expires") == "600;refresher=uac"
    assert response.headers.get("require") == "timer"
    ua.give(from_callee("ACK", invite, branch="z9hG4bKack"))
    assert ua.times(867.9) == []
    assert ua.times(868.0) == [(868.0, "BYE")]


def test_a_refresh_that_fails_lets_the_interval_run_out() -> None:
    ua = Alone()
    ua.answered(headers=timed(600, "uac"))
    ((_, invite),) = ua.run(300.0)
    ua.give(reply(invite, 500))
    assert ua.only(Refreshed).alive
    assert ua.times(568.0) == [(568.0, "BYE")]
    ua.only(Expired)


def test_a_refresh_with_too_small_an_interval_is_sent_again() -> None:
    ua = Alone()
    ua.answered(headers=timed(600, "uac"))
    ((_, invite),) = ua.run(300.0)
    _, again = ua.give(reply(invite, 422, headers=(("min-se", "900"),)))
    assert again.headers.get("session-expires") == "900;refresher=uac"
    assert again.headers.get("min-se") == "900"


def test_without_an_agreed_interval_nothing_expires() -> None:
    ua = Alone()
    ua.answered()
    assert ua.times(100_000.0) == []


@pytest.mark.parametrize(
    ("headers", "answer", "refreshes"),
    [
        (("session-expires", "120"), "120;refresher=uac", False),
        (("session-expires", "120;refresher=uas"), "120;refresher=uas", True),
        (("session-expires", "120;refresher=UAS"), "120;refresher=uas", True),
        (("session-expires", "120; Refresher = Uac"), "120;refresher=uac", False),
        (("session-expires", '120;x="'), "120;refresher=uac", False),
        (("session-expires", "89"), None, False),
    ],
)
def test_what_we_agree_to_as_the_called_end(
    headers: tuple[str, str], answer: str | None, refreshes: bool
) -> None:
    ua = Alone()
    invite = request(body=OFFER, headers=(headers, ("supported", "timer")))
    call = ua.incoming(invite)
    call.accept(ANSWER, ua.now)
    (response,) = ua.out()
    assert response.headers.get("session-expires") == answer
    ua.give(request("ACK", uri="sip:x@y", branch="z9hG4bKa", to_tag=response.to.tag))
    ua.events()
    assert ("INVITE" in [what for _, what in ua.times(60.0)]) is refreshes


def test_a_peer_without_session_timers_is_refreshed_by_us() -> None:
    ua = Alone()
    call = ua.incoming(request(body=OFFER, headers=(("session-expires", "120;refresher=uac"),)))
    call.accept(ANSWER, ua.now)
    (response,) = ua.out()
    assert response.headers.get("session-expires") == "120;refresher=uas"
    assert response.headers.get("require") is None
