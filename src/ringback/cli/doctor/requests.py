"""Requests that are too large for UDP: beyond 1,300 bytes a datagram may be cut into fragments,
which many networks drop, so that calls fail for some (RFC 3261 section 18.1.1)."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from ringback.accounts import tree
from ringback.accounts.callback import SetBy
from ringback.cli.doctor.finding import Finding, warning
from ringback.clock import Instant
from ringback.config import Config
from ringback.engines.embedded.identity import LONGEST_NAME, sender_headers
from ringback.engines.embedded.peer import credentials_of
from ringback.engines.embedded.udp import reachable
from ringback.sip.calls import OutgoingCall
from ringback.sip.hop import Hop
from ringback.sip.message import Request, parse, respond
from ringback.sip.sdp import LocalAudio, make_offer
from ringback.sip.uri import sip_uri
from ringback.sip.useragent import UserAgent
from ringback.telephony.port import Shown
from ringback.telephony.trunks import Trunk

LARGEST_BYTES = 1300
_NUMBER = "+498912345678901"
"""As long as a number can be."""
_CHALLENGE = (
    'Digest realm="{host}", nonce="{nonce}", opaque="{opaque}", qop="auth", algorithm=MD5'
).format
_NOW: Instant = 0.0


def examine_requests(tx: Connection, config: Config, trunks: Iterable[Trunk]) -> Iterator[Finding]:
    """Warn of trunks whose INVITE would be larger than that, with the longest name that any call
    here shows."""
    name = _longest_name(tx)
    public = config.sip.advertise or reachable(config.sip.listen.host)
    for trunk in trunks:
        size = _size(trunk, Hop("udp", public, config.sip.listen.port), name)
        if trunk.transport == "udp" and size > LARGEST_BYTES:
            yield warning(
                f"trunk {trunk.name}: its INVITE has up to {size} bytes, and over UDP more than "
                f"{LARGEST_BYTES} may be lost on the way: shorten the names that are shown (see "
                "contact_name, caller_id_name), the host, or [sip] advertise"
            )


def _longest_name(tx: Connection) -> str:
    names = [""]
    for extension in tree.extensions(tx):
        facts = tree.load_extension(tx, extension)
        shown = facts.setup.caller_id_name
        names.append(facts.contact_name)
        if shown.set_by is SetBy.USER:
            names.append(shown.value or "")
        elif shown.set_by is SetBy.EQUIPMENT:
            names.append("x" * LONGEST_NAME)
    return max(names, key=lambda name: len(name.encode()))


def _size(trunk: Trunk, public: Hop, name: str) -> int:
    """Bytes of the largest INVITE: the one that answers a challenge, if there are credentials."""
    agent = UserAgent(public, random.Random(0))
    peer = Hop("udp", "192.0.2.1", trunk.port)
    shown = Shown(trunk.shown.write(_NUMBER), name)
    sender, headers = sender_headers(shown, trunk, public)
    sound = make_offer(LocalAudio(public.host, 65534, trunk.codecs, 2**31 - 1))
    call = OutgoingCall(
        agent,
        sip_uri(trunk.called.write(_NUMBER), trunk.host, trunk.port),
        peer,
        sender=sender,
        sdp=sound,
        headers=headers,
        credentials=credentials_of(trunk),
        acknowledges_later=True,
    )
    call.send(_NOW)
    (sent, _), *_ = agent.datagrams()
    if credentials_of(trunk) is None:
        return len(sent)
    invite = parse(sent)
    assert isinstance(invite, Request)
    challenge = respond(invite, 401, to_tag="1")
    asked = _CHALLENGE(host=trunk.host, nonce="n" * 48, opaque="o" * 32)
    challenge.headers.add("www-authenticate", asked)
    agent.receive(challenge.encode(), peer, _NOW)
    return max(len(sent), *(len(data) for data, _ in agent.datagrams()))
