"""The table of an INVITE of ours; what it does row by row is in the tests of calls."""

from __future__ import annotations

from itertools import product

import pytest
from tests.sip.useragents import OFFER, Alone, kinds

from ringback.sip.invitation import INVITATION, InviteState

INPUTS = (
    "send", "cancel", "abandon", "resume", "acknowledge", "waited",
    "1xx", "2xx", "failure", "try again", "clash",
)  # fmt: skip
ENDS = {InviteState.ACKNOWLEDGED, InviteState.OVER}


def test_no_row_has_an_input_that_nobody_gives() -> None:
    assert {what for _, what in INVITATION} == set(INPUTS)


@pytest.mark.parametrize(
    ("state", "what"), [pair for pair in product(InviteState, INPUTS) if pair not in INVITATION]
)
def test_what_may_not_happen_changes_sends_and_tells_nothing(state: InviteState, what: str) -> None:
    ua = Alone()
    invitation = ua.call()._invitation
    invitation.state = state
    invitation.feed(what, 0.0)
    assert invitation.state is state
    assert (ua.out(), ua.events(), ua.idle()) == ([], [], True)


@pytest.mark.parametrize("state", InviteState)
def test_every_state_can_be_reached_and_come_to_an_end(state: InviteState) -> None:
    reached = {to for to, _ in INVITATION.values()}
    assert state in reached | {InviteState.PREPARED}
    onward = {state}
    for _ in InviteState:
        onward |= {to for (at, _), (to, _) in INVITATION.items() if at in onward}
    assert onward & ENDS


def test_it_is_sent_once() -> None:
    ua = Alone()
    call = ua.call(sdp=OFFER)
    call.send(0.0)
    call.send(0.0)
    assert kinds(ua.out()) == ["INVITE"]
