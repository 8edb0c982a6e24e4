"""Applying a setup file: what it says is brought about, what it does not name is left alone.

Idempotent: the same file again changes nothing. Credit and balances go through the ledger. All of
it is one unit of work, and whatever is wrong undoes all of it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from ringback.accounts.apply import accounts, extensions, limits, plans, sounds, trunks
from ringback.accounts.apply.sounds import Converted, Converter
from ringback.accounts.apply.work import Work
from ringback.accounts.entries import SetupFile, SoundEntry
from ringback.accounts.foundation import lay_foundation
from ringback.accounts.secrets import Secrets
from ringback.accounts.setupfile import SetupError
from ringback.clock import Instant
from ringback.store import Store

__all__ = ["Applied", "apply_setup"]


@dataclass(frozen=True, slots=True)
class Applied:
    """What an application came to."""

    changes: list[str]
    """What changed, a line each; empty if nothing did."""
    credited: list[str]
    """The ledger accounts whose credit is another now: live calls on them are to be told."""
    trunks_changed: bool
    """Trunks or routes: a running server is to be told."""


class _DryRun(Exception):
    """Undoes the unit of work."""

    def __init__(self, applied: Applied) -> None:
        super().__init__()
        self.applied = applied


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
) -> Applied:
    """Bring the file about. A dry run returns the same and changes nothing.

    `folder` is what the sound files of the setup are relative to, `sounds_folder` where converted
    ones go. Raises SetupError with every fault, BadKey, StoreError.
    """
    # Before the unit of work: a running server waits for the database as long as that lasts.
    with sounds.converted(
        setup.sounds, folder, sounds_folder, convert, keep=not dry_run
    ) as converted:
        seed = chance.getrandbits(256)

        def unit(tx: Connection) -> Applied:
            chance = random.Random(seed)  # done anew, it gives the same ids
            work = Work(tx, secrets, now, chance)
            work.changes += lay_foundation(tx, secrets, currency, home_country, now, chance)
            _bring_about(work, setup, converted)
            if work.faults:
                raise SetupError("\n".join(work.faults))
            applied = Applied(work.changes, sorted(work.credited), work.trunks_changed)
            if dry_run:
                raise _DryRun(applied)
            return applied

        try:
            return await store.run(unit)
        except _DryRun as dry:
            return dry.applied


def _bring_about(work: Work, setup: SetupFile, converted: Mapping[SoundEntry, Converted]) -> None:
    for account in setup.accounts:
        with work.attempt():
            accounts.bring_about(work, account)
    for plan in setup.plans:
        with work.attempt():
            plans.bring_about(work, plan)
    for account in setup.accounts:
        with work.attempt():
            accounts.give_plan(work, account)
    limits.bring_about(work)
    for extension in setup.extensions:
        with work.attempt():
            extensions.bring_about(work, extension)
    extensions.bring_numbers_about(work, setup.extensions)
    for sound in setup.sounds:
        with work.attempt():
            sounds.bring_about(work, sound, converted[sound])
    for trunk in setup.trunks:
        with work.attempt():
            trunks.bring_trunk_about(work, trunk)
    for route in setup.routes:
        with work.attempt():
            trunks.bring_route_about(work, route)
