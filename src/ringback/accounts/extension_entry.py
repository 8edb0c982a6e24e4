"""What may be said of an extension, beside what may be said of any account."""

from __future__ import annotations

from ringback.accounts.account_entry import AnyAccountEntry
from ringback.accounts.callback import E164
from ringback.accounts.callback_entry import CallbackEntry
from ringback.faults import Section


class AccessNumbersEntry(Section):
    """A change of where access numbers lead."""

    access_numbers: tuple[E164, ...] | None = None
    """All that lead to the extension; the first is its public number. `null` is none."""


class NewExtension(AnyAccountEntry, AccessNumbersEntry):
    """An extension that is made."""

    callback: CallbackEntry | None = None
    """How calls are returned; `null` is the defaults."""
