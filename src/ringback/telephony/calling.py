"""The caller's number: read once, where the trigger call comes in, and carried so from there on.

It was received and read, received and cannot be read, or hidden. A number that cannot be read is
not a hidden one (spec section 5): the record keeps what came, and the log says why it is no number.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringback.numbering import BadNumber, NumberForm

_LONGEST = 64


@dataclass(frozen=True, slots=True)
class CallingNumber:
    """Who calls, as far as a trigger call tells."""

    received: str | None = None
    """What came, printable; None where the number was hidden: withheld, absent or anonymous."""
    e164: str | None = None
    """None where it was hidden, or cannot be read."""
    fault: str | None = None
    """Why it cannot be read or, beside an `e164`, why it may be somebody else's number."""
    others: tuple[str, ...] = ()
    """What else it may be then, E.164."""

    @property
    def hidden(self) -> bool:
        return self.received is None


HIDDEN = CallingNumber()


def known(e164: str) -> CallingNumber:
    """A number that is known, such as one that a call back was ordered for."""
    return CallingNumber(e164, e164)


def unreadable(received: str, why: str) -> CallingNumber:
    """Something came that is no number. What strangers sent loses its control characters."""
    shown = "".join(letter for letter in received if letter.isprintable())
    return CallingNumber(shown[:_LONGEST], None, why)


def read_calling(received: str, form: NumberForm) -> CallingNumber:
    """Read a caller's number in the form in which its trunk sends them."""
    try:
        reading = form.read(received)
    except BadNumber as error:
        return unreadable(received, str(error))
    return CallingNumber(received, reading.e164, reading.doubt, reading.others)
