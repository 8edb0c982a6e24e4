"""Each packet of sound says its codec by its payload type (RFC 3264 sections 5.1 and 6.1)."""

from __future__ import annotations

import pytest
from tests.media.test_leg import TYPES, Bench

from ringback.media.g711 import TRANSLATE

LAWS = {8: "PCMA", 0: "PCMU", 96: "PCMA", 97: "PCMU"}


@pytest.mark.parametrize("payload_type", LAWS)
@pytest.mark.parametrize("heard_as", ["PCMA", "PCMU"])
@pytest.mark.parametrize("sent_to_it", ["PCMA", "PCMU"])
def test_whatever_was_agreed_may_come_at_any_time(
    payload_type: int, heard_as: str, sent_to_it: str
) -> None:
    """Whatever we send there, and whatever came before."""
    bench = Bench(sent_to_it, heard_as)
    bench.bridge()
    bench.configure(0, sent_to_it, receives=LAWS)
    bench.configure(1, heard_as, receives=LAWS)
    codes = bytes(range(160))
    for sequence, kind in enumerate((8, payload_type, 0, payload_type), 1):
        bench.packet(0, codes, payload_type=kind, sequence=sequence)
        expected = codes
        if LAWS[kind] != heard_as:
            expected = codes.translate(TRANSLATE[LAWS[kind], heard_as])
        assert bench.heard(1)[-1] == expected
        assert bench.sent[1][-1][1] & 0x7F == TYPES[heard_as]
    assert len(bench.sent[1]) == 4
    bench.packet(1, codes, payload_type=payload_type)
    assert bench.sent[0][0][1] & 0x7F == TYPES[sent_to_it], "what we send is the answer's"
    assert [leg.invalid for leg in bench.legs] == [0, 0]


def test_a_codec_that_was_not_agreed_is_dropped_and_counted() -> None:
    bench = Bench()
    bench.configure(0, receives={8: "PCMA"})
    bench.bridge()
    bench.packet(0, bytes(160), payload_type=0)
    assert (bench.sent[1], bench.legs[0].invalid) == ([], 1)


def test_a_payload_type_of_the_far_ends_own_is_what_we_send() -> None:
    bench = Bench("PCMA", "PCMU")
    bench.configure(1, "PCMU", payload_type=111)
    bench.bridge()
    bench.packet(0, bytes(160))
    bench.legs[1].turn(1.0)
    assert [packet[1] & 0x7F for packet in bench.sent[1]] == [111, 111]
