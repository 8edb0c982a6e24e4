"""Whole calls on real SIP and RTP that are about money: each play has an account and a plan."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select
from tests.e2e import sipp
from tests.e2e.cases import chosen
from tests.e2e.rtp import Rtp
from tests.e2e.stage import PIN, RATE, Case, Server, Stage, play_all

from ringback.calls.events import Talking
from ringback.store import open_store
from ringback.store.models import LedgerAccountRow, LedgerEntryRow, ReservationRow

# The rate of the stage: 5 s for 0.05, then 0.01 for every second, for either leg.

BRIEF = {
    "accept_prompt": "never",
    "announce_duration": False,
    "answer_timeout_seconds": 5,
    "warn_before_end_seconds": 2,
}
Play = Callable[[Stage], Awaitable[None]]


@dataclass(slots=True)
class MoneyCase(Case):
    """A case with what its account pays by, and of what."""

    balance: str = "100.00"
    packages: list[dict[str, Any]] = field(default_factory=list)
    rates: list[dict[str, Any]] = field(default_factory=list)
    """Of the remote party's number, beside the rate of the stage."""
    reseller: str | None = None
    """The balance of a reseller between the account and the administrator, who pays half."""


CASES: list[MoneyCase] = []


def case(**how: Any) -> Callable[[Play], Play]:
    """The play of a case; its name is the function's."""
    callback = BRIEF | how.pop("callback", {})

    def add(play: Play) -> Play:
        CASES.append(MoneyCase(getattr(play, "__name__", ""), play, callback=callback, **how))
        return play

    return add


class MoneyServer(Server):
    """Each stage's extension is on an account of its own."""

    def extension_of(self, stage: Stage) -> tuple[str, str]:
        return super().extension_of(stage)[0], stage.case.name

    def _setup(self) -> dict[str, Any]:
        document = super()._setup()
        accounts: list[dict[str, Any]] = document["accounts"]
        half = {**RATE, "first_price": "0.025", "price_per_minute": "0.30"}
        document["plans"] = [{"name": "retail", "rates": [RATE]}, {"name": "half", "rates": [half]}]
        for stage in self.stages:
            case = stage.case
            assert isinstance(case, MoneyCase)
            name, parent = case.name, "admin"
            rates = [RATE, *({"prefix": stage.callee[1:], **rate} for rate in case.rates)]
            plan = {"name": f"of {name}", "rates": rates, "packages": case.packages}
            document["plans"].append(plan)
            if case.reseller is not None:
                parent = f"reseller of {name}"
                accounts.append({"name": parent, "level": "provider", "plan": "half",
                                 "balance": case.reseller})  # fmt: skip
            accounts.append({"name": name, "parent": parent, "country": "GB",
                             "plan": plan["name"], "balance": case.balance})  # fmt: skip
            document["sounds"].append({"account": name, "path": "/bye.wav", "file": "bye.wav"})
        return document


async def _dials(stage: Stage, *, pin: bool = False) -> Rtp:
    """Ring, be called back, and dial the remote party, who stays until he is cut off."""
    rtp, far = stage.rtp(), stage.rtp()
    await stage.phone(sipp.callee(rtp.port))
    await stage.remote(sipp.callee(far.port))
    await stage.trigger()
    if pin:
        await rtp.hears("Please enter your PIN")
        rtp.press(f"{PIN}#")
    await rtp.hears("Dial the number")
    rtp.press(f"0{stage.callee[3:]}#")
    return rtp


async def _talks(stage: Stage, seconds: float) -> None:
    """Be in a conversation for so long."""
    await _dials(stage)
    await stage.server.happened(Talking, of=await stage.live())
    await asyncio.sleep(seconds)


def _charged(session: dict[str, Any], payer: str) -> Decimal:
    charges = [charge for leg in session["legs"] for charge in leg["charges"]]
    return sum(
        (Decimal(charge["amount"]) for charge in charges if charge["payer"] == payer), Decimal(0)
    )


def _seconds(session: dict[str, Any], leg: str) -> int:
    (found,) = [each for each in session["legs"] if each["leg"] == leg]
    billed: int = found["billed_seconds"]
    return billed


@case(credit="1.00")
async def recharged_in_mid_call(stage: Stage) -> None:
    await _talks(stage, 5.0)
    await stage.recharge("0.40")
    session = await stage.ends("cut_off", "conversation", 120)
    assert Decimal("1.38") <= _charged(session, stage.caller) <= Decimal("1.40")


