"""The session description in a body, and what else a body may be (RFC 5621)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sip.useragents import OFFER, request

from ringback.sip.bodies import DEEPEST, MOST_PARTS, description, is_strange

ISUP = ("application/isup", b"\x01\x11\r\n\r\n--\x00")
SDP = ("application/sdp", OFFER)


def part(kind: str, content: bytes, *more: str) -> bytes:
    return "\r\n".join([f"Content-Type: {kind}", *more, "", ""]).encode() + content


def multipart(*parts: bytes, boundary: str = "b") -> bytes:
    marker = f"--{boundary}".encode()
    return b"".join(marker + b"\r\n" + each + b"\r\n" for each in parts) + marker + b"--\r\n"


def described(kind: str, body: bytes, *headers: tuple[str, str]) -> tuple[bytes, bool]:
    message = request(headers=(("content-type", kind), *headers), body=body)
    return description(message), is_strange(message)


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        ("application/sdp", OFFER, OFFER),
        ("Application/SDP ; charset=UTF-8", OFFER, OFFER),
        ('application/sdp;"', OFFER, OFFER),
        ("text/plain", OFFER, OFFER),
        ("", OFFER, OFFER),
        ("application/sdp", b"hello", b"hello"),  # whoever reads it says what is wrong with it
        ("application/sdp", b" \r\n", b""),
        ("application/isup", b"\x01\x11", b""),
        ("multipart/mixed;boundary=b", multipart(part(*SDP), part(*ISUP)), OFFER),
        ("multipart/mixed;boundary=b", multipart(part(*ISUP), part(*SDP)), OFFER),
        ('MULTIPART/MIXED ; Boundary="B c"', multipart(part(*SDP), boundary="B c"), OFFER),
        ("multipart/mixed;boundary=B", multipart(part(*SDP)), b""),  # a boundary has a case
        ("multipart/mixed;boundary=b", b"preamble\r\n" + multipart(part(*SDP)) + b"after", OFFER),
        ("multipart/mixed;boundary=b", multipart(b"\r\n" + OFFER), OFFER),
        ("multipart/mixed;boundary=b", multipart(part("x", b"")), b""),
        ("multipart/mixed", multipart(part(*SDP)), b""),
        (
            "multipart/mixed;boundary=b",
            multipart(part("multipart/mixed;boundary=c", multipart(part(*SDP), boundary="c"))),
            OFFER,
        ),
        (
            "multipart/alternative;boundary=b",
            multipart(part("application/sdp", b"v=0\r\nold"), part(*SDP), part(*ISUP)),
            OFFER,
        ),
        (
            "multipart/mixed;boundary=b",
            multipart(part("application/sdp", b"v=0\r\nfirst"), part(*SDP)),
            b"v=0\r\nfirst",
        ),
        (
            "multipart/mixed;boundary=b",
            multipart(part(*SDP, "Content-Disposition: early-session"), part(*SDP)),
            OFFER,
        ),
        (
            "multipart/mixed;boundary=b",
            multipart(part("application/sdp", b"zip", "Content-Encoding: gzip"), part(*SDP)),
            OFFER,
        ),
        (
            "multipart/mixed;boundary=b",
            multipart(b"no header\r\n folded\r\n" + part(*SDP, "Content-Encoding: Identity")),
            OFFER,
        ),
    ],
)
def test_the_description_in_a_body(kind: str, body: bytes, found: bytes) -> None:
    assert described(kind, body)[0] == found


OPTIONAL = ("content-disposition", "signal ; HANDLING = Optional")


@pytest.mark.parametrize(
    ("kind", "body", "headers", "strange"),
    [
        ("application/isup", b"\x01", (), True),
        ("application/isup", b"\x01", (OPTIONAL,), False),
        ("application/isup", b"\x01", (("content-disposition", "signal;handling=required"),), True),
        ("application/isup", b"", (), False),
        ("application/sdp", OFFER, (), False),
        ("application/sdp", OFFER, (("content-encoding", "gzip"),), True),
        ("multipart/mixed;boundary=b", multipart(part(*ISUP)), (), True),
        ("multipart/mixed;boundary=b", multipart(part(*ISUP)), (OPTIONAL,), False),
        ("multipart/mixed;boundary=b", multipart(part(*ISUP), part(*SDP)), (), False),
        (
            "multipart/mixed;boundary=b",
            multipart(part(*ISUP, "Content-Disposition: signal;handling=optional")),
            (),
            False,
        ),
    ],
)
def test_what_has_to_be_understood(
    kind: str, body: bytes, headers: tuple[tuple[str, str], ...], *, strange: bool
) -> None:
    assert described(kind, body, *headers)[1] is strange


def test_how_much_of_it_is_read() -> None:
    many = multipart(*[part("a/b", b"x")] * MOST_PARTS, part(*SDP))
    assert described("multipart/mixed;boundary=b", many)[0] == b""
    body, kind = OFFER, "application/sdp"
    for depth in range(DEEPEST + 1):
        assert described(kind, body)[0] == OFFER, depth
        boundary = "b" * (depth + 1)
        body = multipart(part(kind, body), boundary=boundary)
        kind = f"multipart/mixed;boundary={boundary}"
    assert described(kind, body)[0] == b""


@given(
    kind=st.sampled_from(["multipart/mixed;boundary=b", "multipart/alternative;boundary=", "x"]),
    pieces=st.lists(
        st.sampled_from([b"--b", b"--", b"\r\n", b"\n", b" ", b"\r\n\r\n", part(*SDP), b"\xff"])
        | st.binary(max_size=5),
        max_size=30,
    ),
)
@settings(deadline=None)
def test_any_body_can_be_looked_into(kind: str, pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    found, _ = described(kind, body)
    assert found in body


def test_a_long_run_of_one_thing_is_read_once() -> None:
    """Nothing here measures time: what takes for ever stops the suite."""
    for run in (b"\r\n", b" ", b"--b ", b"\r\n--b", b"--b\r", b"-"):
        described("multipart/mixed;boundary=b", b"\r\n--b" + run * 20_000)
