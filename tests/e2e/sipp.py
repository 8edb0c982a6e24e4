"""SIPp as the outside world: the caller's network, the caller's phone, the remote party.

SIPp does the SIP, with its own transactions and retransmissions; the sound goes to and comes from
an `Rtp` end of the test's own, whose port is written into SIPp's SDP.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import shutil
from collections.abc import Sequence
from pathlib import Path

LOCAL = "127.0.0.1"

_HEADERS = """\
[last_Via:]
[last_From:]
[last_To:];tag={tag}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:party@[local_ip]:[local_port]>
"""
DONE = "%DONE%"
"""In a scenario, the file that is touched when the call is over."""
MARK_DONE = f'<action><exec command="touch {DONE}"/></action>'
OFFERED = "%OFFERED%"
"""In a scenario, the file into which the port of an offer is written."""
_NO_BODY = "Content-Length: 0\n"


def sdp(port: int, payloads: str = "8 0 101", direction: str = "sendrecv") -> str:
    """A session description whose audio goes to `port`."""
    return f"""\
Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 1 1 IN IP4 {LOCAL}
s=-
c=IN IP4 {LOCAL}
t=0 0
m=audio {port} RTP/AVP {payloads}
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a={direction}
"""


def send(text: str, *, retransmit: bool = False, milliseconds: int = 500) -> str:
    timer = f' retrans="{milliseconds}"' if retransmit else ""
    return f"<send{timer}><![CDATA[\n{text}\n]]></send>\n"


def receive(request: str) -> str:
    return f'<recv request="{request}" crlf="true"></recv>\n'


def receive_invite(*, early: bool = False) -> str:
    """The INVITE, whose Contact, From and To are kept for requests of the callee's own; and
    where its offer wants sound, for a phone that speaks before anybody has sent it any."""
    kept = "".join(
        f'<ereg regexp=".*" search_in="hdr" header="{header}:" assign_to="{number}"/>'
        for number, header in ((1, "From"), (2, "To"))
    )
    kept += '<ereg regexp="m=audio ([0-9]+)" search_in="body" assign_to="3,4"/>'
    if early:
        kept += f'<exec command="echo [$4] | tee {OFFERED}"/>'
    return f'<recv request="INVITE" crlf="true" rrs="true"><action>{kept}</action></recv>\n'


def response(status: int, *, optional: bool = False, timeout_ms: int | None = None) -> str:
    extra = ' optional="true"' if optional else ""
    if timeout_ms is not None:
        extra += f' timeout="{timeout_ms}"'
    return f'<recv response="{status}"{extra} rrs="true"></recv>\n'


def pause(seconds: float) -> str:
    return f'<pause milliseconds="{round(seconds * 1000)}"/>\n'


def answer(line: str, *, tag: str = "[pid]SIPpTag01[call_number]", body: str = _NO_BODY) -> str:
    """A response to the last request received."""
    return f"SIP/2.0 {line}\n{_HEADERS.format(tag=tag)}{body}"


def scenario(*steps: str) -> str:
    return (
        '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="ringback">\n'
        + "".join(steps)
        + "</scenario>\n"
    )


def answering(*steps: str) -> str:
    """A scenario of a phone, which answers the OPTIONS by which its trunk is watched too. Each
    is a call to SIPp, so `DONE` marks the end of the one that counts."""
    invite, *rest = steps
    return scenario(
        '<recv request="OPTIONS" optional="true" next="1"></recv>\n',
        invite,
        *rest,
        f'<nop next="2">{MARK_DONE}</nop>\n',
        '<label id="1"/>\n',
        send(answer("200 OK")),
        '<label id="2"/>\n<nop></nop>\n<Reference variables="1,2,3,4"/>\n',
    )


def trigger(
    called: str,
    caller: str,
    *,
    final: int = 486,
    headers: Sequence[str] = (),
    acknowledge: bool = True,
    hang_up_after: float | None = None,
    sender: str | None = None,
    stays: float = 0.0,
) -> str:
    """A caller who rings and is rejected; who hangs up before that; who never sends the ACK.

    `stays`: for so long it answers a repeated rejection with its ACK again, and does without the
    180, which may be lost.
    """
    sender = sender or f'"Ann" <sip:{caller}@{LOCAL}>'
    more = "".join(f"{header}\n" for header in headers)
    start = f"""\
