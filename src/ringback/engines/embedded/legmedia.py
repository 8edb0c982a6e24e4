"""The media side of a call that Ringback makes: what is agreed about its sound, and the stream that
carries it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from ringback.clock import Instant
from ringback.engines.embedded.switchboard import Switchboard
from ringback.engines.embedded.trunks import TrunkState
from ringback.media.pool import MediaEvent, Remote, Stream
from ringback.sip.hop import may_name
from ringback.sip.sdp import (
    LocalAudio,
    Negotiated,
    SdpError,
    make_answer,
    make_offer,
    read_answer,
)
from ringback.telephony.port import Sound

SAME_KEY_SECONDS = 0.25
"""A key that comes by INFO and, so soon before or after, as the leg's first event in RTP is one."""


class LegMedia:
    """Offer and answer (RFC 3264), and what they make of the stream."""

    def __init__(
        self,
        board: Switchboard,
        trunk: TrunkState,
        listener: Callable[[MediaEvent], None],
        beside: Stream | None,
    ) -> None:
        """`beside` is the stream that it may be bridged with. Raises NoPorts."""
        self._trunk = trunk
        self._board = board
        self.stream = board.media.open(listener, beside)
        session = board.chance.getrandbits(31)
        codecs = trunk.trunk.codecs
        self._ours = LocalAudio(board.public.host, self.stream.port, codecs, session)
        self._described = b""
        """Our last description."""
        self._agreed: Negotiated | None = None
        self._resolved: tuple[str, Sequence[str]] = "", ()
        """The host name described last that could be looked up, and its addresses: they stay while
        it is described, whatever the name server says later."""
        self._answered = False
        self._playbacks = 0
        self._limit: Instant | None = None
        self._keys_in_rtp = False
        self._key_by_info: tuple[str, Instant] | None = None

    @property
    def agreed(self) -> bool:
        """There is sound that both ends can take."""
        return self._agreed is not None

    @property
    def last_heard(self) -> Instant:
        return self.stream.last_heard

    def close(self) -> None:
        self.stream.close()

    # Offer and answer

    def offer(self) -> bytes:
        self._described = make_offer(self._ours)
        return self._described

    def take_answer(self, body: bytes) -> None:
        """The far end's answer to our offer."""
        agreed = self._read(body)
        if agreed is not None:
            self._agreed = agreed
            self._configure()

    def answered(self, body: bytes) -> None:
        """The call is answered, with `body`: from now on our sound is sent."""
        self._answered = True
        self._agreed = self._read(body) or self._agreed
        if self._agreed is not None:
            self._configure()

    def _read(self, body: bytes) -> Negotiated | None:
        try:
            agreed = read_answer(body, self._ours) if body else None
        except SdpError:
            return None
        return agreed

    def answer(self, offer: bytes) -> bytes | None:
        """Our answer to a later offer of theirs, or our offer where that is empty; None where there
        is nothing in common."""
        if not offer:
            return self._described_anew(make_offer)
        try:
            made = make_answer(offer, self._ours)
        except SdpError:
            return None
        if made is None:
            return None
        self._agreed = made[1]
        self._configure()
        return self._described_anew(lambda ours: (make_answer(offer, ours) or made)[0])

    def _described_anew(self, write: Callable[[LocalAudio], bytes]) -> bytes:
        """A further description of ours. The version goes up by one, but only where it differs from
        the last (section 8; RFC 4028 section 7.4)."""
        if write(self._ours) != self._described:
            self._ours = dataclasses.replace(self._ours, version=self._ours.version + 1)
        self._described = write(self._ours)
        return self._described

    def _configure(self) -> None:
        agreed = self._agreed
        assert agreed is not None
        described = self._addresses(agreed)
        self.stream.configure(
            Remote(
                # Where it does not say so that it can be used, its sound shows where it is; until
                # then it is thought to be where it signals from.
                host=next(iter(described), self._trunk.peer.address.host),
                port=agreed.port,
                codec=agreed.codec,
                payload_type=agreed.payload_type,
                receives=agreed.receives,
                dtmf_in=agreed.dtmf_receives,
                dtmf_out=agreed.dtmf_payload_type,
                sends=self._answered and agreed.sends,
                on_hold=agreed.on_hold or not self._answered,
                allowed=frozenset({*described, *self._trunk.hosts}),
                anywhere=self._trunk.trunk.media_anywhere,
            )
        )

    def _addresses(self, agreed: Negotiated) -> list[str]:
        """The addresses at which the far end says that it takes sound, if it may."""
        addresses: Sequence[str] = [agreed.host] if agreed.host else []
        if agreed.named:
            name, addresses = self._resolved
            if name != agreed.host:
                addresses = self._board.names.find(agreed.host, lambda: self._found(agreed))
                if addresses:
                    self._resolved = agreed.host, addresses
        trunk = self._trunk
        return [each for each in addresses if may_name(each, trunk.hosts) or trunk.knows(each)]

    def _found(self, agreed: Negotiated) -> None:
        """The host name has been looked up."""
        if self._agreed is agreed:
            self._configure()

    # Sound

    def play(self, sounds: Sequence[Sound], *, loop: bool) -> int:
        self._playbacks += 1
        paths = [self._board.sound_path(sound.name) for sound in sounds]
        self.stream.play(self._playbacks, paths, loop=loop)
        return self._playbacks

    def stop(self) -> None:
        self.stream.stop()

    def bridge(self, other: LegMedia, *, early: bool) -> None:
        self.stream.bridge(other.stream, early=early)

    def unbridge(self) -> None:
        self.stream.unbridge()

    def limit(self, at: Instant | None) -> None:
        self._limit = at
        self.stream.limit(at)

    def limit_reached(self, now: Instant) -> Instant:
        """When the worker, which told of it `now`, had reached it."""
        return now if self._limit is None else min(now, self._limit)

    # Keys

    def send_digits(self, digits: str) -> bool:
        """False where the far end takes no events in RTP."""
        taken = self._agreed is not None and self._agreed.dtmf_payload_type is not None
        if taken:
            self.stream.send_digits(digits)
        return taken

    def is_key_by_info(self, digit: str, now: Instant) -> bool:
        """Whether a key that came by INFO is one; it is not once keys come in RTP."""
        if self._keys_in_rtp:
            return False
        self._key_by_info = digit, now
        return True

    def is_key_in_rtp(self, digit: str, at: Instant) -> bool:
        """Whether a key that came in RTP is one, and not the same that has just come by INFO: a
        phone may send each key both ways, and its first be quicker by INFO."""
        first, self._keys_in_rtp = not self._keys_in_rtp, True
        if not first or self._key_by_info is None:
            return True
        key, came = self._key_by_info
        return key != digit or abs(at - came) > SAME_KEY_SECONDS
