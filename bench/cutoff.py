"""Calls that are cut off at the end of their credit, while a certain number of calls is live.

The right instants are worked out here, only from the credit, the price and the answers (spec
section 6); the instants of the BYEs are taken from the wire. Leg A's instant is leg B's plus the
length of `disconnect_sound`.
"""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select
from sqlalchemy.orm import aliased

from bench.figures import Delays, Table
from bench.ladder import Ladder
from bench.plan import Plan
from bench.scene import REMOTE_PREFIX, RETURN_PREFIX, UNTIL_TALK_SECONDS, Heard, scene
from ringback.amounts import ZERO, to_millionths
from ringback.store import open_store
from ringback.store.models import (
    ChargeRow,
    LedgerAccountRow,
    LegRow,
    ReservationRow,
    SessionRow,
    SoundVariantRow,
)

RATE_A = {"prefix": RETURN_PREFIX, "first_block": 5, "first_price": "0.05", "next_block": 1,
          "price_per_minute": "0.60"}  # fmt: skip
RATE_B = RATE_A | {"prefix": REMOTE_PREFIX, "first_price": "0.50", "price_per_minute": "6.00"}
"""Dearer, so that credit that is enough for a slice of leg A does not last for minutes."""
CREDIT = "2.30"
_TALK_SECONDS = 20.0
"""About how long the credit lasts."""
_LONGEST_TALK_SECONDS = 25
"""The credit lasts no longer than this."""
_SECOND = 1_000_000
"""In microseconds."""
_HEADS = (
    *("live", "cut off", "other", "BYEs", "off their instant p50", "p99", "too late"),
    *("overcharged", "INVITE late p99", "talk sent", "heard", "lost", "unheard", "delay p99"),
    *("phones late p99", "callers late p99"),
)


@dataclass(frozen=True, slots=True)
class Books:
    """What the database contains at the end."""

    sessions: int
    cut_off: int
    live: int
    """Calls bridged at the same time."""
    overcharged: int
    """Charges beyond what was reserved, and credits that are overdrawn or still reserved."""
    before: list[float]
    """How many seconds before its instant each BYE came."""


@dataclass(frozen=True, slots=True)
class Result:
    """Times in milliseconds."""

    books: Books
    late_p99: float
    heard: Heard
    callers_late_p99: float
    """How late SIPp was itself with the triggers."""

    @property
    def good(self) -> bool:
        return not any(self.badness()[:-1])

    def badness(self) -> tuple[float, ...]:
        books, heard = self.books, self.heard
        return (
            books.sessions - books.cut_off,
            2 * books.sessions - len(books.before),
            *(books.overcharged, heard.lost, heard.unheard),
            self._distances().percentile(99),
        )

    def cells(self) -> tuple[str, ...]:
        books, heard, distances = self.books, self.heard, self._distances()
        return (
            *(str(books.live), str(books.cut_off), str(books.sessions - books.cut_off)),
            str(len(books.before)),
            *(f"{distances.percentile(percent):.1f} ms" for percent in (50, 99)),
            *(str(sum(before < 0 for before in books.before)), str(books.overcharged)),
            f"{self.late_p99:.1f} ms",
            *(str(count) for count in (heard.sent, heard.heard, heard.lost, heard.unheard)),
            *(f"{late:.1f} ms" for late in (heard.delay_p99, heard.late_p99)),
            f"{self.callers_late_p99:.1f} ms",
        )

    def _distances(self) -> Delays:
        return Delays(abs(before) * 1000 for before in self.books.before)


async def measure(live: int, seconds: float) -> Result:
    """Keep `live` calls live for `seconds`, while some end and others begin."""
    rate = live / _TALK_SECONDS
    count = round(live + rate * seconds)
    async with scene(count, talk=None, credit=CREDIT, rates=(RATE_A, RATE_B)) as played:
        await played.begin(rate)
        await asyncio.sleep(UNTIL_TALK_SECONDS + _LONGEST_TALK_SECONDS)
        store = open_store(played.server.url)
        byes = played.byes()
        books = await store.read(lambda tx: _read(tx, byes))
        await store.close()
        late, callers_late = played.invites_late(), played.callers_late()
        heard = await played.silence()
    return Result(books, late.percentile(99), heard, callers_late.percentile(99))


