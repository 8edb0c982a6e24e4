"""Calls cut off at the end of their credit, while so many are live.

The instants are worked out here from the credit, the price and the answers alone (spec section
6), and the BYEs are taken from the wire. Leg A's instant is leg B's plus `disconnect_sound`.
"""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select
from sqlalchemy.orm import aliased

from bench.figures import Delays, Table, middle
from bench.plan import Plan
from bench.scene import REMOTE_PREFIX, RETURN_PREFIX, UNTIL_TALK_SECONDS, Heard, scene
from ringback.amounts import ZERO, to_millionths
from ringback.store import open_store
from ringback.store.models import Charge, LedgerAccount, Leg, Reservation, Session, Sound

RATE_A = {"prefix": RETURN_PREFIX, "first_block": 5, "first_price": "0.05", "next_block": 1,
          "price_per_minute": "0.60"}  # fmt: skip
RATE_B = RATE_A | {"prefix": REMOTE_PREFIX, "first_price": "0.50", "price_per_minute": "6.00"}
"""Dearer, so that credit which is enough to hold a slice of leg A does not last for minutes."""
CREDIT = "2.30"
_TALK_SECONDS = 20.0
"""About what it lasts."""
_LONGEST_TALK_SECONDS = 25
"""It lasts no longer than this."""
_SECOND = 1_000_000
"""Microseconds."""
_HEADS = (
    *("live", "cut off", "other", "BYE before p50", "p99", "BYE after", "overcharged"),
    *("INVITE late p99", "talk sent", "lost", "delay p99", "phones late p99"),
)


@dataclass(frozen=True, slots=True)
class Books:
    """What the database says at the end."""

    sessions: int
    cut_off: int
    overcharged: int
    """Charges beyond what was reserved, and credits overdrawn or still reserved."""
    before: list[float]
    """How many seconds before its instant each BYE came."""


@dataclass(frozen=True, slots=True)
class Result:
    """Times in milliseconds."""

    live: int
    books: Books
    late_p99: float
    heard: Heard

    @property
    def good(self) -> bool:
        return self.heard.lost == 0 and self.books.cut_off == self.books.sessions

    def badness(self) -> tuple[float, ...]:
        books = self.books
        return books.sessions - books.cut_off, self.heard.lost, self._distances().percentile(99)

    def cells(self) -> tuple[str, ...]:
        books, heard, distances = self.books, self.heard, self._distances()
        return (
            *(str(self.live), str(books.cut_off), str(books.sessions - books.cut_off)),
            *(f"{distances.percentile(percent):.1f} ms" for percent in (50, 99)),
            *(str(sum(before < 0 for before in books.before)), str(books.overcharged)),
            *(f"{self.late_p99:.1f} ms", str(heard.sent), str(heard.lost)),
            *(f"{heard.delay_p99:.1f} ms", f"{heard.late_p99:.1f} ms"),
        )

    def _distances(self) -> Delays:
        return Delays(abs(before) * 1000 for before in self.books.before)


async def measure(live: int, seconds: float) -> Result:
    """So many calls live at once, while for so long some end and others begin."""
    rate = live / _TALK_SECONDS
    count = round(live + rate * seconds)
    async with scene(count, talk=None, credit=CREDIT, rates=(RATE_A, RATE_B)) as played:
        await played.begin(rate)
        await asyncio.sleep(UNTIL_TALK_SECONDS + _LONGEST_TALK_SECONDS)
        store = open_store(played.server.url)
        byes = played.byes()
        books = await store.read(lambda tx: _read(tx, byes))
        await store.close()
        late = played.invites_late()
        heard = await played.silence()
    return Result(live, books, late.percentile(99), heard)


async def show(plan: Plan) -> None:
    """Row after row, until a packet is lost."""
    table = Table(f"Cut off at the end of credit, {plan.each}", _HEADS, plan.show)
    best = 0
    for live in plan.live_calls:
        result = middle([await measure(live, plan.seconds) for _ in range(plan.runs)])
        table.row(result.cells())
        if not result.good:
            break
        best = live
    plan.show(f"\nno packet lost and every call cut off up to {best} live calls")


def _read(tx: Connection, byes: Mapping[str, float]) -> Books:
    tail = tx.execute(select(Sound.seconds)).scalar_one()
    a, b = aliased(Leg), aliased(Leg)
    pairs = tx.execute(
        select(a.answered, a.saved, b.answered, b.saved)
        .join(b, a.session_id == b.session_id)
        .where(a.leg == "A", b.leg == "B", a.answered.is_not(None), b.answered.is_not(None))
    )
    before: list[float] = []
    for answered_a, saved_a, answered_b, saved_b in pairs:
        assert answered_a is not None and answered_b is not None  # the query asks for it
        end = _instant(answered_a, answered_b, tail)
        for instant, saved in ((end + tail, saved_a), (end, saved_b)):
            call_id = json.loads(saved)["dialog"]["call_id"]
            if call_id in byes:
                before.append(instant - byes[call_id])
    outcomes = tx.execute(select(Session.outcome)).scalars().all()
    same = and_(Charge.leg_id == Reservation.leg_id, Charge.ledger_id == Reservation.ledger_id)
    beyond = select(func.count()).select_from(Reservation).join(Charge, same)
    broken = select(func.count()).where(
        or_(LedgerAccount.balance < ZERO, LedgerAccount.reserved != ZERO)
    )
    return Books(
        len(outcomes),
        outcomes.count("cut_off"),
        tx.execute(beyond.where(Charge.amount > Reservation.amount)).scalar_one()
        + tx.execute(broken).scalar_one(),
        before,
    )


def _instant(answered_a: float, answered_b: float, tail: float) -> float:
    """Until when the credit covers leg B, and leg A for `tail` seconds longer."""
    a, b = (round(answered * _SECOND) for answered in (answered_a, answered_b))
    after = round(tail * _SECOND)

    def too_long(talk: int) -> bool:
        price = _price(RATE_A, b + talk + after - a) + _price(RATE_B, talk)
        return price > to_millionths(Decimal(CREDIT))

    talk = bisect_left(range(_LONGEST_TALK_SECONDS * _SECOND), True, key=too_long) - 1
    return (b + talk) / _SECOND


def _price(rate: Mapping[str, Any], duration: int) -> int:
    """Millionths for so many microseconds."""
    first, following = rate["first_block"] * _SECOND, rate["next_block"] * _SECOND
    begun = max(0, -((first - duration) // following))
    block = Decimal(rate["price_per_minute"]) * rate["next_block"] / 60
    return to_millionths(Decimal(rate["first_price"]) + begun * block)
