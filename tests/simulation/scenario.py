"""Random worlds: callers, phones and remote parties who do anything at any step, messages lost,
repeated and overtaken, trunks that fail, a slow store, a server that is killed at any point and
started again. The seed decides everything."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

from tests.calls.world import ACCESS, CALLER, PIN, World

from ringback.calls.events import LateAnswer, LateAnswerUnpaid
from ringback.engines.simulated import FarCall, run_virtual
from ringback.store.models import LegRow
from ringback.telephony.port import Cause
from ringback.telephony.trunks import Route

CALLERS = [f"+4477009001{number:02}" for number in range(20)]
CALLEES = [f"+4420794600{number:02}" for number in range(20)]
HOTEL = "+442071234567"

LATENCY_SECONDS = 0.051
"""The longest of the simulated network, one way."""

CREDITS = ("0.10", "1.00", "5.00", "unlimited")
BALANCES = ("3.00", "50.00")
PRICES = ("0.60", "0.013", "7.77")
LITTLE_CREDITS = ("0.13", "0.25", "0.40", "0.55", "0.80", "1.20")
LITTLE_BALANCES = ("1.00", "9.00")
LITTLE_PRICES = ("0.60", "0.30", "0.12")

DEATHS_A_POINT = 1 / 400
"""How often a server dies at a point that it passes (`World`)."""

_REJECTED = (Cause.BUSY, Cause.REJECTED, Cause.UNALLOCATED, *[Cause.FAILED] * 5)
"""Why a call may not be answered; a fault of the network more often than not."""


class Chaos:
    """What the people and the networks of one world do."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def _one_in(self, count: int) -> bool:
        return self._chance.randrange(count) == 0

    async def callee(self, call: FarCall) -> None:
        """A remote party."""
        chance = self._chance
        kind = chance.randrange(12)
        if kind == 0:
            call.reject(chance.choice(_REJECTED))
            return
        call.ring()
        if kind == 1:
            return  # never answers
        if self._one_in(3):
            call.early_media()
        await call.sleep(chance.choice((0.0, 0.3, 2.0, 24.99, 25.02, 29.0)))
        if kind == 2:
            call.reject(chance.choice((Cause.BUSY, Cause.NO_ANSWER, Cause.REJECTED)))
            return
        call.answer(usable=not self._one_in(20))
        await call.sleep(chance.expovariate(1 / 40))
        if kind == 3:
            call.vanish()
        elif kind < 8:
            call.hang_up()
        # else: stays until the other side ends it

    async def caller(self, call: FarCall) -> None:
        """Whoever takes the return call; may leave at any step."""
        chance = self._chance
        kind = chance.randrange(15)
        if kind == 0:
            call.reject(chance.choice(_REJECTED))
            return
        if kind == 1:
            call.ring()
            return
        if not self._one_in(4):
            call.ring()
        await call.sleep(chance.choice((0.0, 0.5, 3.0, 24.98, 25.01)))
        call.answer(usable=not self._one_in(20))
        leaves_at = self._chance.expovariate(1 / 120)
        call.network.clock.call_at(call.network.clock.now() + leaves_at, call.hang_up)
        if kind == 2:
            return  # voicemail
        if kind == 3:
            call.vanish()
            return
        for _ in range(60):
            if call.ended is not None:
                return
            await call.sleep(chance.expovariate(1 / 4))
            call.press(self._keys(call))

    def _keys(self, call: FarCall) -> str:
        """What somebody presses who mostly does what he is told."""
        last = call.said[-1][1] if call.said else ""
        if self._one_in(12):
            return self._chance.choice(("#", "*", "**", "999#", "1234#", "00#", "5"))
        if "PIN" in last:
            return f"{PIN}#"
        if "phone number" in last:
            return f"0{self._chance.choice(CALLERS)[3:]}#"
        if "password" in last:
            return "123456#"
        if "Press 1" in last or "press 1" in last:
            return self._chance.choice("12")
        if "Dial" in last:
            return self._chance.choice((f"0{self._chance.choice(CALLEES)[3:]}#", "#", "1#"))
        return self._chance.choice(("", "", "", "**", "7"))


