"""Messages that break parsers: our own corpus, each with what becomes of it.

Most differ from a good message in one respect, so that what is asserted is what it is for.
A request whose lines cannot be told apart is dropped; any other is answered.
"""

from __future__ import annotations

GOOD = (
    b"INVITE sip:100@192.0.2.1 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.2:5070;branch=z9hG4bK1\r\n"
    b"Max-Forwards: 70\r\n"
    b"From: <sip:peer@192.0.2.2>;tag=theirs\r\n"
    b"To: <sip:100@192.0.2.1>\r\n"
    b"Call-ID: c1\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Contact: <sip:peer@192.0.2.2:5070>\r\n"
    b"Content-Length: 0\r\n"
    b"\r\n"
)


def but(what: bytes, by: bytes) -> bytes:
    assert GOOD.count(what) == 1, what
    return GOOD.replace(what, by)


def more(*lines: bytes) -> bytes:
    return GOOD[:-2] + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


CALL, DROPPED = "a call comes in", "dropped"

CORPUS: dict[str, tuple[bytes, str | int]] = {
    "good": (GOOD, CALL),
    # Bytes that are no text
    "a NUL in a value": (but(b"Call-ID: c1", b"Call-ID: c\x001"), CALL),
    "a NUL in a name": (but(b"Call-ID:", b"Call\x00-ID:"), 400),
    "a NUL in the Request-URI": (but(b"INVITE sip:100", b"INVITE sip:1\x0000"), 400),
    "half a letter of UTF-8": (more(b"Subject: \xc3"), CALL),
    "an overlong UTF-8 slash": (more(b"Subject: \xc0\xaf"), CALL),
    "a surrogate in UTF-8": (more(b"Subject: \xed\xa0\x80"), CALL),
    "Latin-1 in a display name": (but(b"From: <", b'From: "J\xf6rg" <'), CALL),
    "a bare Latin-1 display name": (but(b"From: <", b"From: J\xf6rg <"), CALL),
    "a byte-order mark": (b"\xef\xbb\xbf" + GOOD, 400),
    "UTF-16": (GOOD.decode().encode("utf-16"), DROPPED),
    # Line ends
    "bare line feeds": (GOOD.replace(b"\r\n", b"\n"), DROPPED),
    "bare carriage returns": (GOOD.replace(b"\r\n", b"\r"), DROPPED),
    "a bare line feed in a value": (more(b"Subject: a\nVia: SIP/2.0/UDP evil"), CALL),
    "a line feed smuggles no header": (
        but(b"Call-ID: c1", b"Call-ID: c1\nContent-Length: 9"),
        CALL,
    ),
    "a vertical tab is no fold": (more(b"\x0bfolded"), CALL),
    "other line ends of Unicode": (more("Subject: a\u2028Via: b\x85c".encode()), CALL),
    "line breaks before it": (b"\r\n" * 500 + GOOD, CALL),
    "a fold of nothing": (more(b"Subject:", b" ", b"\t"), CALL),
    "folds only": (b"INVITE sip:100@192.0.2.1 SIP/2.0\r\n a\r\n b\r\n\r\n", DROPPED),
    # Sizes
    "a long call id": (but(b"Call-ID: c1", b"Call-ID: " + b"c" * 8000), CALL),
    "too many Vias": (more(*[b"Via: SIP/2.0/UDP 192.0.2.3"] * 200), 413),
    "headers without end": (more(b"Subject: " + b"x" * 20_000), 413),
    "a first line without end": (b"INVITE sip:" + b"1" * 20_000 + GOOD[10:], DROPPED),
    "an answer without end": (
        b"SIP/2.0 200 SIP/2.0" + more(b"Subject: " + b"x" * 20_000)[32:],
        DROPPED,
    ),
    "a Via of a thousand": (more(b"Via: " + b"SIP/2.0/UDP h," * 1000 + b"SIP/2.0/UDP h"), CALL),
    "a long method": (GOOD.replace(b"INVITE", b"I" * 5000), 501),
    "a long display name": (but(b"From: <", b'From: "' + b"a" * 12_000 + b'" <'), CALL),
    "many parameters": (but(b";tag=theirs", b";a=b" * 3000 + b";tag=theirs"), CALL),
    "many backslashes": (but(b"From: <", b'From: "' + b"\\\\" * 6000 + b'" <'), CALL),
    "an odd backslash": (but(b"From: <", b'From: "' + b"\\" * 12_001 + b'" <'), CALL),
    "many brackets": (but(b"From: <", b"From: " + b"<" * 12_000), CALL),
    "many words": (but(b"From: <", b"From: " + b"a " * 6000 + b"<"), CALL),
    "many words and no bracket": (but(b"From: <sip", b"From: " + b"a " * 6000 + b'"'), CALL),
    "white space in a Via": (but(b"UDP 192.0.2.2:", b"UDP 192.0.2.2" + b" " * 12_000 + b":"), CALL),
    "white space in a Via before nothing": (
        but(b"UDP 192.0.2.2:", b"UDP 192.0.2.2" + b" " * 12_000 + b"x"),
        DROPPED,
    ),
    "dots in a host": (but(b"sip:100@192.0.2.1 SIP", b"sip:100@" + b"a." * 6000 + b"! SIP"), 400),
    # Numbers
    "a CSeq of 2**31": (but(b"CSeq: 1 ", b"CSeq: 2147483648 "), 400),
    "a CSeq of 0": (but(b"CSeq: 1 ", b"CSeq: 0 "), CALL),
    "a CSeq that Python would read": (but(b"CSeq: 1 ", b"CSeq: 1_0 "), 400),
    "a CSeq of Arabic digits": (but(b"CSeq: 1 ", "CSeq: ١ ".encode()), 400),
    "a Content-Length that Python would read": (
        but(b"Content-Length: 0", b"Content-Length: 0_0"),
        400,
    ),
    "a Content-Length of superscripts": (
        but(b"Content-Length: 0", "Content-Length: ²".encode()),
        400,
    ),
    "a Content-Length beyond the datagram": (
        but(b"Content-Length: 0", b"Content-Length: 1"),
        400,
    ),
    "two Content-Lengths that agree": (more(b"l: 0"), CALL),
    "two Content-Lengths in one": (but(b"Content-Length: 0", b"Content-Length: 0, 0"), 400),
    "port 0": (but(b"192.0.2.2:5070;", b"192.0.2.2:0;"), CALL),
    "a port too high for a Via": (but(b"192.0.2.2:5070;", b"192.0.2.2:65536;"), CALL),
    "a port too high for the Request-URI": (but(b"192.0.2.1 SIP", b"192.0.2.1:65536 SIP"), 400),
    "a session interval that is no number": (more(b"Session-Expires: soon"), CALL),
    # Lines and values that nobody needs
    "a line without a colon": (more(b"P-Early-Media supported"), CALL),
    "a name with a blank": (more(b"P Early Media: supported"), CALL),
    "a line of nothing but a colon": (more(b":"), CALL),
    "a fold before the first header": (but(b"SIP/2.0\r\nVia", b"SIP/2.0\r\n folded\r\nVia"), CALL),
    "Max-Forwards that are none, twice": (more(b"Max-Forwards: many", b"Max-Forwards:"), CALL),
    "a To with a # in it": (but(b"<sip:100@", b'"1002#100" <sip:1002#100@'), CALL),
    "a To that is no address": (but(b"To: <sip:100@192.0.2.1>", b"To: the operator"), CALL),
    "a From that is no address": (but(b"<sip:peer@192.0.2.2>", b"a caller"), CALL),
    "a Request-URI with a #": (but(b"INVITE sip:100", b"INVITE sip:1002#100"), CALL),
    "a version in small letters": (but(b"192.0.2.1 SIP/2.0", b"192.0.2.1 sip/2.0"), CALL),
    "a Contact in UTF-8": (more("Contact: José <sip:1@x>".encode()), CALL),
    "a Record-Route that is none": (more(b'Record-Route: <sip:, x"y'), CALL),
    "a session interval too small": (more(b"Session-Expires: 5;refresher=UAC"), CALL),
    "no taste for descriptions": (more(b"Accept: text/plain"), CALL),
    "a body of another kind": (
        more(b"Content-Type: application/isup").replace(b"h: 0\r", b"h: 2\r") + b"\1\x11",
        CALL,
    ),
    "a multipart without end": (
        more(b"Content-Type: multipart/mixed;boundary=b").replace(b"h: 0\r", b"h: 3\r") + b"--b",
        CALL,
    ),
    # Two of one thing
    "two call ids": (more(b"Call-ID: c2"), 400),
    "two call ids, one short": (more(b"i: c2"), 400),
    "two Froms": (more(b"From: <sip:other@192.0.2.2>;tag=x"), 400),
    "two Froms in one": (but(b"tag=theirs", b"tag=theirs, <sip:other@192.0.2.2>"), 400),
    "two Tos in one": (but(b"To: <sip:100@192.0.2.1>", b"To: <sip:1@x>, <sip:2@x>"), CALL),
    "two CSeqs in one": (but(b"CSeq: 1 INVITE", b"CSeq: 1 INVITE, 2 INVITE"), 400),
    "two tags": (but(b"tag=theirs", b"tag=theirs;tag=other"), CALL),
    "two branches": (but(b"branch=z9hG4bK1", b"branch=z9hG4bK1;branch=z9hG4bK2"), CALL),
    "two Contacts": (more(b"Contact: <sip:other@192.0.2.2>"), CALL),
    # Nothing where something belongs
    "an empty call id": (but(b"Call-ID: c1", b"Call-ID:"), CALL),
    "an empty Via": (but(b"SIP/2.0/UDP 192.0.2.2:5070;branch=z9hG4bK1", b""), DROPPED),
    "an empty From": (but(b"<sip:peer@192.0.2.2>;tag=theirs", b""), CALL),
    "an empty branch": (but(b"branch=z9hG4bK1", b"branch="), CALL),
    "an empty Contact": (but(b"Contact: <sip:peer@192.0.2.2:5070>", b"Contact:"), CALL),
    "a star for a Contact": (but(b"Contact: <sip:peer@192.0.2.2:5070>", b"Contact: *"), CALL),
    "no header at all": (b"INVITE sip:100@192.0.2.1 SIP/2.0\r\n\r\n", DROPPED),
    "no To": (but(b"To: <sip:100@192.0.2.1>\r\n", b""), 400),
    # What others speak
    "HTTP": (b"GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", DROPPED),
    "RTP": (b"\x80\x08\x00\x01" + b"\xd5" * 168, DROPPED),
    "STUN": (b"\x00\x01\x00\x00\x21\x12\xa4\x42" + b"\0" * 12, DROPPED),
    "the server's own kind of answer": (
        GOOD.replace(b"INVITE sip:100@192.0.2.1 SIP/2.0", b"SIP/2.0 200 OK"),
        DROPPED,
    ),
    # Attempts to write into what we send
    "a Request-URI with a fold": (
        but(b"sip:100@192.0.2.1 SIP", b"sip:100@192.0.2.1\r\n SIP"),
        DROPPED,
    ),
    "an escaped line break": (but(b"INVITE sip:100", b"INVITE sip:1%0d%0aVia:x"), CALL),
    "a header within the Request-URI": (
        but(b"192.0.2.1 SIP", b"192.0.2.1?To=%3Csip:x%3E SIP"),
        CALL,
    ),
    "a quoted line break": (but(b"From: <", b'From: "a\\\r\n b" <'), CALL),
}
