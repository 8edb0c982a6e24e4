"""Ten thousand random calls, to the last digit as a slow and independent reference has them."""

from __future__ import annotations

import random

from tests.charging.helpers import NOW
from tests.charging.reference import Line, line_for, rated

from ringback.amounts import parse_amount, to_millionths
from ringback.charging.decks import Deck
from ringback.charging.packages import Allowance
from ringback.charging.payers import PayerRate
from ringback.charging.rating import Rate, charge
from ringback.charging.shares import Minutes, Share

CALLS = 10_000
_PRICES = ("0", "0.000001", "0.0199", "0.02", "0.333333", "1", "12.5")
_BLOCKS = (1, 6, 7, 10, 30, 60, 180)


def _price(chance: random.Random) -> str:
    return chance.choice((*_PRICES, f"0.{chance.randrange(10**6):06}"))


def _deck(chance: random.Random) -> list[Line]:
    """Some 40 rates, many of them for prefixes of one another, some for a time only."""
    lines: list[Line] = []
    for _ in range(40):
        number = f"44{chance.randrange(10**4)}"
        since = chance.choice((None, NOW - 10, NOW, NOW + 10))
        until = chance.choice((None, NOW + 20)) if since is None else since + chance.choice((5, 50))
        line = Line(
            number[: chance.randrange(len(number) + 1)],
            _price(chance),
            chance.choice(_BLOCKS),
            chance.choice((None, _price(chance))),
            chance.choice(_BLOCKS),
            _price(chance),
            since,
            until,
        )
        same = [other for other in lines if other.prefix == line.prefix]
        if not same:  # no two of one prefix overlap
            lines.append(line)
    return lines


def _rate(line: Line) -> Rate:
    return Rate(
        line.prefix,
        parse_amount(line.setup),
        line.first_block,
        None if line.first_price is None else parse_amount(line.first_price),
        line.next_block,
        parse_amount(line.price_per_minute),
        line.valid_from,
        line.valid_to,
    )


def test_ten_thousand_calls() -> None:
    chance = random.Random(6)
    deck: list[Line] = []
    rates = Deck([])
    unrated = with_free = 0
    for call in range(CALLS):
        if call % 100 == 0:
            deck = _deck(chance)
            rates = Deck(_rate(line) for line in deck)
        number = f"+44{chance.randrange(10**4)}"
        dialled = NOW + chance.randrange(-15, 60)
        line, rate = line_for(deck, number, dialled), rates.choose(number, dialled)
        if line is None or rate is None:
            assert (line, rate) == (None, None)
            unrated += 1
            continue
        # Often just at, before or after the end of a block.
        blocks = chance.choice((0, 0, 1, 2, 7, chance.randrange(200)))
        duration = max(
            0,
            (line.first_block + blocks * line.next_block) * 1_000_000
            + chance.choice((-1, 0, 1, chance.randrange(-60_000_000, 60_000_000))),
        )
        free_left = chance.choice((0, 0, 5, 60, 61, 125, chance.randrange(3000)))
        want = rated(line, duration, free_left)

        payer = PayerRate("x", "x", "plan", rate, Allowance("x", "44", "2026-11", free_left))
        share = Share(payer, 0, Minutes({"x/44/2026-11": free_left}).open("leg", payer))
        while share.blocks < rate.blocks(duration):  # slice by slice, as a call goes
            more = chance.randrange(1, 20)
            minutes = Minutes({"x/44/2026-11": free_left - rate.free_seconds(share.free)})
            share = Share(payer, share.blocks + more, minutes.grow("leg", share, more))
        got = charge(rate, duration, share.free)
        assert (to_millionths(got.amount), got.billed_seconds, rate.free_seconds(got.free)) == (
            want.millionths,
            want.billed_seconds,
            want.free_seconds,
        ), (line, duration, free_left, got.explanation)
        with_free += want.free_seconds > 0
    assert unrated > 100 and with_free > 1000, "too few of one kind to say anything"
