"""The setup that has been applied: would a call find its extension, its payers, its rates and its
sounds?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, select

from ringback.accounts import tree
from ringback.accounts.callback import ReturnCalls
from ringback.accounts.newkey import voided
from ringback.accounts.secrets import BadKey, Secrets, check_key
from ringback.accounts.tree import ExtensionFacts
from ringback.charging.payers import NoRate, payers, who_pays
from ringback.cli.doctor.finding import Finding, fault, ok, warning
from ringback.clock import Instant
from ringback.sounds.library import SoundLibrary
from ringback.store.models import AccountRow, CallerIdRow

MOST_NUMBERS = 1000
"""How many callerIDs of an extension are checked for a return call."""


def examine_setup(
    tx: Connection, secrets: Secrets | None, sounds: Path, now: Instant
) -> list[Finding]:
    """Check all extensions. `secrets` holds the key, if there is one; `sounds` is the folder of the
    converted sounds."""
    if tx.execute(select(AccountRow.id).limit(1)).scalar() is None:
        return [warning("nothing has been applied yet: run ringback apply setup.yaml")]
    findings = list(_key(tx, secrets))
    extensions = tree.extensions(tx)
    if not extensions:
        return [*findings, warning("there is no extension: apply a setup file that has one")]
    for extension in extensions:
        facts = tree.load_extension(tx, extension)
        wrong = [*_callers(tx, facts), *_money(tx, facts, now), *_sounds(tx, facts, sounds)]
        findings += wrong or [
            ok(f"extension {facts.name}: access number, payers, rates and sounds")
        ]
    return findings


def _key(tx: Connection, secrets: Secrets | None) -> Iterator[Finding]:
    if secrets is None:
        return  # the check of its file reports that
    try:
        check_key(tx, secrets)
    except BadKey as error:
        yield fault(str(error))
    void = voided(tx)
    if void:
        more = f" and {len(void) - 1} more are" if len(void) > 1 else " is"
        yield warning(
            f"{void[0]}{more} void since ringback new-key: set it anew, or nobody gets in by it"
        )


def _callers(tx: Connection, extension: ExtensionFacts) -> Iterator[Finding]:
    what = f"extension {extension.name}"
    if not extension.access_numbers:
        yield warning(f"{what} has no access number: nobody can ring it")
    if extension.setup.return_calls is ReturnCalls.AUTHORIZED and not _listed(tx, extension):
        yield warning(
            f"{what} calls authorized callerIDs back, and none is enabled: add one to caller_ids, "
            "or see return_calls"
        )


def _listed(tx: Connection, extension: ExtensionFacts) -> list[str]:
    query = (
        select(CallerIdRow.number)
        .where(CallerIdRow.extension_id == extension.id, CallerIdRow.enabled)
        .order_by(CallerIdRow.number)
        .limit(MOST_NUMBERS)
    )
    return list(tx.execute(query).scalars())


def _money(tx: Connection, extension: ExtensionFacts, now: Instant) -> Iterator[Finding]:
    what, fixed = f"extension {extension.name}", extension.setup.fixed_number
    try:
        who_pays(tx, extension.levels, None)
    except NoRate as error:
        yield fault(f"{what}: {error}")
        return
    unrated = []
    for number in [fixed] if fixed is not None else _listed(tx, extension):
        try:
            payers(tx, extension.levels, None, number, now)
        except NoRate as error:
            unrated.append(str(error))
    if unrated:
        more = f", and {len(unrated) - 1} more numbers" if len(unrated) > 1 else ""
        yield warning(f"{what}: no return call is possible: {unrated[0]}{more}")


def _sounds(tx: Connection, extension: ExtensionFacts, folder: Path) -> Iterator[Finding]:
    setup = extension.setup
    paths = [each for each in (setup.disconnect_sound, setup.no_credit_sound) if each is not None]
    library = SoundLibrary(folder, lambda missing: None)
    languages = (extension.language, extension.levels[0].language)
    for path in library.load(tx, extension.chain, paths, languages).missing:
        yield warning(
            f"extension {extension.name}: missing: sound {path}: it is skipped: put it under "
            "sounds of the setup file"
        )
