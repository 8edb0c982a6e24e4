"""What the tests of coming in share: links got and opened, statements watched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine import Engine
from tests.management.world import HOME, PASSWORD, World

from ringback.management.letters import Letter, Purpose
from ringback.management.people import access, invitations
from ringback.management.rights import Role

ANNA = "anna@example.org"
NEW_PASSWORD = "another horse, another battery"


def invite(world: World, email: str = ANNA, role: Role = Role.OWNER, account: str = "acme") -> str:
    """The token of an invitation."""
    done = world.machine(lambda act: invitations.invite(act, account, email=email, role=role))
    (letter,) = done.letters
    assert (letter.to, letter.what) == (email, Purpose.INVITATION)
    return str(letter.token)


def accept(world: World, token: str, **more: Any) -> str:
    more = {"password": PASSWORD, "name": "Anna", "source": HOME} | more
    return world.now(world.door.accept(token, **more)).value


def ask_reset(world: World, email: str = ANNA, source: str = HOME) -> tuple[Letter, ...]:
    done = world.machine(lambda act: access.ask_reset(act, email=email, source=source))
    assert (done.value, list(done.changes)) == (None, [])
    return tuple(done.letters)


@contextmanager
def statements_of(found: list[str]) -> Iterator[None]:
    """Collects the statements that are executed, without their values."""

    def see(connection: Connection, cursor: Any, statement: str, *rest: Any) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", see)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", see)