def _setup(chance: random.Random) -> dict[str, Any]:
    """A random callback setup that does not contradict itself."""
    mode = chance.choice(("authorized", "authorized", "caller", "fixed"))
    setup: dict[str, Any] = {
        "return_calls": mode,
        "ring_seconds": chance.choice((0, 2, 5)),
        "callback_delay_seconds": chance.choice((0, 3)),
        "attempts": chance.randint(1, 3),
        "retry_after_seconds": chance.choice((5, 60)),
        "require_caller_pin": chance.random() < 0.5,
        "credit_menu": chance.random() < 0.3,
        "early_hangup": chance.choice(("ignore", "call_back")),
        "warn_before_end_seconds": chance.choice((0, 5, 60)),
        "calls_per_session": chance.choice((1, 3, 10)),
        "max_call_seconds": chance.choice((60, 7200)),
        "announce_duration": chance.random() < 0.5,
        "accept_prompt": chance.choice(("auto", "always", "never")),
        "open_to_anyone": True,
    }
    if mode == "fixed":
        setup["fixed_number"] = HOTEL
    if chance.random() < 0.2:
        setup["password"] = "123456"
    return setup


async def _play(world: World, sessions: int, *, crashes: bool, little_credit: bool) -> None:
    chance = world.chance
    chaos = Chaos(random.Random(chance.random()))
    for number in (*CALLERS, HOTEL, CALLER):
        world.network.phone(number, chaos.caller)
    for number in CALLEES:
        world.network.phone(number, chaos.callee)
    world.trunks.replace(world.trunks.by_name.values(), [Route("", ("second", "trunk"))])
    rate = {
        "prefix": "",
        "setup": chance.choice(("0.00", "0.013")),
        "first_block": chance.choice((1, 10, 60)),
        "first_price": chance.choice(("0.00", "0.05")),
        "next_block": chance.choice((1, 7, 10, 60)),
        "price_per_minute": chance.choice(LITTLE_PRICES if little_credit else PRICES),
    }
    caller_ids = [
        {
            "number": number,
            "pin": PIN if chance.random() < 0.8 else None,
            "enabled": chance.random() < 0.95,
            "credit": chance.choice(LITTLE_CREDITS if little_credit else CREDITS),
            "order_number": "1",
            "speed_dials": {"1": CALLEES[0]},
            "guards": chance.choice(({}, {"sessions": 3}, {"sessions": 3, "calls_per_hour": 100})),
        }
        for number in CALLERS
    ]
    await world.setup(
        _setup(chance),
        caller_ids=caller_ids,
        rates=[rate],
        balance=chance.choice(LITTLE_BALANCES if little_credit else BALANCES),
    )
    deaths = random.Random(chance.random())
    world.outside.add(asyncio.get_running_loop().create_task(_start_again(world, deaths)))
    if crashes:
        world.dies_at = lambda point: deaths.random() < DEATHS_A_POINT
        world.network.lost = chance.choice((0.0, 0.0, 0.1))
    for _ in range(sessions):
        await world.sleep(chance.expovariate(1 / 15))
        caller = chance.choice((*CALLERS, CALLERS[0], None, "+447700999999"))
        world.network.ring(
            ACCESS,
            caller,
            acknowledges=chance.random() < 0.95,
            hang_up_after=chance.choice((None, None, None, 1.5, 4.9)),
        )
        _trouble(world, chance)
        if little_credit and chance.random() < 0.5:
            await _recharge(world, chance)
        if crashes and chance.random() < 0.05:
            await world.sleep(chance.expovariate(1 / 10))
            world.die()
    world.dies_at = lambda point: False