INVITE sip:{called}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: {sender};tag=[pid]a[call_number]
To: <sip:{called}@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:{caller}@[local_ip]:[local_port]>
Max-Forwards: 70
{more}{sdp(9)}"""

    def within(method: str, number: int = 1) -> str:
        return f"""\
{method} sip:{called}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch-{number}]
From: {sender};tag=[pid]a[call_number]
To: <sip:{called}@[remote_ip]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 {method}
Max-Forwards: 70
Content-Length: 0
"""

    steps = [
        send(start, retransmit=True),
        response(100, optional=True),
        response(180, optional=stays > 0),
    ]
    if hang_up_after is not None:
        cancel = within("CANCEL", 4).replace("[peer_tag_param]", "")
        steps += [pause(hang_up_after), send(cancel, retransmit=True)]
        steps += [response(200), response(487)]
        steps += [send(within("ACK", 7))]
    elif acknowledge:
        steps += [response(final, timeout_ms=150_000), send(within("ACK", 4))]
        steps += [pause(stays)] if stays else []
    else:
        steps += [response(final, timeout_ms=150_000)]
    return scenario(*steps)


def callee(
    port: int,
    *,
    rings: float = 0.1,
    ring_status: str = "180 Ringing",
    early: bool = False,
    hangs_up_after: float | None = None,
    payloads: str = "8 0 101",
    info_digits: Sequence[tuple[float, str]] = (),
) -> str:
    """A phone that rings, answers, and either hangs up after so many seconds or waits for BYE."""
    ringing = (
        answer("183 Session Progress", body=sdp(port, payloads)) if early else answer(ring_status)
    )
    steps = [receive_invite(early=early), send(ringing), pause(rings)]
    steps += [send(answer("200 OK", body=sdp(port, payloads)), retransmit=True)]
    # An INVITE that comes again, because every answer was lost: the 200 is being repeated anyway.
    steps += ['<recv request="INVITE" optional="true"></recv>\n', receive("ACK")]
    for number, (after, digit) in enumerate(info_digits):
        steps += [pause(after), _key(10 + number, digit)]
        steps += [response(200)]
    if hangs_up_after is not None:
        steps += [pause(hangs_up_after), send(_request("BYE", 90), retransmit=True), response(200)]
    else:
        steps += [receive("BYE"), send(_within("200 OK"))]
    return answering(*steps)


def _key(cseq: int, digit: str) -> str:
    """A key, sent again soon: one that takes 5 s to arrive has ended the entry before it."""
    return send(_request("INFO", cseq, digit), retransmit=True, milliseconds=100)


def _request(method: str, cseq: int, digit: str | None = None) -> str:
    body = _NO_BODY
    if digit is not None:
        body = (
            "Content-Type: application/dtmf-relay\nContent-Length: [len]\n\n"
            f"Signal={digit}\nDuration=160\n"
        )
    return f"""\
{method} [next_url] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: [$2];tag=[pid]SIPpTag01[call_number]
To: [$1]
Call-ID: [call_id]
CSeq: {cseq} {method}
Max-Forwards: 70
{body}"""


def refuser(status: str, *, ring_first: bool = False) -> str:
    """A phone that refuses."""
    steps = [receive_invite()]
    if ring_first:
        steps += [send(answer("180 Ringing")), pause(0.1)]
    steps += [send(answer(status), retransmit=True), receive("ACK")]
    return answering(*steps)


def never_answers() -> str:
    """A phone that rings until it is cancelled."""
    return answering(
        receive_invite(),
        send(answer("180 Ringing")),
        receive("CANCEL"),
        send(answer("200 OK")),
        # SIPp answers the INVITE with the headers of the last request: only CSeq differs.
        send(answer("487 Request Terminated").replace("[last_CSeq:]", "CSeq: [cseq] INVITE")),
        receive("ACK"),
    )


def forgetful(port: int) -> str:
    """A phone that answers, and knows nothing of its call any more when it is asked about it."""
    return answering(
        receive_invite(),
        send(answer("180 Ringing")),
        send(answer("200 OK", body=sdp(port)), retransmit=True),
        receive("ACK"),
        receive("INVITE"),
        send(_within("481 Call/Transaction Does Not Exist"), retransmit=True),
        receive("ACK"),
        receive("BYE"),
        send(_within("481 Call/Transaction Does Not Exist")),
    )


def _within(line: str) -> str:
    """A response within the dialog, where To has its tag."""
    return answer(line, tag="").replace(";tag=", "")


class Sipp:
    """A SIPp process on a port of its own."""

    _names = itertools.count()

    def __init__(self, folder: Path, xml: str, port: int, *options: str) -> None:
        number = next(self._names)
        self._path = folder / f"scenario-{number}.xml"
        self._done = folder / f"scenario-{number}.done"
        self._counts = DONE not in xml
        self._offered = folder / f"scenario-{number}.port"
        files = xml.replace(DONE, str(self._done)).replace(OFFERED, str(self._offered))
        self._path.write_text(files)
        self._log = folder / f"scenario-{number}.log"
        self._folder = folder
        self._port = port
        self._options = options
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, remote: str | None = None) -> None:
        program = shutil.which("sipp")
        assert program is not None, "sipp is missing: make test installs it"
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                program,
                *([remote] if remote else []),
                *("-sf", str(self._path), "-i", LOCAL, "-p", str(self._port)),
                *("-nostdin", "-trace_err", "-error_file", f"{self._path}.errors"),
                *(("-m", "1") if self._counts else ()),
                *self._options,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )

    async def finished(self, seconds: float = 60.0) -> None:
        """Wait until the call has gone by the scenario to its end. Raises AssertionError when it
        went otherwise, or did not end in time."""
        assert self._process is not None
        if self._counts:
            try:
                async with asyncio.timeout(seconds):
                    status = await self._process.wait()
            except TimeoutError as error:
                raise AssertionError(f"not over in {seconds} s: {self.errors()}") from error
            assert status == 0, f"SIPp saw it go otherwise: {self.errors()}"
            return
        until = asyncio.get_running_loop().time() + seconds
        while not self._done.exists():
            errors = self.errors()
            assert "Aborting" not in errors, f"SIPp saw it go otherwise: {errors}"
            assert asyncio.get_running_loop().time() < until, f"not over in {seconds} s: {errors}"
            await asyncio.sleep(0.05)

    async def offered(self, seconds: float = 10.0) -> tuple[str, int]:
        """Where the INVITE has asked for sound."""
        until = asyncio.get_running_loop().time() + seconds
        while not self._offered.exists() or not (port := self._offered.read_text().strip()):
            assert asyncio.get_running_loop().time() < until, f"no INVITE: {self.errors()}"
            await asyncio.sleep(0.02)
        return LOCAL, int(port)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def errors(self) -> str:
        """What SIPp complained of."""
        path = Path(f"{self._path}.errors")
        return path.read_text(errors="replace") if path.exists() else ""
