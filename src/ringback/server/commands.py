"""What the control socket can ask for."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from ringback.accounts import tree
from ringback.calls.exchange import Exchange
from ringback.calls.services import Services
from ringback.numbering import BadNumber, read_typed
from ringback.server.control import ControlError


async def call_me_back(
    services: Services, exchange: Exchange, request: dict[str, Any]
) -> dict[str, Any]:
    """Begin a session to a number, without a trigger call. Raises ControlError."""
    name = request.get("extension")

    def find(tx: Connection) -> tree.ExtensionFacts | None:
        return tree.find_by_name(tx, None if name is None else str(name))

    extension = await services.store.read(find)
    if extension is None:
        raise ControlError(
            "there is no extension" + (f" {name!r}" if name else ", or more than one: name it")
        )
    try:
        number = read_typed(str(request["number"]), extension.country)
        destination = request.get("destination")
        if destination is not None:
            destination = read_typed(str(destination), extension.country)
    except (BadNumber, KeyError) as error:
        raise ControlError(str(error)) from error
    session, refused = await exchange.call_me_back(extension.id, number, destination)
    if refused is not None:
        raise ControlError(f"{refused.outcome.value}: {refused.reason}")
    return {"session": session}
