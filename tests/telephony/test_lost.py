"""A leg whose far end is gone is over when it was last known alive, on real SIP and RTP."""

from __future__ import annotations

import pytest
from tests.contract.rigs import NUMBER, EmbeddedFar, Far, Rig, run_embedded
from tests.contract.test_contract import answers, call, ended

from ringback.sip import events as sip
from ringback.telephony import port
from ringback.telephony.embedded.outleg import OutLeg
from ringback.telephony.port import Outcome, TriggerLeg


@pytest.mark.parametrize("event", [sip.Expired(), sip.Refreshed(alive=False, status=481)])
def test_it_is_charged_while_its_sound_comes(event: sip.Event) -> None:
    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, answers)  # and speaks from then on
        leg, events = call(rig)
        assert isinstance(leg, OutLeg)
        leg.dial()
        await events.wait(port.Answered)
        await rig.clock.sleep_until(rig.clock.now() + 2.0)
        leg.told(event)
        end = await ended(events)
        assert end.cause.outcome is Outcome.LOST
        assert rig.clock.now() - 1.5 < end.at <= rig.clock.now()

    run_embedded(test)


def test_it_is_not_charged_for_its_silence() -> None:
    async def says_nothing(far: Far) -> None:
        assert isinstance(far, EmbeddedFar)
        far.answer(silent=True)
        await far.over()

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, says_nothing)
        leg, events = call(rig)
        assert isinstance(leg, OutLeg)
        leg.dial()
        answered = await events.wait(port.Answered)
        assert isinstance(answered, port.Answered)
        await rig.clock.sleep_until(rig.clock.now() + 2.5)
        leg.told(sip.Expired())
        end = await ended(events)
        assert answered.at <= end.at < answered.at + 1.0

    run_embedded(test)
