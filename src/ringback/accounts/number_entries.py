"""What may be said of an access number."""

from __future__ import annotations

from pydantic import model_validator

from ringback.accounts.callback import E164, Text
from ringback.accounts.names import ADMINISTRATOR
from ringback.faults import Fault, Faults, Section


class NewNumber(Section):
    """A public number."""

    number: E164
    """With `+` and its country code."""
    destination: E164 | None = None
    """Who is called back through the access number is connected to this one, without dialling;
    `null` is none."""

    @model_validator(mode="after")
    def _leads_elsewhere(self) -> NewNumber:
        if self.destination == self.number:
            told = "is the access number itself: write another number"
            raise Faults([Fault(("destination",), told)])
        return self


class NumberEntry(NewNumber):
    """A public number, and the account that holds it."""

    account: Text = ADMINISTRATOR
    """The account that holds it, by its name or path. It, and what lies below it, can have the
    number lead to an extension."""
