"""The messages of RFC 4475, each with what becomes of it here.

The files are the RFC's, byte for byte; they are no part of this repository.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.sip.useragents import PEER, Alone

from ringback.sip.message import Response, parse

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "rfc4475"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"the messages of RFC 4475 are not in {FOLDER}"
)

CALL, DROPPED = "a call comes in", "dropped"

# The name is the file's; where Ringback is lenient, as the RFC allows, a comment says so.
EXPECTED: dict[str, str | int] = {
    # 3.1.1: valid
    "wsinv": 481,  # it has a To tag, of a dialog that is not here
    "intmeth": 501,
    "esc01": CALL,
    "escnull": 405,
    "esc02": 501,
    "lwsdisp": 200,
    "longreq": CALL,
    "dblreq": 405,
    "semiuri": 200,
    "transports": 200,
    "mpart01": 405,
    "unreason": DROPPED,
    "noreason": DROPPED,
    # 3.1.2: invalid
    "badinv01": CALL,  # lenient: what lies beside its addresses is not needed
    "clerr": 400,
    "ncl": 400,
    "scalar02": 400,
    "scalarlg": DROPPED,
    "quotbal": CALL,  # lenient: of To only the tag is needed
    "ltgtruri": CALL,  # lenient: what is meant is plain
    "lwsruri": 481,  # lenient: it has a To tag, and the Request-URI is not needed then
    "lwsstart": CALL,  # lenient, so are the next three: what is meant is plain
    "trws": 200,
    "escruri": CALL,  # lenient: the headers in the Request-URI are ignored
    "baddate": CALL,  # lenient: Date is not read
    "regbadct": 405,  # lenient: it is refused for its method, and Contact is not read
    "badaspec": 200,
    "baddn": 200,
    "badvers": 505,
    "mismatch01": 400,
    "mismatch02": 400,
    "bigcode": DROPPED,
    # 3.2: transactions
    "badbranch": 200,
    # 3.3: the application
    "insuf": 400,
    "unkscm": 416,
    "novelsc": 416,
    "unksm2": 405,
    "bext01": 420,
    "invut": CALL,  # lenient: the body of a call that is rejected anyway is not needed
    "regaut01": 405,
    "multi01": 400,
    "mcl01": 400,
    "bcast": DROPPED,
    "zeromf": 200,  # the end that the request is for may take it; 483 is a proxy's
    "cparam01": 405,
    "cparam02": 405,
    "regescrt": 405,
    "sdp01": CALL,  # lenient: it would get no description
    # 3.4: RFC 2543
    "inv2543": CALL,
}

READABLE = ("unreason", "noreason", "bcast")
"""Responses that are dropped because they belong to nothing; the others cannot be read."""


def test_every_file_is_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.dat")} == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_what_becomes_of_it(name: str) -> None:
    ua = Alone()
    ua.agent.receive((FOLDER / f"{name}.dat").read_bytes(), PEER, ua.now)
    sent = [data.split(b" ", 2)[:2] for data, _ in ua.agent.datagrams()]
    call = ua.agent.next_call()
    match EXPECTED[name]:
        case int() as status:
            assert sent == [[b"SIP/2.0", str(status).encode()]]
            assert call is None
        case what:
            assert sent == []
            assert (call is not None) is (what == CALL)
    if call is not None:
        call.reject(486, ua.now)
    ua.agent.datagrams()
    ua.agent.next_event()
    while (due := ua.agent.next_timer()) is not None:
        ua.agent.run_timers(due)
    ua.agent.datagrams()
    assert ua.idle(), "nothing of it stays"


@pytest.mark.parametrize("name", READABLE)
def test_responses_that_belong_to_nothing_are_read_all_the_same(name: str) -> None:
    assert isinstance(parse((FOLDER / f"{name}.dat").read_bytes()), Response)


def test_parsed_values_are_the_ones_meant() -> None:
    """RFC 4475 sections 3.1.1.1, 3.1.1.3 and 3.1.1.8."""
    wsinv = parse((FOLDER / "wsinv.dat").read_bytes())
    assert wsinv.headers.get("subject") == ""
    assert (wsinv.cseq.number, wsinv.cseq.method) == (9, "INVITE")
    assert wsinv.via.branch == "390skdjuw"
    assert wsinv.contact is not None
    assert wsinv.contact.display == 'Quoted string ""'
    esc01 = parse((FOLDER / "esc01.dat").read_bytes())
    assert esc01.to.uri.user == "%75se%72"
    dblreq = parse((FOLDER / "dblreq.dat").read_bytes())
    assert dblreq.body == b""