async def show(plan: Plan) -> None:
    """Measure at the loads of the plan, and then up to the highest load at which no packet is
    lost."""
    title = f"Cut off at the end of credit, {plan.each}; short runs to find the limit"
    ladder = Ladder(plan, Table(title, ("runs", *_HEADS), plan.show), measure)
    best = 0
    for live in plan.live_fixed:
        result = await ladder.whole(live)
        best = result.books.live if result.good else best
    if result.good:
        found = await ladder.highest(plan.live_loads)
        best = best if found is None else found[1].books.live
    plan.show(f"\nno packet lost and every call cut off up to {best} live calls")


def _read(tx: Connection, byes: Mapping[str, float]) -> Books:
    tail = tx.execute(select(SoundVariantRow.seconds)).scalar_one()
    a, b = aliased(LegRow), aliased(LegRow)
    pairs = tx.execute(
        select(a.answered, a.saved, b.answered, b.saved, b.ended)
        .join(b, a.session_id == b.session_id)
        .where(a.leg == "A", b.leg == "B")
    )
    before: list[float] = []
    talks: list[tuple[float, float]] = []
    for answered_a, saved_a, answered_b, saved_b, ended_b in pairs:
        if answered_a is None or answered_b is None or ended_b is None:
            continue  # it did not get so far: its BYEs are missed
        talks.append((answered_b, ended_b))
        end = _instant(answered_a, answered_b, tail)
        for instant, saved in ((end + tail, saved_a), (end, saved_b)):
            call_id = json.loads(saved)["dialog"]["call_id"]
            if call_id in byes:
                before.append(instant - byes[call_id])
    outcomes = tx.execute(select(SessionRow.outcome)).scalars().all()
    same = and_(
        ChargeRow.leg_id == ReservationRow.leg_id, ChargeRow.ledger_id == ReservationRow.ledger_id
    )
    beyond = select(func.count()).select_from(ReservationRow).join(ChargeRow, same)
    broken = select(func.count()).where(
        or_(LedgerAccountRow.balance < ZERO, LedgerAccountRow.reserved != ZERO)
    )
    return Books(
        len(outcomes),
        outcomes.count("cut_off"),
        _live(talks),
        tx.execute(beyond.where(ChargeRow.amount > ReservationRow.amount)).scalar_one()
        + tx.execute(broken).scalar_one(),
        before,
    )


def _live(talks: Sequence[tuple[float, float]]) -> int:
    """The median of how many calls were live whenever a call of the later half began."""
    begins, ends = (sorted(times) for times in zip(*talks, strict=True)) if talks else ([], [])
    later = begins[len(begins) // 2 :]
    live = sorted(bisect_right(begins, at) - bisect_right(ends, at) for at in later)
    return live[len(live) // 2] if live else 0


def _instant(answered_a: float, answered_b: float, tail: float) -> float:
    """The instant until which the credit covers leg B, and leg A for `tail` seconds longer."""
    a, b = (round(answered * _SECOND) for answered in (answered_a, answered_b))
    after = round(tail * _SECOND)

    def too_long(talk: int) -> bool:
        price = _price(RATE_A, b + talk + after - a) + _price(RATE_B, talk)
        return price > to_millionths(Decimal(CREDIT))

    talk = bisect_left(range(_LONGEST_TALK_SECONDS * _SECOND), True, key=too_long) - 1
    return (b + talk) / _SECOND


def _price(rate: Mapping[str, Any], duration: int) -> int:
    """The price in millionths of `duration` microseconds."""
    first, following = rate["first_block"] * _SECOND, rate["next_block"] * _SECOND
    begun = max(0, -((first - duration) // following))
    block = Decimal(rate["price_per_minute"]) * rate["next_block"] / 60
    return to_millionths(Decimal(rate["first_price"]) + begun * block)
