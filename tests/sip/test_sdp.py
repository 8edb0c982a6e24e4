"""Offer and answer (RFC 3264), telephone-events (RFC 4733)."""

from __future__ import annotations

import pytest

from ringback.sip.description import LONGEST_BYTES, MOST_MEDIA, Direction
from ringback.sip.sdp import (
    LocalAudio,
    Negotiated,
    SdpError,
    make_answer,
    make_offer,
    read_answer,
)

OURS = LocalAudio("192.0.2.1", 4000, ("PCMA", "PCMU"), session=7)
HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"


def sdp(*lines: str, head: str = HEAD) -> bytes:
    return (head + "".join(f"{line}\r\n" for line in lines)).encode()


def answered(offer: bytes, ours: LocalAudio = OURS) -> tuple[list[str], Negotiated]:
    made = make_answer(offer, ours)
    assert made is not None
    lines = made[0].decode().split("\r\n")
    return lines[lines.index("t=0 0") + 1 : -1], made[1]


def agreed(*lines: str, head: str = HEAD) -> Negotiated:
    """What an offer of theirs comes to."""
    return answered(sdp(*lines, head=head))[1]


# Codecs and payload types


def test_our_offer_has_both_laws_and_telephone_events() -> None:
    assert make_offer(OURS).decode().split("\r\n") == [
        "v=0",
        "o=- 7 1 IN IP4 192.0.2.1",
        "s=-",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 4000 RTP/AVP 8 0 101",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-15",
        "a=ptime:20",
        "a=sendrecv",
        "",
    ]


def test_we_understand_ourselves() -> None:
    theirs = LocalAudio("192.0.2.2", 5000, ("PCMU", "PCMA"), session=9)
    made = make_answer(make_offer(OURS), theirs)
    assert made is not None
    answer, at_theirs = made
    at_ours = read_answer(answer, OURS)
    assert at_ours is not None
    assert (at_theirs.host, at_theirs.port) == ("192.0.2.1", 4000)
    assert (at_ours.host, at_ours.port) == ("192.0.2.2", 5000)
    assert at_ours.codec == at_theirs.codec == "PCMA", "the offerer's first that both have"
    assert at_ours.dtmf_payload_type == at_theirs.dtmf_payload_type == 101


@pytest.mark.parametrize(
    ("formats", "codecs", "codec"),
    [
        ("0 8", ("PCMA", "PCMU"), "PCMU"),
        ("8 0", ("PCMU", "PCMA"), "PCMA"),
        ("0 8", ("PCMA",), "PCMA"),
        ("18 9 3 8", ("PCMA", "PCMU"), "PCMA"),
    ],
)
def test_the_first_of_theirs_that_we_have(
    formats: str, codecs: tuple[str, ...], codec: str
) -> None:
    lines, result = answered(
        sdp(f"m=audio 5000 RTP/AVP {formats}"), LocalAudio("192.0.2.1", 4000, codecs, 7)
    )
    assert result.codec == codec
    assert lines[0] == f"m=audio 4000 RTP/AVP {result.payload_type}", "one codec is answered"


@pytest.mark.parametrize(
    "lines",
    [
        ("m=audio 5000 RTP/AVP 18", "a=rtpmap:18 G729/8000"),
        ("m=audio 5000 RTP/AVP 8", "a=rtpmap:8 PCMA/16000"),
        ("m=audio 5000 RTP/AVP 8", "a=rtpmap:8 OPUS/8000"),
        ("m=audio 5000 RTP/AVP 8", "a=rtpmap:8 PCMA/8000/2"),
        ("m=audio 5000 RTP/AVP 96", "a=rtpmap:97 PCMA/8000"),
        ("m=audio 5000 RTP/AVP 72", "a=rtpmap:72 PCMA/8000"),
        ("m=audio 5000 RTP/AVP 200", "a=rtpmap:200 PCMA/8000"),
        ("m=audio 5000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"),
        ("m=audio 5000 RTP/SAVP 8",),
        ("m=audio 5000 UDP/TLS/RTP/SAVPF 8",),
        ("m=audio 0 RTP/AVP 8",),
        ("m=video 5000 RTP/AVP 8",),
        ("m=audio 5000 RTP/AVP 8", "c=IN IP6 2001:db8::1"),
        ("m=audio 5000 RTP/AVP eight",),
        ("m=audio 5000 RTP/AVP " + "8" * 5000,),
        ("m=audio 5000 RTP/AVP",),
        ("m=audio 70000 RTP/AVP 8",),
        ("m=audio x RTP/AVP 8",),
        ("m=audio -1 RTP/AVP 8",),
        ("m=audio",),
        ("m=",),
        (),
    ],
)
def test_nothing_in_common(lines: tuple[str, ...]) -> None:
    assert make_answer(sdp(*lines), OURS) is None
    assert read_answer(sdp(*lines), OURS) is None


