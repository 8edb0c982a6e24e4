"""Numbers, amounts and durations in English, as the words that are recorded one by one."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from num2words import num2words

CURRENCIES = {
    "GBP": (("pound", "pounds"), ("penny", "pence")),
    "EUR": (("euro", "euros"), ("cent", "cents")),
    "USD": (("dollar", "dollars"), ("cent", "cents")),
    "CAD": (("dollar", "dollars"), ("cent", "cents")),
    "AUD": (("dollar", "dollars"), ("cent", "cents")),
}
"""The names of the unit and of its hundredth, singular and plural. For any other currency, the
letters of its code are spoken."""

VOCABULARY = (
    *(num2words(number) for number in range(20)),
    *(num2words(number) for number in range(20, 100, 10)),
    *("hundred", "thousand", "million", "billion", "and", "minus", "point"),
    *("pound", "pounds", "penny", "pence", "euro", "euros", "cent", "cents", "dollar", "dollars"),
    *("hour", "hours", "minute", "minutes", "second", "seconds"),
    *"abcdefghijklmnopqrstuvwxyz",
)
"""Every word that the functions below may return."""


def number_words(number: int) -> list[str]:
    """The words of a number: 1250 is one, thousand, two, hundred, and, fifty."""
    return num2words(number).replace("-", " ").replace(",", "").split()  # type: ignore[no-any-return]


def amount_words(amount: Decimal, currency: str) -> list[str]:
    """The words of an amount. What is less than a hundredth is left out, so that the caller is
    never told more than there is."""
    hundredths = int((amount * 100).to_integral_value(ROUND_FLOOR))
    sign = ["minus"] if hundredths < 0 else []
    whole, rest = divmod(abs(hundredths), 100)
    names = CURRENCIES.get(currency)
    if names is None:
        fraction = ["point", *number_words(rest // 10), *number_words(rest % 10)] if rest else []
        return [*sign, *number_words(whole), *fraction, *currency.lower()]
    (one, many), (cent, cents) = names
    words = []
    if whole or not rest:
        words = [*number_words(whole), one if whole == 1 else many]
    if rest:
        words += ["and"] if words else []
        words += [*number_words(rest), cent if rest == 1 else cents]
    return [*sign, *words]


def duration_words(seconds: float) -> list[str]:
    """The words of a duration in hours and minutes, or in seconds if it is less than a minute. It
    is never rounded up."""
    whole = int(seconds)
    hours, minutes = divmod(whole // 60, 60)
    parts = []
    for count, one, many in ((hours, "hour", "hours"), (minutes, "minute", "minutes")):
        if count:
            parts.append([*number_words(count), one if count == 1 else many])
    if not parts:
        parts.append([*number_words(whole), "second" if whole == 1 else "seconds"])
    return [word for index, part in enumerate(parts) for word in (["and"] * (index > 0) + part)]
