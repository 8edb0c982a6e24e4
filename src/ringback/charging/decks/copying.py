"""Rates made of others: times a factor, plus an amount a minute (spec section 6)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ringback.amounts import PLACES, ZERO, checked, from_millionths, to_millionths
from ringback.charging.rating import Rate

ONE = Decimal(1)
_WHOLE = 10**PLACES


def copied(rate: Rate, factor: Decimal = ONE, amount: Decimal = ZERO) -> Rate:
    """The rate with all its prices times `factor`, and `amount` a minute more: on
    `price_per_minute`, and on `first_price` by its seconds. Each price is worked out exactly and
    rounded up to 6 places; a `first_price` that is left out stays so. Both numbers have at most 6
    places. Raises ValueError, also BadAmount, where a price is too large."""
    times, plus = to_millionths(factor), to_millionths(amount)
    return replace(
        rate,
        setup=_price(rate.setup, times, 0),
        first_price=None
        if rate.first_price is None
        else _price(rate.first_price, times, plus * rate.first_block),
        price_per_minute=_price(rate.price_per_minute, times, plus * 60),
    )


def _price(price: Decimal, times: int, plus: int) -> Decimal:
    """`times` in millionths, `plus` in sixtieths of a millionth."""
    exact = to_millionths(price) * times * 60 + plus * _WHOLE
    return checked(from_millionths(-(-exact // (60 * _WHOLE))))
