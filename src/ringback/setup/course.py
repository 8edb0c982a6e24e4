"""The order of an application, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ringback.accounts.entries import ExtensionEntry, SetupFile, SoundEntry
from ringback.accounts.plan_entries import PlanEntry
from ringback.setup import (
    accounts,
    caller_ids,
    extensions,
    numbers,
    plans,
    sounds,
    trunks,
)
from ringback.setup.runners import Runner, lay
from ringback.sounds.convert import Converted


def size_of(setup: SetupFile) -> int:
    """How many entries a file has, as a runner counts them."""
    named = (
        *(setup.accounts, setup.plans, setup.extensions),
        *(setup.access_numbers, setup.sounds, setup.trunks, setup.routes),
    )
    return sum(map(len, named)) + sum(len(each.caller_ids) for each in setup.extensions)


async def bring_about(
    runner: Runner, setup: SetupFile, converted: Mapping[SoundEntry, Converted]
) -> None:
    """Do all steps of a file."""
    await runner.run(lay)
    for account in setup.accounts:
        await runner.run(partial(accounts.bring_about, entry=account), entries=1)
    for plan in setup.plans:
        await _plan(runner, plan)
    for account in setup.accounts:
        if account.model_fields_set & set(accounts.MONEY):
            await runner.run(partial(accounts.settle, entry=account))
    for extension in setup.extensions:
        await _extension(runner, extension)
    for plan in setup.plans:
        if plan.model_fields_set & {"kind", "limit"}:
            await runner.run(partial(plans.restrict, entry=plan))
    await _numbers(runner, setup)
    for sound in setup.sounds:
        step = partial(sounds.bring_about, entry=sound, sound=converted[sound])
        await runner.run(step, entries=1)
    for trunk in setup.trunks:
        await runner.run(partial(trunks.bring_trunk_about, entry=trunk), entries=1)
    for route in setup.routes:
        await runner.run(partial(trunks.bring_route_about, entry=route), entries=1)


async def _plan(runner: Runner, entry: PlanEntry) -> None:
    plan_id = await runner.run(partial(plans.bring_about, entry=entry), entries=1)
    if plan_id is None or "rates" not in entry.model_fields_set:
        return
    deck = await runner.run(partial(plans.begin_rates, plan_id=plan_id, entry=entry))
    if deck is not None:
        for some in deck.batches():
            await runner.run(partial(plans.put_rates, deck=deck, some=some))
        await runner.run(partial(plans.put_in_force, deck=deck))


async def _extension(runner: Runner, entry: ExtensionEntry) -> None:
    extension = await runner.run(partial(extensions.bring_about, entry=entry), entries=1)
    if extension is None:
        return
    for some in caller_ids.batches(entry):
        step = partial(caller_ids.bring_about, extension=extension, name=entry.name, entries=some)
        await runner.run(step, entries=len(some))


async def _numbers(runner: Runner, setup: SetupFile) -> None:
    """Access numbers come last, when every extension is there to give one up or to take it."""
    for entry in setup.access_numbers:
        await runner.run(partial(numbers.bring_about, entry=entry), entries=1)
    found = await runner.run(partial(numbers.led, entries=setup.extensions)) or []
    every = {number for its in found for number in its.wanted}
    given_up = {its.extension.id: every.difference(its.wanted) for its in found}
    held = {entry.number for entry in setup.access_numbers}
    for its in found:
        if its.changes:
            step = partial(numbers.lead, its=its, given_up=given_up, held=held)
            await runner.run(step)
    for number in sorted(held | every):
        await runner.run(partial(numbers.see_held, number=number))
    for extension in setup.extensions:
        await runner.run(partial(numbers.see_shown, entry=extension))
