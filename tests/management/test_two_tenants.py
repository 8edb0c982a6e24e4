"""Two tenants with the same data: whatever one of them does or asks for, nothing of the other
shows, and what is the other's is as if it were not there.

Every verb and read that the code has is tried, with the samples of the authorization tests: in this
world the ids and names of one tenant's things have its name in them, so what leaks can be seen.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import is_dataclass, replace
from typing import Any

import pytest
from tests.management import everything
from tests.management.samples import AT_PLACES, Arguments
from tests.management.world import World, add_person, add_session

from ringback.charging.decks import DeckGone
from ringback.management import history
from ringback.management.people.credentials import actor_of
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import Role
from ringback.management.verbs import Act, AtPlace, Done
from ringback.store import InlineStore

OURS, OTHERS, NOBODYS = "acme", "beta", "nowhere"
RULED = {name: deed for name, deed in everything.ruled().items() if isinstance(deed, AtPlace)}
SERVERS = [name for name in RULED if everything.is_of_the_server(RULED[name])]
"""What belongs to the server administrator: for tenants there is none of it."""
PLACED = {name: deed for name, deed in RULED.items() if name not in SERVERS}


class _Undo(Exception):
    pass


@pytest.fixture(scope="module")
def world() -> World:
    return World(InlineStore())


def sample(act: Act, name: str, tenant: str) -> tuple[str, Arguments]:
    """What a sample makes for a tenant, with ids of the tenant's own."""
    return AT_PLACES[name](replace(act, chance=random.Random(tenant)), tenant)


def _told(deed: Callable[[], object]) -> str:
    try:
        return _whole(deed())
    except (NotFound, Forbidden, ValueError, DeckGone) as refused:
        return f"{type(refused).__name__}: {refused}"


def tried(
    world: World,
    name: str,
    choose: Callable[[Act], tuple[str, Arguments]],
    told: Callable[[Callable[[], object]], str] = _told,
) -> str:
    """All that comes of a deed of our owner, or of its refusal, as text; undone afterwards."""
    found: list[str] = []

    def work(act: Act) -> None:
        subject, arguments = choose(act)
        login_id = add_person(act.tx, "me@example.org", "x", (OURS, Role.OWNER))
        actor = actor_of(act.tx, add_session(act, login_id), act.now)
        ours = replace(act, actor=actor, chance=random.Random(7))
        found.append(told(lambda: RULED[name](ours, subject, **arguments)))
        raise _Undo

    with pytest.raises(_Undo):
        world.machine(work)
    return found[0]


def _whole(value: object) -> str:
    """A value with all that is in it, also what its own `repr` leaves out."""
    if is_dataclass(value) and not isinstance(value, type):
        names = type(value).__dataclass_fields__
        parts = (f"{name}={_whole(getattr(value, name))}" for name in names)
        return f"{type(value).__name__}({', '.join(parts)})"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_whole(each)}" for key, each in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(map(_whole, value))
    return repr(str(value)) if isinstance(value, str) else repr(value)


@pytest.mark.parametrize("name", PLACED)
def test_what_one_does_shows_nothing_of_the_other(world: World, name: str) -> None:
    def alone(act: Act) -> tuple[str, Arguments]:
        return sample(act, name, OURS)

    def beside(act: Act) -> tuple[str, Arguments]:
        sample(act, name, OTHERS)
        return sample(act, name, OURS)

    found = tried(world, name, beside)
    assert OTHERS not in found.lower(), found
    assert _comparable(found) == _comparable(tried(world, name, alone))


@pytest.mark.parametrize("name", PLACED)
def test_what_is_the_others_is_as_absent(world: World, name: str) -> None:
    def theirs(act: Act) -> tuple[str, Arguments]:
        subject, _ = sample(act, name, OTHERS)
        _, arguments = sample(act, name, OURS)
        return subject, arguments

    def absent(act: Act) -> tuple[str, Arguments]:
        subject, _ = sample(act, name, OTHERS)
        _, arguments = sample(act, name, OURS)
        return _renamed(subject), arguments

    found = tried(world, name, theirs)
    assert found.startswith("NotFound: there is no such "), found
    assert found == tried(world, name, absent)


@pytest.mark.parametrize("name", PLACED)
def test_to_name_what_is_the_others_is_to_name_nothing(world: World, name: str) -> None:
    """Our own account, and whatever else the request names is the other tenant's."""

    def theirs(act: Act) -> tuple[str, Arguments]:
        subject, _ = sample(act, name, OURS)
        _, arguments = sample(act, name, OTHERS)
        return subject, arguments

    def absent(act: Act) -> tuple[str, Arguments]:
        subject, arguments = theirs(act)
        return subject, _renamed(arguments)

    found, expected = tried(world, name, theirs), tried(world, name, absent)
    assert _comparable(found).replace(OTHERS, NOBODYS) == _comparable(expected)


@pytest.mark.parametrize("name", SERVERS)
def test_what_is_the_servers_is_as_absent_for_tenants(world: World, name: str) -> None:
    def there(act: Act) -> tuple[str, Arguments]:
        return sample(act, name, OURS)

    def absent(act: Act) -> tuple[str, Arguments]:
        subject, arguments = there(act)
        return subject[::-1], arguments

    found = tried(world, name, there)
    assert found.startswith("NotFound: there is no such "), found
    assert found == tried(world, name, absent)


def _comparable(text: str) -> str:
    """Without the numbers of rows, which count for all tenants: faces seal them in cursors."""
    return re.sub(r"number=[0-9]+", "number=", text)


_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _renamed(value: Any) -> Any:
    if isinstance(value, str):
        return value[::-1] if _UUID.fullmatch(value) else value.replace(OTHERS, NOBODYS)
    if isinstance(value, Mapping):
        return {key: _renamed(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_renamed, value))
    return value


@pytest.mark.parametrize("name", PLACED)
def test_what_is_told_of_a_change_names_nothing_above(world: World, name: str) -> None:
    """Neither what a command prints of it, nor a refusal, writes the path of the provider."""

    def lines(deed: Callable[[], object]) -> str:
        try:
            done = deed()
        except (NotFound, Forbidden, ValueError, DeckGone) as refused:
            return str(refused)
        changes = done.changes if isinstance(done, Done) else ()
        return "\n".join(line for change in changes for line in change.lines())

    told = tried(world, name, lambda act: sample(act, name, OURS), lines)
    assert "northline" not in told, told


@pytest.mark.parametrize("name", PLACED)
def test_what_is_written_down_of_a_change_from_above_names_nothing_there(
    world: World, name: str
) -> None:
    """The audit log that a tenant reads, of what its provider has done."""
    found: list[str] = []

    def work(act: Act) -> None:
        subject, arguments = sample(act, name, OURS)
        above = add_person(act.tx, "boss@provider.example", "x", ("northline", Role.OWNER))
        below = add_person(act.tx, "me@example.org", "x", (OURS, Role.READER))
        provider, reader = (
            replace(act, actor=actor_of(act.tx, add_session(act, login_id), act.now))
            for login_id in (above, below)
        )
        before = len(history.changes(reader, OURS))
        _told(lambda: RULED[name](provider, subject, **arguments))
        with suppress(NotFound):  # the deed was to delete the account
            written = history.changes(reader, OURS)
            found.append(_whole(written[: len(written) - before]))
        raise _Undo

    with pytest.raises(_Undo):
        world.machine(work)
    assert "northline" not in "".join(found) and "provider.example" not in "".join(found), found