@case(credit="0.80")
async def credit_is_talked_off_to_its_end(stage: Stage) -> None:
    await _talks(stage, 0.0)
    session = await stage.ends("cut_off", "conversation", 120)
    assert Decimal("0.78") <= _charged(session, stage.caller) <= Decimal("0.80")


@case(
    credit="5.70",
    rates=[{"first_block": 8, "first_price": "5.00", "next_block": 60, "price_per_minute": "9.00"}],
)
async def first_block_and_no_more(stage: Stage) -> None:
    """What else there is pays a minute of leg A, and no second block."""
    await _talks(stage, 0.0)
    session = await stage.ends("cut_off", "conversation", 120)
    assert _seconds(session, "B") == 8
    assert _charged(session, stage.caller) == 5 + Decimal(_seconds(session, "A")) / 100


@case(credit="0.15")
async def credit_that_is_too_little(stage: Stage) -> None:
    """It pays for leg A, not for the first block of leg B with leg A to its end."""
    await _dials(stage)
    session = await stage.ends("no_credit", "number")
    assert [leg["leg"] for leg in session["legs"]] == ["A"]


@case(credit="1.00")
async def price_changed_in_mid_call(stage: Stage) -> None:
    await _talks(stage, 3.0)
    dearer = {**RATE, "first_price": "5.00", "price_per_minute": "60.00"}
    await stage.apply({"plans": [{"name": f"of {stage.case.name}", "rates": [dearer]}]})
    session = await stage.ends("cut_off", "conversation", 90)
    assert Decimal("0.98") <= _charged(session, stage.caller) <= Decimal("1.00")
    # A hundredth a second, and not one of either leg was dearer.
    assert _seconds(session, "A") + _seconds(session, "B") == 100 * _charged(session, stage.caller)


@case(credit="1.20", packages=[{"prefix": "4420", "minutes": 1}])
async def free_minutes_run_out(stage: Stage) -> None:
    await _talks(stage, 0.0)
    session = await stage.ends("cut_off", "conversation", 150)
    charged = _charged(session, stage.caller)
    assert Decimal("1.18") <= charged <= Decimal("1.20")
    assert _seconds(session, "B") > 60
    assert _seconds(session, "A") + _seconds(session, "B") - 60 == 100 * charged


@case(credit="unlimited", caller_id={"order_number": None})
async def unlimited_minus_ten_in_mid_call(stage: Stage) -> None:
    await _talks(stage, 3.0)
    await stage.recharge("-10.00")
    session = await stage.ends("cut_off", "conversation", 20)
    assert _charged(session, stage.caller) == 0
    assert _seconds(session, "B") < 20
    assert _charged(session, stage.case.name) > 0, "the account has its own limit"
    await stage.trigger()
    await stage.ends("refused_no_credit", "trigger", number=2)


@case(credit="50.00", reseller="0.45")
async def reseller_ends_first(stage: Stage) -> None:
    await _talks(stage, 0.0)
    session = await stage.ends("cut_off", "conversation", 120)
    paid = _charged(session, f"reseller of {stage.case.name}")
    assert Decimal("0.43") <= paid <= Decimal("0.45")
    assert _charged(session, stage.case.name) == _charged(session, stage.caller) == 2 * paid
    profits = {charge["profit"] for leg in session["legs"] for charge in leg["charges"]
               if charge["payer"].startswith("reseller")}  # fmt: skip
    assert sum(Decimal(profit) for profit in profits) > 0


@case(
    credit="0.02",
    callback={"return_calls": "fixed", "fixed_number": "{stage.callee}",
              "require_caller_pin": True, "no_credit_sound": "//bye.wav"},
)  # fmt: skip
async def claim_that_cannot_pay(stage: Stage) -> None:
    far = stage.rtp()
    await stage.remote(sipp.callee(far.port))
    await stage.trigger(sender="<sip:anonymous@anonymous.invalid>", headers=["Privacy: id"])
    await far.hears("Please enter your phone number")
    far.press(f"0{stage.caller[3:]}#")
    await far.hears("Please enter your PIN")
    far.press(f"{PIN}#")
    await far.hears("Your credit has ended")
    session = await stage.ends("no_credit", "authenticate")
    assert _charged(session, stage.caller) == 0
    assert _charged(session, stage.case.name) > 0, "the account pays for the leg A there was"