async def _recharge(world: World, chance: random.Random) -> None:
    """Somebody puts in a little more, which may be less than a block."""
    caller_id = {
        "number": chance.choice(CALLERS),
        "credit": chance.choice(("0.01", "0.07", "0.30")),
        "order_number": f"{world.clock.now()}",
    }
    extension = {"name": "travellers", "account": "acme", "caller_ids": [caller_id]}
    await world.apply({"extensions": [extension]})


async def _start_again(world: World, chance: random.Random) -> None:
    """Whoever looks after the server."""
    while True:
        await world.died.wait()
        await world.restart(chance.choice((0.5, 3.0, 20.0)))


def _trouble(world: World, chance: random.Random) -> None:
    """Trunks come and go, and the store is slow at times."""
    world.slow(chance.choice((0.0, 0.0, 0.0, 0.0, 0.02, 0.3, 3.0)))
    world.network.silent_trunks = {"second"} if chance.random() < 0.1 else set()
    world.network.failing_trunks = {"second"} if chance.random() < 0.1 else set()
    world.network.mute_trunks = {"second"} if chance.random() < 0.1 else set()


def run(
    seed: int,
    sessions: int,
    folder: Path,
    *,
    crashes: bool = True,
    little_credit: bool = False,
) -> Counter[str]:
    """One world; returns how often each outcome came. With `little_credit` nobody has more than a
    few calls cost, and they are recharged meanwhile. Raises AssertionError where an invariant does
    not hold, with the seed in its notes."""

    async def main() -> Counter[str]:
        world = World(seed, folder)
        await _play(world, sessions, crashes=crashes, little_credit=little_credit)
        await world.quiet()
        world.check()
        check_ground_truth(world)
        if not crashes:
            check_far_ends(world)
        return Counter(row["outcome"] for row in world.rows_of_sessions())

    try:
        return run_virtual(main())
    except BaseException as error:
        again = f"{seed} 1 {sessions}{' little-credit' if little_credit else ''}"
        error.add_note(f"to see it again: python -m tests.simulation {again}")
        raise


def check_far_ends(world: World) -> None:
    """What no far end may have had for nothing, while the server lived: an answer that was not
    charged, or time after what was paid."""
    for leg in world.rows(LegRow):
        far = world.network.calls.get(json.loads(leg["saved"])["call"])
        if far is None or far.answered is None or far.vanished is not None:
            continue
        assert leg["answered"] is not None, f"leg {leg['id']} was answered and not charged"
        assert far.ended is not None
        if leg["billed_seconds"] is None:
            continue  # late, and unpaid: `check_ground_truth` has seen that it was
        paid = leg["answered"] + leg["billed_seconds"]
        assert far.ended <= paid + LATENCY_SECONDS, f"leg {leg['id']} went on unpaid"


def check_ground_truth(world: World) -> None:
    """The records against what really happened to the far ends."""
    legs = {json.loads(leg["saved"])["call"]: leg for leg in world.rows(LegRow)}
    unpaid = sum(
        leg["answered"] is not None and leg["billed_seconds"] is None for leg in legs.values()
    )
    assert unpaid == len(world.journal.of(LateAnswerUnpaid)), "only late answers may be unpaid"
    for leg in legs.values():
        if leg["answered"] is not None and leg["billed_seconds"] is not None:
            assert leg["billed_seconds"] is not None, leg
            paid = leg["answered"] + leg["billed_seconds"]
            assert leg["ended"] <= paid + 1e-3, f"leg {leg['id']} went on after what was paid"
    called: Counter[str] = Counter()
    for call in world.network.calls.values():
        leg = legs[call.id]  # no call that was not stored before
        if leg["answered"] is not None:
            assert call.answered is not None, f"leg {leg['id']} was answered by nobody"
        if leg["leg"] == "A" and leg["answered"] is not None:
            called[leg["session_id"]] += 1
    late = Counter(
        each.session
        for each in world.journal.events
        if isinstance(each.happening, LateAnswer) and each.happening.leg == "A"
    )
    assert all(count <= 1 + late[session] for session, count in called.items()), "called twice"
