"""re-INVITEs are answered on their own leg, on real SIP and RTP."""

from __future__ import annotations

from tests.contract.rigs import NUMBER, EmbeddedFar, EmbeddedRig, Far, Rig, run_embedded
from tests.contract.test_contract import call, ended

from ringback.engines.embedded.outleg import OutLeg
from ringback.telephony import port
from ringback.telephony.port import TriggerLeg

HEAD = "v=0\r\no=- 5 5 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
T38 = f"{HEAD}c=IN IP4 127.0.0.1\r\nm=image 6002 udptl t38\r\n".encode()
VIDEO = f"{HEAD}c=IN IP4 127.0.0.1\r\nm=video 6002 RTP/AVP 31\r\n".encode()
OLD_HOLD = f"{HEAD}c=IN IP4 0.0.0.0\r\nm=audio 6000 RTP/AVP 8\r\n".encode()
HOLD = f"{HEAD}c=IN IP4 127.0.0.1\r\nm=audio 6000 RTP/AVP 8\r\na=sendonly\r\n".encode()
BOTH = HOLD.replace(b"m=audio", b"m=video 6002 RTP/AVP 31\r\nm=audio")


def test_offers_are_answered_or_refused_and_versions_go_up_by_one() -> None:
    seen: list[bytes] = []
    remotes: list[tuple[bool, bool]] = []

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        assert isinstance(rig, EmbeddedRig)

        async def offers(far: Far) -> None:
            assert isinstance(far, EmbeddedFar)
            far.answer()
            await far.sleep(0.2)
            for offer in (T38, OLD_HOLD, VIDEO, b"junk", HOLD, BOTH):
                far.call.reoffer(offer, rig.clock.now())
                rig.flush()
                await far.sleep(0.1)
                seen.append(far.call.remote_sdp)
                assert isinstance(leg, OutLeg)
                assert leg.media._agreed is not None
                remotes.append((leg.media._agreed.sends, leg.media._agreed.on_hold))
            far.hang_up()

        rig.phone(NUMBER, offers)
        leg, events = await call(rig)
        leg.dial()
        await events.wait(port.Answered)
        await ended(events)

    run_embedded(test)
    first, old_hold, video, junk, hold, both = seen
    assert b" 1 IN IP4" in first, "T.38 is refused, and all stays as it was"
    assert b" 2 IN IP4" in old_hold
    assert video == junk == old_hold
    assert b" 3 IN IP4" in hold
    assert b"a=recvonly" in hold
    assert b" 4 IN IP4" in both
    assert both.index(b"m=video 0 ") < both.index(b"m=audio ")
    assert remotes == [
        (True, False),
        (False, True),
        (False, True),
        (False, True),
        (False, True),
        (False, True),
    ]
