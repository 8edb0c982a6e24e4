"""Session descriptions as far ends write them: nothing but what a call needs is judged."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringback.sip.description import Direction, Encoding, Media, SdpError, parse
from ringback.sip.sdp import PAYLOAD_TYPES, LocalAudio, make_answer, make_offer, read_answer

OURS = LocalAudio("192.0.2.1", 4000, ("PCMA", "PCMU"), session=7)
PLAIN = (
    "v=0",
    "o=- 1 1 IN IP4 192.0.2.2",
    "s=-",
    "c=IN IP4 192.0.2.2",
    "t=0 0",
    "m=audio 5000 RTP/AVP 8 101",
    "a=rtpmap:8 PCMA/8000",
    "a=rtpmap:101 telephone-event/8000",
    "a=fmtp:101 0-15",
    "a=ptime:20",
    "a=sendrecv",
)


def text(*lines: str, end: str = "\r\n") -> bytes:
    return "".join(line + end for line in lines).encode()


def is_plain(body: bytes) -> bool:
    """Whether it means the same as the plain description, in an offer and in an answer."""
    plain = text(*PLAIN)
    return make_answer(body, OURS) == make_answer(plain, OURS) and read_answer(
        body, OURS
    ) == read_answer(plain, OURS)


STRAY = (
    "hello",
    "=",
    "===",
    "x",
    "\x00\xff\u2028\x85",
    "o=",
    "o=\x00 - - -",
    "s=" + "J\u00f6rg " * 50,
    "t=",
    "t=never",
    "b=AS:none",
    "b=",
    "k=clear:x",
    "z=2882844526 -1h",
    "e=somebody@example.net (\u202eSomebody)",
    "a=",
    "a=x",
    "a=:",
    "a=rtpmap",
    "a=rtpmap:",
    "a=rtpmap:x",
    "a=rtpmap:8",
    "a=rtpmap:999 x/8000",
    "a=rtpmap:" + "9" * 5000 + " PCMA/8000",
    "a=rtpmap:8 PCMA/" + "8" * 5000,
    "a=rtpmap: 33 /8000",
    "a=fmtp:101",
    "a=fmtp:8 x=\x00",
    "a=ptime:",
    "a=ptime:x",
    "a=ptime:0",
    "a=ptime:30.5",
    "a=ptime:99999999999999999999",
    "a=ptime:\u0663\u0660",
    "a=maxptime:150",
    "a=candidate:1 1 UDP 2130706431 192.0.2.9 9 typ host",
    "a=rtcp:5001 IN IP4 192.0.2.9",
    "a=rtcp-mux",
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:",
    "a=setup:actpass",
    "c=",
    "c=IN",
    "c=IN IP4",
    "c=IN IP4 256.0.0.1",
    "c=IN IP4 1.2.3",
    "c=IN IP4 a..b",
    "c=IN IP4 -",
    "c=IN IP4 \u00fc.example",
    "c=IN IP6 ::::",
    "y=0100000001",
    "M=AUDIO",
)


@pytest.mark.parametrize("line", STRAY)
@pytest.mark.parametrize("place", [0, 4, 6, len(PLAIN)])
def test_a_line_that_is_not_needed_is_not_judged(line: str, place: int) -> None:
    assert is_plain(text(*PLAIN[:place], line, *PLAIN[place:]))


@pytest.mark.parametrize("left_out", [0, 1, 2, 4, 6, 8, 9, 10])
def test_a_line_that_is_not_needed_may_be_missing(left_out: int) -> None:
    assert is_plain(text(*PLAIN[:left_out], *PLAIN[left_out + 1 :]))


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\r\r\n", "\n\n", " \r\n", "\t\n", "\0\r\n"])
def test_lines_may_end_in_any_way(end: str) -> None:
    assert is_plain(text(*PLAIN, end=end))


def test_the_last_line_may_be_unended_and_bytes_may_follow() -> None:
    body = text(*PLAIN)
    for after in (b"", b"\r\n\r\n", b"\0", b"\0\0\r\n", b"\xff\xfe"):
        assert is_plain(body + after)
    assert is_plain(body[:-2])
    assert is_plain(b"\xef\xbb\xbf" + body)
    assert is_plain(b"\r\n" + body)


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (3, "c = IN IP4 192.0.2.2"),
        (3, "c=in ip4  192.0.2.2 "),
        (3, "c=IN IP4 192.0.2.2/127"),
        (3, "c=IN IP4 192.000.002.002"),
        (3, "c=IP4 192.0.2.2"),
        (3, "c=192.0.2.2"),
        (3, "c=IN IP6 192.0.2.2"),
        (3, "c=IN IP6 ::ffff:192.0.2.2"),
        (3, "c=IN IP4 192.0.2.2 stray"),
        (5, "m= audio 5000  RTP/AVP 8\t101 "),
        (5, "m=Audio 5000 rtp/avp 8 101"),
        (5, "m=audio 5000/1 RTP/AVP 8 101"),
        (5, "m=audio 05000 RTP/AVP 8 101"),
        (5, "m=audio 5000 RTP/AVP 8 8 101 101"),
        (5, "m=audio 5000 RTP/AVP 08 101"),
        (5, "m=audio 5000 RTP/AVP 8 101 - x 300"),
        (6, "a=rtpmap:8 pcma/8000"),
        (6, "a=RTPMAP: 8  PCMA / 8000 / 1"),
        (6, "a=rtpmap:8 PCMA"),
        (6, "a=rtpmap:8 PCMA/8000;x"),
        (7, "a=rtpmap:101 TELEPHONE-EVENT/8000"),
        (7, "a=rtpmap:101\ttelephone-event/8000/1"),
        (7, "a=rtpmap:101 telephone-event"),
        (10, "a=SendRecv "),
        (10, "a=sendonly\r\na=sendrecv"),
    ],
)
def test_the_same_may_be_written_in_many_ways(line: int, written: str) -> None:
    assert is_plain(text(*PLAIN[:line], written, *PLAIN[line + 1 :]))


def test_attributes_may_stand_anywhere_that_shows_whose_they_are() -> None:
    session, media, attributes = PLAIN[:5], PLAIN[5], PLAIN[6:]
    assert is_plain(text(*session, media, *reversed(attributes)))
    assert is_plain(text(*session, *attributes, media))
    assert is_plain(text(*attributes, *session, media))
    without_address = [line for line in session if not line.startswith("c=")]
    assert is_plain(text(*without_address, media, *attributes, "c=IN IP4 192.0.2.2"))


@pytest.mark.parametrize(
    ("line", "host"),
    [
        ("c=IN IP4 media.example.net", "media.example.net"),
        ("c=IN IP4 localhost", "localhost"),
        ("c=IN IP6 media-1.example.net.", "media-1.example.net."),
        ("c=IN IP4 _sip.example", "_sip.example"),
        ("c=IN IP4 " + "a" * 63 + ".example", "a" * 63 + ".example"),
        ("c=IN IP4 " + "a" * 64 + ".example", ""),
        ("c=IN IP4 " + "a." * 126 + "b" * 9, ""),
        ("c=IN IP4 -a.example", ""),
        ("c=IN IP4 1.2.3.4.5", ""),
        ("c=IN IP4 0x7f000001", "0x7f000001"),
        ("c=IN IP4 2130706433", ""),
        ("c=IN IP6 2001:db8::1", None),
        ("c=IN IP4 2001:db8::1", None),
        ("c=IN IP6 fe80::1%eth0", None),
        ("c=IN IP4 0.0.0.0", "0.0.0.0"),
    ],
)
def test_where_sound_is_taken(line: str, host: str | None) -> None:
    (media,) = parse(text("v=0", "m=audio 5000 RTP/AVP 8", line))
    assert media.host == host
    assert media.usable is (host is not None)
    (media,) = parse(text("v=0", line, "m=audio 5000 RTP/AVP 8"))
    assert media.host == host


def test_an_address_that_cannot_be_read_leaves_that_of_the_session() -> None:
    (media,) = parse(text(*PLAIN[:5], "m=audio 5000 RTP/AVP 8", "c=IN IP4 256.0.0.1"))
    assert media.host == "192.0.2.2"


@pytest.mark.parametrize(
    "other",
    [
        "m=video 6000 RTP/AVP 31",
        "m=audio 0 RTP/AVP 8",
        "m=audio 6000 RTP/SAVP 8",
        "m=image 6002 udptl t38",
        "m=audio 6000 RTP/AVP 18",
        "m=audio 70000 RTP/AVP 8",
        "m=audio",
        "m=",
        "m=\x00 \x01 \x02 \x03",
        "m=text 6004 TCP/MSRP *",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    ],
)
def test_other_media_stand_beside_ours_and_are_rejected_in_their_place(other: str) -> None:
    media = [other, "a=inactive", "c=IN IP6 ::1", "a=rtpmap:8 X/8000"]
    for lines in ((*PLAIN[:5], *media, *PLAIN[5:]), (*PLAIN, *media)):
        body = text(*lines)
        assert read_answer(body, OURS) == read_answer(text(*PLAIN), OURS)
        made = make_answer(body, OURS)
        assert made is not None
        assert [medium.port > 0 for medium in parse(made[0])] == [
            medium.usable and medium.port == 5000 for medium in parse(body)
        ]


# Whatever comes, and whatever is written

PIECES = st.sampled_from((
    *PLAIN, *STRAY, "m=audio 5000 RTP/AVP", "m=audio 5000 RTP/AVPF 0 8 96", "m=video 1 x y",
    "a=rtpmap:96 PCMU/8000", "a=rtpmap:101 PCMA/8000", "a=inactive", "c=IN IP4 media.example.net",
))  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=400),
    st.lists(st.one_of(PIECES, st.text(max_size=30)), max_size=25).map(
        lambda lines: text(*lines, end="\n").replace(b"\xed", b"")
    ),
    st.lists(PIECES, max_size=25).flatmap(
        lambda lines: st.tuples(st.just(text(*lines)), st.integers(0, 900), st.binary(max_size=4))
    ).map(lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] + len(cut[2]) :]),
)  # fmt: skip


@given(BODIES)
@example(text("v=0", "m=audio 5000 RTP/AVP " + "9" * 5000))
def test_nothing_but_an_sdp_error_leaves_and_every_answer_can_be_read_again(body: bytes) -> None:
    try:
        offered = parse(body)
    except SdpError:
        return
    read_answer(body, OURS)
    try:
        made = make_answer(body, OURS)
    except SdpError:
        return
    if made is None:
        assert not any(medium.usable and {0, 8} & set(known(medium)) for medium in offered)
        return
    answer, agreed = made
    medias = parse(answer)
    assert len(medias) == len(offered)
    (ours,) = (medium for medium in medias if medium.port > 0)
    assert offered[medias.index(ours)].usable
    assert (ours.host, ours.port, ours.direction) == (OURS.host, OURS.port, agreed.direction)
    assert ours.payload_types()[agreed.payload_type] == Encoding(agreed.codec)
    back = read_answer(answer, LocalAudio("192.0.2.2", 5000, ("PCMA", "PCMU"), 9))
    assert back is not None
    assert (back.codec, back.payload_type) == (agreed.codec, agreed.payload_type)
    assert back.dtmf_payload_type == agreed.dtmf_payload_type
    again = b"".join(f"{medium.rejected()}\n".encode() for medium in medias)
    assert [medium.rejected() for medium in parse(again)] == [m.rejected() for m in medias]


def known(medium: Media) -> list[int]:
    """Its payload types that are called by their static names."""
    names = {0: "PCMU", 8: "PCMA"}
    return [n for n, e in medium.payload_types().items() if e == Encoding(names.get(n, ""))]


@given(
    st.lists(st.sampled_from(["PCMA", "PCMU"]), min_size=1, max_size=2, unique=True),
    st.integers(1, 65535),
    st.sampled_from(["sendrecv", "sendonly", "recvonly", "inactive"]),
)
def test_our_offer_parses_to_what_was_meant(codecs: list[str], port: int, direction: str) -> None:
    ours = LocalAudio("192.0.2.1", port, codecs, session=7)
    (media,) = parse(make_offer(ours, cast(Direction, direction)))
    assert (media.host, media.port, media.direction) == (ours.host, port, direction)
    types = {PAYLOAD_TYPES[codec]: Encoding(codec) for codec in codecs}
    assert media.payload_types() == {**types, 101: Encoding("TELEPHONE-EVENT")}
