"""Whole calls between two user agents, on a network that loses, doubles and reorders."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.sip.useragents import ANSWER, OFFER, Network, Side, idle

from ringback.sip.calls import Call, IncomingCall, OutgoingCall
from ringback.sip.events import CallEvent, Established, Offered, Signal, Succeeded
from ringback.sip.hop import Hop
from ringback.sip.uri import NameAddr

US, THEM = Hop("udp", "192.0.2.1", 5060), Hop("udp", "192.0.2.2", 5060)
GOOD: dict[str, float] = {}
BAD = {"loss": 0.1, "doubled": 0.1, "jitter": 0.3}
AWFUL = {"loss": 0.3, "doubled": 0.3, "jitter": 1.0}
ODD = {"odd": 0.7}
ODD_AND_BAD = {**BAD, "odd": 0.7}


class Pair:
    """A server and a phone."""

    def __init__(self, seed: int, faults: dict[str, float]) -> None:
        self.network = Network(seed=seed, **faults)
        self.us = self.network.side(US, seed * 2)
        self.them = self.network.side(THEM, seed * 2 + 1)

    def dial(self) -> OutgoingCall:
        sender = NameAddr.parse("<sip:us@192.0.2.1>")
        call = OutgoingCall(self.us.agent, "sip:1@192.0.2.2", THEM, sender=sender, sdp=OFFER)
        call.send(self.network.now)
        return call

    def later(self, seconds: float, action: Callable[[float], None]) -> None:
        self.them.agent.layers.timers.set(self.network.now + seconds, action)

    def assert_idle(self) -> None:
        for side in (self.us, self.them):
            assert idle(side.agent)


def answering(pair: Pair) -> None:
    """The phone rings, answers after two seconds, and takes every offer."""

    def on_call(call: IncomingCall) -> None:
        call.ring(pair.network.now)
        pair.later(2.0, lambda at: call.accept(ANSWER, at))

    def on_event(call: Call, event: CallEvent) -> None:
        if isinstance(event, Offered):
            call.accept_offer(ANSWER, pair.network.now)

    pair.them.on_call = on_call
    for side in (pair.us, pair.them):
        side.on_event = on_event


def digits(side: Side) -> str:
    return "".join(event.digit for _, _, event in side.events if isinstance(event, Signal))


@pytest.mark.parametrize(
    "faults",
    [GOOD, BAD, AWFUL, ODD, ODD_AND_BAD],
    ids=["good", "bad", "awful", "odd", "odd and bad"],
)
def test_a_call_is_answered_once_talked_on_and_ended(faults: dict[str, float]) -> None:
    for seed in range(12):
        pair = Pair(seed, faults)
        answering(pair)
        call = pair.dial()
        pair.network.run(40.0)
        assert pair.us.told(call).count("Succeeded") == 1, seed
        (theirs,) = pair.them.calls
        assert pair.them.told(theirs).count("Established") == 1, seed
        for digit in "0042#":
            call.info(digit, pair.network.now)
        pair.network.run(200.0)
        assert digits(pair.them) == "0042#", seed
        call.refresh(pair.network.now)
        pair.network.run(60.0)
        assert pair.us.told(call).count("Refreshed") == 1, seed
        call.bye(pair.network.now)
        pair.network.run(100.0)
        assert pair.us.told(call).count("Closed") == 1, seed
        assert pair.them.told(theirs).count("HungUp") == 1, seed
        pair.assert_idle()


@pytest.mark.parametrize(
    "faults",
    [GOOD, BAD, AWFUL, ODD, ODD_AND_BAD],
    ids=["good", "bad", "awful", "odd", "odd and bad"],
)
def test_a_trigger_call_is_rejected_and_its_rejection_proven(faults: dict[str, float]) -> None:
    for seed in range(12):
        pair = Pair(seed, faults)

        def on_call(call: IncomingCall, pair: Pair = pair) -> None:
            call.ring(pair.network.now)
            pair.later(5.0, lambda at: call.reject(486, at))

        pair.them.on_call = on_call
        call = pair.dial()
        pair.network.run(100.0)
        assert [name for name in pair.us.told(call) if name != "Provisional"] == ["Failed"], seed
        (theirs,) = pair.them.calls
        assert pair.them.told(theirs) == ["Rejected"], seed
        pair.assert_idle()


@pytest.mark.parametrize(
    "faults", [GOOD, BAD, ODD, ODD_AND_BAD], ids=["good", "bad", "odd", "odd and bad"]
)
def test_a_cancel_at_any_time_leaves_nothing_behind(faults: dict[str, float]) -> None:
    crossed = 0
    for seed in range(40):
        pair = Pair(seed, faults)
        answering(pair)
        call = pair.dial()
        pair.network.run(1.9 + seed * 0.006)  # about when the answer comes
        if "Succeeded" in pair.us.told(call):
            call.bye(pair.network.now)
        else:
            call.cancel(pair.network.now)
        pair.network.run(150.0)
        told = pair.us.told(call)
        assert ("Succeeded" in told) != ("Failed" in told), seed
        crossed += any(
            isinstance(event, Succeeded) and event.crossed for _, _, event in pair.us.events
        )
        pair.assert_idle()
    assert crossed > 0


def test_without_faults_a_call_is_six_messages() -> None:
    pair = Pair(1, GOOD)
    answering(pair)
    call = pair.dial()
    pair.network.run(5.0)
    call.bye(pair.network.now)
    pair.network.run(5.0)
    assert [what for _, _, what in pair.network.carried] == [
        "INVITE",
        "180 INVITE",
        "200 INVITE",
        "ACK",
        "BYE",
        "200 BYE",
    ]
    assert isinstance(pair.them.events[0][2], Established)
