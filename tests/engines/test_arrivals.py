"""A flood of one kind of datagrams holds up and displaces its own kind only."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sip.useragents import PEER, reply, request

from ringback.engines.embedded.arrivals import MOST_BYTES, Arrival, Arrivals, Kind, kind_of

INVITE, BYE = request().encode(), request("BYE", to_tag="ours").encode()
OK, OPTIONS = reply(request(), 200).encode(), request("OPTIONS").encode()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (INVITE, Kind.CALL),
        (request("CANCEL").encode(), Kind.CALL),
        (request("INVITE", to_tag="ours").encode(), Kind.WITHIN),
        (request("CANCEL", to_tag="ours").encode(), Kind.WITHIN),
        (BYE, Kind.WITHIN),
        (BYE.replace(b"To: ", b"t : "), Kind.WITHIN),
        (request("INFO", to_tag="ours").encode(), Kind.WITHIN),
        (request("ACK", to_tag="ours").encode(), Kind.ANSWER),
        (OK, Kind.ANSWER),
        (OK.replace(b"SIP/2.0", b"sip/2.0"), Kind.ANSWER),
        (b"\r\n\r\n" + OK, Kind.ANSWER),
        (OPTIONS, Kind.OTHER),
        (request("BYE").encode(), Kind.OTHER),
        (b"", Kind.OTHER),
        (b"\r\n\r\n", Kind.OTHER),
        (b"\xff" * 65_535, Kind.OTHER),
    ],
)
def test_kinds(data: bytes, kind: Kind) -> None:
    assert kind_of(data) is kind


@given(st.binary(max_size=200))
def test_anything_is_of_some_kind(data: bytes) -> None:
    assert kind_of(data) in Kind


def put(arrivals: Arrivals, data: bytes, times: int = 1) -> None:
    for number in range(times):
        arrivals.put(Arrival(data, PEER, float(number)))


@pytest.mark.parametrize("flood", [INVITE, OPTIONS, BYE, OK])
def test_whatever_there_is_much_of_the_others_are_taken_at_their_turns(flood: bytes) -> None:
    arrivals = Arrivals()
    put(arrivals, flood, 5000)
    put(arrivals, OK)
    put(arrivals, BYE)
    put(arrivals, OPTIONS)
    put(arrivals, INVITE)
    taken = [arrivals.take() for _ in range(8)]
    kinds = {kind_of(arrival.data) for arrival in taken if arrival is not None}
    assert kinds == set(Kind)


@pytest.mark.parametrize("flood", [INVITE, OPTIONS, BYE, OK])
def test_what_waits_is_bounded_for_each_kind(flood: bytes) -> None:
    arrivals = Arrivals()
    put(arrivals, flood, 2 * MOST_BYTES // len(flood))
    for data in (INVITE, OPTIONS, BYE, OK):
        put(arrivals, data)
    found: Counter[Kind] = Counter()
    while (arrival := arrivals.take()) is not None:
        found[kind_of(arrival.data)] += 1
    assert found.pop(kind_of(flood)) * len(flood) <= MOST_BYTES
    assert set(found.values()) == {1}, "the others were not dropped"
    put(arrivals, flood)
    assert arrivals, "there is room again"


def test_each_kind_keeps_its_order_and_its_times() -> None:
    arrivals = Arrivals()
    put(arrivals, BYE, 5)
    put(arrivals, INVITE, 5)
    taken = [arrivals.take((Kind.WITHIN,)) for _ in range(5)]
    assert [arrival and arrival.reached for arrival in taken] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert arrivals.take((Kind.WITHIN, Kind.ANSWER)) is None
    assert arrivals