@pytest.mark.parametrize("theirs", [96, 97, 100, 127])
def test_telephone_events_have_the_offerers_number(theirs: int) -> None:
    lines, result = answered(
        sdp(f"m=audio 5000 RTP/AVP 8 {theirs}", f"a=rtpmap:{theirs} TELEPHONE-event/8000")
    )
    assert result.dtmf_payload_type == theirs
    assert result.dtmf_receives == {theirs}
    assert f"a=rtpmap:{theirs} telephone-event/8000" in lines


@pytest.mark.parametrize("theirs", [96, 110])
def test_an_answer_may_number_telephone_events_in_its_own_way(theirs: int) -> None:
    """Each end sends with the number that the other wrote (RFC 3264 section 5.1), and some far
    ends with their own."""
    answer = sdp(f"m=audio 5000 RTP/AVP 0 {theirs}", f"a=rtpmap:{theirs} telephone-event/8000")
    result = read_answer(answer, OURS)
    assert result is not None
    assert (result.dtmf_payload_type, result.dtmf_receives) == (theirs, frozenset({theirs, 101}))


@pytest.mark.parametrize("name", ["PCMA", "pcma", "Pcma"])
def test_a_codec_may_have_a_number_of_its_own(name: str) -> None:
    lines = ("m=audio 5000 RTP/AVP 96 0 97", f"a=rtpmap:96 {name}/8000/1", "a=rtpmap:97 x/8000")
    answer, offered = answered(sdp(*lines))
    assert (offered.codec, offered.payload_type) == ("PCMA", 96)
    assert offered.receives == {96: "PCMA", 0: "PCMU"}
    assert answer[:2] == ["m=audio 4000 RTP/AVP 96", "a=rtpmap:96 PCMA/8000"]
    read = read_answer(sdp(*lines), OURS)
    assert read is not None
    assert (read.codec, read.payload_type) == ("PCMA", 96)
    assert read.receives == {96: "PCMA", 0: "PCMU", 8: "PCMA"}


@pytest.mark.parametrize(
    ("formats", "codec"),
    [("8 0 101", "PCMA"), ("0 8 101", "PCMU"), ("0", "PCMU"), ("18 8", "PCMA")],
)
def test_we_send_the_answers_first_and_take_all_that_we_offered(formats: str, codec: str) -> None:
    read = read_answer(sdp(f"m=audio 5000 RTP/AVP {formats}"), OURS)
    assert read is not None
    assert read.codec == codec
    assert read.receives == {8: "PCMA", 0: "PCMU"}
    assert read.dtmf_receives == {101}


def test_where_both_ends_use_a_number_ours_counts_for_what_comes() -> None:
    read = read_answer(
        sdp("m=audio 5000 RTP/AVP 101 8", "a=rtpmap:101 PCMU/8000", "a=rtpmap:8 telephone-event"),
        OURS,
    )
    assert read is not None
    assert (read.codec, read.payload_type, read.dtmf_payload_type) == ("PCMU", 101, 8)
    assert (read.receives, read.dtmf_receives) == ({8: "PCMA", 0: "PCMU"}, frozenset({101}))


def test_events_of_another_clock_are_taken_and_not_sent() -> None:
    result = agreed(
        "m=audio 5000 RTP/AVP 8 98 99",
        "a=rtpmap:98 telephone-event/48000",
        "a=rtpmap:99 telephone-event/8000",
    )
    assert (result.dtmf_payload_type, result.dtmf_receives) == (99, frozenset({98, 99}))


@pytest.mark.parametrize(
    "lines",
    [
        ("m=audio 5000 RTP/AVP 8",),
        ("m=audio 5000 RTP/AVP 8 101",),
        ("m=audio 5000 RTP/AVP 8", "a=rtpmap:101 telephone-event/8000"),
        ("m=audio 5000 RTP/AVP 8 72", "a=rtpmap:72 telephone-event/8000"),
    ],
)
def test_without_telephone_events(lines: tuple[str, ...]) -> None:
    answer, result = answered(sdp(*lines))
    assert (result.dtmf_payload_type, result.dtmf_receives) == (None, frozenset())
    assert "telephone-event" not in "".join(answer)
    read = read_answer(sdp(*lines), OURS)
    assert read is not None
    assert (read.dtmf_payload_type, read.dtmf_receives) == (None, frozenset({101})), (
        "since we offered it"
    )


