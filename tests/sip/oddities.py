"""What is wrong or unusual in messages from the field, and nobody needs: a message with any of it
means what it meant before."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

Odd = Callable[[str, bytes], tuple[str, bytes]]
"""Takes and gives the head, without the blank line, and the body."""

JUNK = (
    "P-Early-Media supported",
    ": nothing",
    "Bad Name: value",
    "\x0bfolded",
    "Max-Forwards: many",
    "Expires: soon",
    "Date: tomorrow",
    'Reason: Q.850;cause=16;text="',
    'Privacy: "',
    'History-Info: <sip:1@x>;index=1, "B <sip:2@x>',
    "P-Asserted-Identity: José <sip:1#2@x",
    "Subject: \udcff\udcfe",
    "Warning: 399",
    "Accept: text/plain",
    "Accept-Encoding: gzip",
    "Route: <sip:",
    "Contact: <sip:nobody@[x>",
    "Min-SE: 9, 9",
    "User-Agent: \u202e\x1b[2J",
    "X" * 3000 + ": " + "y" * 3000,
)


def _line(text: str) -> Odd:
    """A further line, with one that continues it."""
    return lambda head, body: (f"{head}\r\n{text}\r\n\tand more", body)


def _small_letters(head: str, body: bytes) -> tuple[str, bytes]:
    start, end, rest = head.partition("\r\n")
    return start.replace("SIP/2.0", "sip/2.0") + end + rest, body


def _wide(head: str, body: bytes) -> tuple[str, bytes]:
    """More white space than there should be in the first line."""
    start, end, rest = head.partition("\r\n")
    return start.replace(" ", "  \t", 2) + " " + end + rest, body


def _bare_contact(head: str, body: bytes) -> tuple[str, bytes]:
    """A Contact without brackets, whose parameters have some."""
    bare = r'\1\2;+sip.instance="<urn:gsma:imei:0-0-0>";audio'
    return re.sub(r"(?m)^(Contact: )<([^>]*)>", bare, head), body


def _named_contact(head: str, body: bytes) -> tuple[str, bytes]:
    return re.sub(r"(?m)^Contact: <([^>]*)>", "m:José, the 1st < \\1 > ; q = 1", head), body


def _no_contact(head: str, body: bytes) -> tuple[str, bytes]:
    """The addresses of the network are those of the sides, so that they are found without."""
    return re.sub(r"(?m)^Contact: [^\r\n]*", "Contact: *", head), body


def _multipart(head: str, body: bytes) -> tuple[str, bytes]:
    """The description beside what nobody has to understand (RFC 5621)."""
    if b"v=0" not in body:
        return head, body
    part = b"--b\r\nContent-Type: Application/ISUP\r\n"
    part += b"Content-Disposition: signal; Handling=Optional\r\n\r\n\x01\r\n--bx\x11\r\n"
    part += b"--b\r\ncontent-type:APPLICATION/sdp;charset=utf-8\r\n\r\n" + body + b"\r\n--b--\r\n"
    head = re.sub(r"(?m)^Content-Length: [^\r\n]*\r?\n?", "", head).rstrip("\r\n")
    kind = 'Content-Type: Multipart/Mixed; BOUNDARY="b"'
    return re.sub(r"(?m)^Content-Type: [^\r\n]*", kind, head), part


def _only_for_bye(head: str, body: bytes) -> tuple[str, bytes]:
    """What is no reason not to end a call."""
    if not head.startswith("BYE"):
        return head, body
    head = re.sub(r"^BYE \S+ SIP/2.0", "BYE about: nobody SIP/3.0", head)
    head = head.replace("Content-Length: 0", "Content-Length: 77")
    return head + "\r\nRequire: 100rel, path\r\nContent-Type: a/b", body


def _only_for_answers(head: str, body: bytes) -> tuple[str, bytes]:
    """What a 2xx copies of its request is not needed."""
    if not re.match(r"SIP/2.0 2(?s:.*)CSeq: \d+ INVITE", head):
        return head, body
    head = re.sub(r"(?m)^(From|Call-ID): [^\r\n]*\r\n", "", head)
    return head + "\r\nMax-Forwards: 70\r\nMax-Forwards: 71\r\nRequire: unheard-of", body


def _odd_to(head: str, body: bytes) -> tuple[str, bytes]:
    """An INVITE's To that is no address, so that its answers have one, too."""
    odd = 'To: "1002#4 <sip:1002#4@x>;x=\\'
    return re.sub(r"(?m)^To: [^;\r\n]*(?=\r|$)", lambda found: odd, head), body


ODDITIES: dict[str, Odd] = {
    **{f"the line {junk[:20]!r}": _line(junk) for junk in JUNK},
    "SIP in small letters": _small_letters,
    "white space in the first line": _wide,
    "a Contact without brackets": _bare_contact,
    "a Contact with a name": _named_contact,
    "no Contact": _no_contact,
    "a multipart": _multipart,
    "a BYE with much wrong": _only_for_bye,
    "a 2xx with much wrong": _only_for_answers,
    "a To that is no address": _odd_to,
}


def made_odd(data: bytes, oddity: str) -> bytes:
    head, _, body = data.partition(b"\r\n\r\n")
    text, body = ODDITIES[oddity](head.decode("utf-8", "surrogateescape"), body)
    return text.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def made_odd_by_chance(data: bytes, chance: random.Random) -> bytes:
    """With some of it, together."""
    for oddity in chance.sample(sorted(ODDITIES), chance.randint(1, 4)):
        data = made_odd(data, oddity)
    return data