@case(
    credit="2.40",
    callback={"return_calls": "caller", "open_to_anyone": True, "require_caller_pin": True},
    caller_id={"guards": {"sessions": 2}},
)
async def two_calls_by_one_callerid(stage: Stage) -> None:
    await _dials(stage, pin=True)
    await stage.outcome(150, number=2)
    found = [each for each in await stage.server.sessions()
             if each["access_number"] == stage.access]  # fmt: skip
    spent = sum(_charged(session, stage.caller) for session in found)
    assert Decimal("2.20") <= spent <= Decimal("2.40"), found
    assert {"cut_off"} <= {session["outcome"] for session in found}
    one, two = (leg for session in found for leg in session["legs"] if leg["leg"] == "B")
    assert one["answered"] < two["ended"] and two["answered"] < one["ended"], "at once"


@case()
async def two_calls_by_one_callerid_from_another_phone(other: Stage) -> None:
    """The second call of the play above: a claim."""
    (stage,) = [
        stage for stage in other.server.stages if stage.case.name == "two_calls_by_one_callerid"
    ]
    rtp = other.rtp()
    await other.phone(sipp.callee(rtp.port))
    await other.ring(stage.access, other.caller)
    await rtp.hears("Please enter your phone number")
    rtp.press(f"0{stage.caller[3:]}#")
    await rtp.hears("Please enter your PIN")
    rtp.press(f"{PIN}#")
    await rtp.hears("Dial the number")
    rtp.press(f"0{stage.callee[3:]}#")
    await stage.outcome(150, number=2)  # until then the phone is there


@case(
    balance="1.00",
    caller_id=None,
    caller="+447400",
    callback={"return_calls": "caller", "open_to_anyone": True},
)
async def thirty_on_the_credit_of_one(stage: Stage) -> None:
    callers = [f"{stage.caller}1234{number:02}" for number in range(30)]
    numbers = stage.server.folder / "thirty.csv"
    numbers.write_text("\n".join(["SEQUENTIAL", *callers, ""]))
    await stage.phone(sipp.callee(stage.rtp().port))
    triggers = await stage.run(
        sipp.trigger(stage.access, "[field0]"),
        stage.caller_port,
        *("-inf", str(numbers), "-r", "30", "-m", "30"),
        remote=True,
    )
    await triggers.finished()
    await stage.outcome(120, number=30)
    found = [each for each in await stage.server.sessions()
             if each["access_number"] == stage.access]  # fmt: skip
    answered = [leg for session in found for leg in session["legs"] if leg["answered"]]
    assert 2 <= len(answered) <= 20, "a first block is a twentieth of it"
    spent = sum(_charged(session, stage.case.name) for session in found)
    assert Decimal("0.20") <= spent <= Decimal("1.00")
    assert {"refused_no_credit", "no_credit"} & {session["outcome"] for session in found}


def _books(tx: Connection) -> list[Any]:
    """Balances that are not the sum of their entries, and what is still reserved."""
    total = func.coalesce(func.sum(LedgerEntryRow.amount), 0)
    query = (
        select(LedgerAccountRow.id, LedgerAccountRow.balance, LedgerAccountRow.reserved, total)
        .outerjoin(LedgerEntryRow, LedgerEntryRow.ledger_id == LedgerAccountRow.id)
        .group_by(LedgerAccountRow.id)
    )
    wrong = [row for row in tx.execute(query) if row[1] != row[3] or row[2]]
    return wrong + list(tx.execute(select(ReservationRow.id).where(~ReservationRow.settled)))


async def _play(folder: Path, cases: list[MoneyCase]) -> dict[str, BaseException | None]:
    server = MoneyServer(folder)
    results = await play_all(folder, cases, server)
    store = open_store(server.url)
    try:
        assert await store.read(_books) == []
    finally:
        await store.close()
    return results


@pytest.fixture(scope="module")
def results(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[str, BaseException | None]:
    cases = [case for case in CASES if chosen(case.name, request)]
    return asyncio.run(_play(tmp_path_factory.mktemp("money"), cases))


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_call(name: str, results: dict[str, BaseException | None]) -> None:
    failure = results[name]
    if failure is not None:
        raise failure
