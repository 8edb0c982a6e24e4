"""Input meant to harm: nothing raises, and nothing stays."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sip.useragents import (
    ANSWER,
    OFFER,
    PEER,
    US,
    Alone,
    from_callee,
    reply,
    request,
    within,
)

from ringback.sip.calls import OutgoingCall
from ringback.sip.message import Response

_FIELDS = st.sampled_from(
    ["Via", "From", "To", "Call-ID", "CSeq", "Contact", "Record-Route", "Require", "Reason",
     "Session-Expires", "Min-SE", "Content-Type", "WWW-Authenticate", "Route", "Supported",
     "Content-Length", "Content-Disposition", "Content-Encoding", "Max-Forwards", "Accept"]
)  # fmt: skip
_SCRAPS = st.sampled_from(
    ['"', "<", ">", ";", ",", "\\", "\0", "\udcff", "%", "sip:", "99999999999", "=", "branch=",
     "tag=", ":70000", "\r\n ", "[::1]", "*", "Digest nonce=", "\n", "é",
     ";x=\\", ";tag=", "multipart/mixed;boundary=b", ";handling=optional", " ", ";rport;received="]
)  # fmt: skip


def _templates(ua: Alone) -> tuple[OutgoingCall, list[bytes]]:
    """A message of each kind, for a user agent with a call each way and one being made."""
    _, answered = ua.answered()
    taken = ua.incoming(request(branch="z9hG4bKin", call_id="in", body=OFFER))
    taken.accept(ANSWER, ua.now)
    (response,) = ua.out()
    assert isinstance(response, Response)
    call, dialled = ua.dial()
    challenge = (("www-authenticate", 'Digest realm="r", nonce="n"'), ("reason", "Q.850;cause=1"))
    return call, [
        message.encode()
        for message in (
            request(branch="z9hG4bKnew", call_id="new", body=OFFER),
            request("OPTIONS", branch="z9hG4bKopt"),
            request("CANCEL", branch="z9hG4bKin", call_id="in"),
            within("ACK", response, branch="z9hG4bKack", body=ANSWER),
            from_callee("INVITE", answered, cseq=5, body=OFFER),
            from_callee("INFO", answered, cseq=6, body=b"Signal=1"),
            from_callee("BYE", answered, cseq=7),
            reply(dialled, 183, body=ANSWER),
            reply(dialled, 200, body=ANSWER),
            reply(dialled, 401, headers=challenge),
            reply(dialled, 422, headers=(("min-se", "100"),)),
        )
    ]


@given(
    which=st.integers(0, 10),
    field=_FIELDS,
    scraps=st.lists(_SCRAPS, min_size=1, max_size=4),
    mode=st.sampled_from(["replace", "append", "insert", "add"]),
    at=st.integers(0, 40),
)
@settings(max_examples=300, deadline=None)
def test_nothing_that_comes_raises_or_stays(
    which: int, field: str, scraps: list[str], mode: str, at: int
) -> None:
    ua = Alone()
    dialled, messages = _templates(ua)
    head, _, body = messages[which].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    scrap = "".join(scraps)
    own = [number for number, line in enumerate(lines) if line.startswith(f"{field}:")]
    if mode == "add" or not own:
        lines.append(f"{field}: {scrap}")
    else:
        value = lines[own[0]][len(field) + 2 :]
        cut = min(at, len(value))
        lines[own[0]] = (
            f"{field}: "
            + {
                "replace": scrap,
                "append": value + scrap,
                "insert": value[:cut] + scrap + value[cut:],
            }[mode]
        )
    data = "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body
    for _ in range(2):
        ua.agent.receive(data, PEER, ua.now)
    calls = list(ua.agent._dialogs.values())
    new = ua.agent.next_call()
    if new is not None:
        new.reject(486, ua.now)
    dialled.cancel(ua.now)
    for call in calls:
        call.refuse_offer(488, ua.now)
        call.bye(ua.now)
    assert all(0 < peer.port < 65536 for _, peer in ua.agent.datagrams())
    while ua.now < 200.0 and (due := ua.agent.next_timer()) is not None:
        ua.now = due
        ua.agent.run_timers(due)
        for call in list(ua.agent._dialogs.values()):
            call.bye(due)
        ua.agent.datagrams()
    ua.events()
    assert ua.idle()


@given(data=st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_bytes_raise(data: bytes) -> None:
    ua = Alone()
    ua.agent.receive(data, PEER, 0.0)
    ua.agent.receive(request().encode()[:60] + data, PEER, 0.0)
    assert US not in [peer for _, peer in ua.agent.datagrams()]