# Packets, addresses, directions


@pytest.mark.parametrize(
    ("theirs", "ours", "hold"),
    [
        ("sendrecv", "sendrecv", False),
        ("sendonly", "recvonly", True),
        ("recvonly", "sendonly", True),
        ("inactive", "inactive", True),
    ],
)
def test_directions_are_mirrored(theirs: str, ours: Direction, hold: bool) -> None:
    for lines in (
        ("m=audio 5000 RTP/AVP 8", f"a={theirs}"),
        (f"a={theirs}", "m=audio 5000 RTP/AVP 8"),  # for all media
        ("a=inactive", "m=audio 5000 RTP/AVP 8", f"a={theirs}"),  # the medium's own counts
    ):
        answer, result = answered(sdp(*lines))
        assert (result.direction, result.on_hold) == (ours, hold)
        assert result.sends is (theirs in ("sendrecv", "recvonly"))
        assert answer[-1] == f"a={ours}"


def test_the_address_zero_is_hold() -> None:
    result = agreed("m=audio 5000 RTP/AVP 8", "c=IN IP4 0.0.0.0")
    assert result.direction == "sendrecv"
    assert result.on_hold
    assert not result.sends, "it would arrive here"


def test_the_mediums_own_address_counts() -> None:
    lines = ("m=audio 5000 RTP/AVP 8", "c=IN IP4 192.0.2.77/127")
    assert agreed(*lines).host == "192.0.2.77"
    assert agreed(*lines, head="v=0\r\n").host == "192.0.2.77"


@pytest.mark.parametrize(
    ("host", "named"), [("192.0.2.2", False), ("media.example.net", True), ("", False)]
)
def test_sound_goes_to_an_address_a_name_or_wherever_it_comes_from(host: str, named: bool) -> None:
    result = agreed(f"c=IN IP4 {host}", "m=audio 5000 RTP/AVP 8", head="v=0\r\n")
    assert (result.host, result.named, result.sends) == (host, named, True)


# Several media


def test_media_we_do_not_take_are_rejected_in_their_place() -> None:
    lines, result = answered(
        sdp(
            "m=video 6000 RTP/AVP 31 32",
            "a=rtpmap:31 H261/90000",
            "m=audio 5000 RTP/AVP 8",
            "m=audio 5002 RTP/AVP 0",
            "m=image 6002 udptl t38",
        )
    )
    assert [line for line in lines if line.startswith("m=")] == [
        "m=video 0 RTP/AVP 31 32",
        "m=audio 4000 RTP/AVP 8",
        "m=audio 0 RTP/AVP 0",
        "m=image 0 udptl t38",
    ]
    assert result.port == 5000


def test_a_rejected_audio_is_passed_over() -> None:
    lines, result = answered(sdp("m=audio 0 RTP/AVP 8", "m=audio 5002/2 RTP/AVP 0"))
    assert lines[0] == "m=audio 0 RTP/AVP 8"
    assert (result.port, result.codec) == (5002, "PCMU")


def test_an_answer_that_rejects_is_none() -> None:
    assert read_answer(sdp("m=audio 0 RTP/AVP 8 101"), OURS) is None


def test_a_new_description_has_a_new_version() -> None:
    later = LocalAudio("192.0.2.1", 4000, ("PCMA",), session=7, version=2)
    assert b"o=- 7 2 IN IP4 192.0.2.1\r\n" in make_offer(later, "sendonly")
    assert b"a=sendonly\r\n" in make_offer(later, "sendonly")


# What is wrong


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"v=1\r\n",
        b"hello",
        b"c=IN IP4 192.0.2.2\r\n",
        sdp("a=" + "x" * LONGEST_BYTES),
    ],
)
def test_what_is_no_description(body: bytes) -> None:
    with pytest.raises(SdpError):
        make_answer(body, OURS)
    with pytest.raises(SdpError):
        read_answer(body, OURS)


def test_an_offer_of_more_media_than_anybody_has_is_refused() -> None:
    """Each would have to be answered."""
    most = sdp("m=audio 5000 RTP/AVP 8", *["m=audio 0 RTP/AVP 8"] * (MOST_MEDIA - 1))
    assert make_answer(most, OURS) is not None
    more = most + b"m=audio 0 RTP/AVP 8\r\n"
    with pytest.raises(SdpError):
        make_answer(more, OURS)
    assert read_answer(more * 2, OURS) is not None
