"""Applying a setup file: what it says is brought about, what it does not name is left alone.

Idempotent: the same file again changes nothing. Credit and balances go through the ledger. The
whole file is checked first, by applying it to a copy in memory. Then it is applied entry by entry,
in units of work of some 10 ms with a pause after each, so that calls go on. Whatever fails then is
told with what has been applied, and the file can be applied again.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from ringback.accounts.entries import SetupFile
from ringback.accounts.secrets import Secrets
from ringback.accounts.setupfile import SetupError
from ringback.clock import Instant
from ringback.setup.course import bring_about, size_of
from ringback.setup.rehearsal import copy_of
from ringback.setup.runners import ForReal, HalfApplied, Rehearsal, lay
from ringback.setup.sounds import Converter, converted
from ringback.setup.work import Terms
from ringback.store import Store

__all__ = ["Applied", "HalfApplied", "apply_setup", "size_of"]


@dataclass(frozen=True, slots=True)
class Applied:
    """What an application came to."""

    changes: list[str]
    """What changed, a line each; empty if nothing did."""
    credited: list[str]
    """The ledger accounts whose credit is another now: live calls on them are to be told."""


async def _at_once() -> None:
    """No pause."""


async def apply_setup(
    setup: SetupFile,
    store: Store,
    secrets: Secrets,
    now: Instant,
    chance: random.Random,
    *,
    currency: str,
    home_country: str,
    folder: Path,
    sounds_folder: Path,
    convert: Converter,
    dry_run: bool = False,
    allow_loss: bool = False,
    tell: Callable[[str], None] = lambda change: None,
    checked: Callable[[int], None] = lambda entries: None,
    applied: Callable[[int], None] = lambda entries: None,
    pause: Callable[[], Awaitable[None]] = _at_once,
) -> Applied:
    """Bring the file about. A dry run returns the same and changes nothing.

    `folder` is what the sound files of the setup are relative to, `sounds_folder` where converted
    ones go. `allow_loss`: secrets may be taken off, and most of a plan's rates taken out. `tell` is
    called with each change once it is kept, `checked` and `applied` with how many more entries of
    `size_of` have been, and `pause` is awaited after each unit of work.

    Raises SetupError with every fault, BadKey, OtherCurrency, StoreError; HalfApplied where a part
    has been applied.
    """
    terms = Terms(secrets, now, currency, home_country, allow_loss=allow_loss)
    with converted(setup.sounds, folder, sounds_folder, convert, keep=not dry_run) as sounds:
        copy = await copy_of(store, setup)
        try:
            rehearsal = Rehearsal(copy, terms, chance, checked)
            await bring_about(rehearsal, setup, sounds)
        finally:
            await copy.close()
        if rehearsal.faults:
            raise SetupError("\n".join(rehearsal.faults))
        if dry_run:
            return Applied(rehearsal.changes, sorted(rehearsal.credited))
        work = ForReal(store, terms, chance, applied, tell, pause)
        if rehearsal.changes:
            await bring_about(work, setup, sounds)
        else:
            await work.run(lay)
    return Applied(work.changes, sorted(work.credited))
