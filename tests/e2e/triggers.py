"""Triggers that lead to no return call (spec section 4, outcomes 1 and 2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.e2e import sipp
from tests.e2e.cases import adder
from tests.e2e.stage import Case, Stage

_THE_DAY_AFTER_TOMORROW = f"{datetime.now(UTC) + timedelta(days=2):%a}".lower()

CASES: list[Case] = []
case = adder(CASES)


async def _refused(stage: Stage, outcome: str, *, number: int = 1) -> None:
    session = await stage.ends(outcome, "trigger", number=number)
    assert session["legs"] == []


@case()
async def forged_trigger(stage: Stage) -> None:
    await stage.trigger(acknowledge=False)
    await _refused(stage, "abandoned")


@case()
async def hung_up_early(stage: Stage) -> None:
    await stage.trigger(hang_up_after=0.4)
    await _refused(stage, "abandoned")


@case(callback={"early_hangup": "call_back", "min_ring_seconds": 0, "ring_seconds": 5})
async def hung_up_early_calls_back(stage: Stage) -> None:
    rtp = stage.rtp()
    await stage.phone(sipp.callee(rtp.port, hangs_up_after=1.0))
    await stage.trigger(hang_up_after=0.5)
    await stage.ends("hung_up", "authenticate")


@case(caller_id=None)
async def unlisted(stage: Stage) -> None:
    await stage.trigger()
    await _refused(stage, "refused_unlisted")


@case()
async def hidden(stage: Stage) -> None:
    await stage.trigger(headers=["Privacy: id"])
    await _refused(stage, "refused_hidden")


@case()
async def suspended(stage: Stage) -> None:
    await stage.suspend()
    await stage.trigger()
    await _refused(stage, "refused_suspended")


@case(caller_id={"enabled": False})
async def disabled(stage: Stage) -> None:
    await stage.trigger()
    await _refused(stage, "refused_disabled")


@case(callback={"hours": [{"days": [_THE_DAY_AFTER_TOMORROW], "from": "00:00", "to": "24:00"}]})
async def out_of_hours(stage: Stage) -> None:
    await stage.trigger()
    await _refused(stage, "refused_out_of_hours")


@case(callback={"minimum_credit": "6.00"})
async def too_little_credit(stage: Stage) -> None:
    await stage.trigger()
    await _refused(stage, "refused_no_credit")


@case(callback={"caller_verification": "require"})
async def unverified(stage: Stage) -> None:
    await stage.trigger(
        headers=[
            f"P-Asserted-Identity: <sip:{stage.caller};verstat=TN-Validation-Failed@x.example>"
        ]
    )
    await _refused(stage, "refused_unverified")


@case(callback={"return_calls": "caller", "open_to_anyone": True}, caller_id=None)
async def premium_number(stage: Stage) -> None:
    await stage.trigger(caller="+449098790000")
    await _refused(stage, "refused_forbidden_number")


@case(callback={"return_calls": "caller", "open_to_anyone": True}, caller_id=None)
async def foreign_number(stage: Stage) -> None:
    await stage.trigger(caller="+12125550123")
    await _refused(stage, "refused_forbidden_number")


@case(others=[{"number": "+12125550123"}])
async def no_rate(stage: Stage) -> None:
    await stage.trigger(caller="+12125550123")
    await _refused(stage, "refused_no_rate")


@case(callback={"callback_delay_seconds": 4})
async def duplicate(stage: Stage) -> None:
    rtp = stage.rtp()
    phone = await stage.phone(sipp.callee(rtp.port, hangs_up_after=0.5))
    await stage.trigger()
    first = await stage.live()
    await stage.trigger()
    second = await stage.ends("refused_duplicate", "trigger")
    assert second["id"] != first and second["legs"] == []
    await phone.finished()
    await stage.outcome(number=2)
    session = next(session for session in await stage.server.sessions() if session["id"] == first)
    assert (session["outcome"], len(session["legs"])) == ("hung_up", 1)
    # The return call came after the delay that the second trigger began.
    assert session["legs"][0]["started"] > second["ended"]


@case()
async def over_limit(stage: Stage) -> None:
    """Three return calls in a row that nobody accepts, and none for an hour."""
    rtp = stage.rtp()
    await stage.phone(sipp.callee(rtp.port, hangs_up_after=0.5))
    for number in range(1, 4):
        await stage.trigger()
        await stage.ends("hung_up", "authenticate", number=number)
    await stage.trigger()
    await _refused(stage, "refused_over_limit", number=4)


@case(callback={"attempts": 3, "retry_after_seconds": 30, "request_expires_seconds": 30})
async def expired(stage: Stage) -> None:
    phone = await stage.phone(sipp.refuser("486 Busy Here"))
    await stage.trigger()
    await phone.finished()
    session = await stage.ends("expired", "return")
    assert [leg["cause"] for leg in session["legs"]] == [486]


@case(callback={"callback_delay_seconds": 30})
async def cancelled(stage: Stage) -> None:
    await stage.trigger()
    request = await stage.live()
    await stage.server.command("sessions", request, "--end")
    session = await stage.ends("cancelled", "return", 10)
    assert session["id"] == request
    assert session["legs"] == []
