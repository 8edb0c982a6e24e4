"""The commands that the control socket takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from ringback.accounts import tree
from ringback.calls.exchange import Exchange
from ringback.calls.services import Services
from ringback.management.actor import command_line
from ringback.management.naming import find_extension
from ringback.management.refusals import NotFound
from ringback.numbering import BadNumber, read_written
from ringback.server.control import ControlError, ask

_AT_ONCE = 500
"""The most ledger accounts named in one command."""


async def tell_credited(path: Path, ledger_ids: Sequence[str]) -> None:
    """Tell the server, if one is running, whose credit has changed, so that their live calls go on
    for longer or end. (If it is not told, each call looks again when its next minute is
    reserved.)"""
    for start in range(0, len(ledger_ids), _AT_ONCE):
        try:
            await ask(path, "credited", ledger_ids=ledger_ids[start : start + _AT_ONCE])
        except ControlError:
            return


async def tell_standing_changed(path: Path) -> None:
    """Tell the server, if one is running, that an account, extension or callerID was suspended,
    disabled or deleted, or has another expiry, so that live sessions end now. (If it is not told,
    it looks within two seconds.)"""
    try:
        await ask(path, "standing_changed")
    except ControlError:
        return


async def tell_trunks_changed(path: Path) -> None:
    """Have the server, if one is running, put changed trunks and routes in force now. (If it is not
    told, it looks within two seconds.)"""
    try:
        await ask(path, "trunks_changed")
    except ControlError:
        return


def states(exchange: Exchange, request: dict[str, Any]) -> dict[str, Any]:
    """The stage of each of the sessions named that is being run, and the times of its legs."""
    ids = [str(id_) for id_ in request.get("sessions", [])][:_AT_ONCE]
    found = {id_: state for id_ in ids if (state := exchange.state_of(id_)) is not None}
    return {"sessions": {id_: asdict(state) for id_, state in found.items()}}


async def call_me_back(
    services: Services, exchange: Exchange, request: dict[str, Any]
) -> dict[str, Any]:
    """Begin a session with a number, without a trigger call. Raises ControlError."""
    name = request.get("extension")

    def find(tx: Connection) -> tree.ExtensionFacts | None:
        if name is None:
            return tree.find_by_name(tx, None)
        owner = command_line(tx, services.clock.now())
        return tree.load_extension(tx, find_extension(tx, owner, str(name)).id)

    try:
        extension = await services.store.read(find)
    except NotFound as refusal:
        raise ControlError(str(refusal)) from refusal
    if extension is None:
        raise ControlError("there is no extension, or more than one: name it with --extension")
    try:
        number = read_written(str(request["number"]), extension.country)
        destination = request.get("destination")
        if destination is not None:
            destination = read_written(str(destination), extension.country)
    except (BadNumber, KeyError) as error:
        raise ControlError(str(error)) from error
    session, refused = await exchange.call_me_back(extension.id, number, destination)
    if refused is not None:
        raise ControlError(f"refused_{refused.reason}: {refused.why}")
    return {"session": session}
