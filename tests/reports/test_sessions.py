"""Who sees what of a session: what accounts above pay or earn, and trunks, are not for those
below."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, insert
from tests.management.world import NOW, World, add_caller_id

from ringback.calls.chronicle import append
from ringback.calls.events import NumberRefused, SessionEvent
from ringback.management.refusals import NotFound
from ringback.management.rights import Role
from ringback.reports.sessions import sessions
from ringback.store import Store
from ringback.store.models import ChargeRow, LegRow, SessionRow

PAYERS = ("ledger-acme-travellers+447700900123", "ledger-acme", "ledger-northline", "ledger-admin")


def call(tx: Connection, extension: str) -> None:
    """A session on an extension, paid by a callerID and by three levels."""
    caller_id = add_caller_id(tx, extension)
    session = f"session-{extension}"
    row: dict[str, Any] = {
        "id": session,
        "extension_id": extension,
        "caller": "+447700900123",
        "caller_id": caller_id,
        "outcome": "completed",
        "stage": "conversation",
        "started": NOW,
        "ended": NOW + 60,
        "proven": True,
        "repeated": 0,
        "attempts": 1,
    }
    tx.execute(insert(SessionRow), row)
    leg: dict[str, Any] = {
        "id": f"leg-{extension}",
        "session_id": session,
        "leg": "A",
        "received": "+447700900123",
        "e164": "+447700900123",
        "dialled": "9900447700900123",
        "trunk": "secret-carrier",
        "started": NOW,
        "answered": NOW,
        "ended": NOW + 60,
        "billed_seconds": 60,
        "saved": "",
    }
    tx.execute(insert(LegRow), leg)
    if extension == "acme-travellers":
        for number, ledger_id in enumerate(PAYERS):
            charge = {
                "leg_id": leg["id"],
                "ledger_id": ledger_id,
                "payer": ledger_id.removeprefix("ledger-"),
                "amount": Decimal(4 - number),
                "income": Decimal(5 - number) if number else None,
                "explanation": "x",
            }
            tx.execute(insert(ChargeRow), charge)
        refused = NumberRefused("+33123456789", "northline: the plan 'wholesale' has no rate")
        append(tx, "node", SessionEvent(session, NOW, refused))


@pytest.fixture
def world(store: Store) -> World:
    world = World(store)
    for extension in ("acme-travellers", "beta-travellers"):
        world.now(store.run(partial(call, extension=extension)))
    return world


def seen(world: World, role: Role, account: str) -> list[dict[str, Any]]:
    email = f"{role}@{account}.example"
    world.person(email, (account, role))
    return world.do(world.sign_in(email), lambda act: sessions(act, account))


@pytest.mark.parametrize(
    ("role", "account", "payers"),
    [
        (Role.OPERATOR, "acme-travellers", ["caller_id"]),
        (Role.OPERATOR, "acme", ["caller_id"]),
        (Role.READER, "acme", ["caller_id", "organization"]),
        (Role.OWNER, "northline", ["caller_id", "organization", "provider"]),
        (Role.READER, "admin", ["caller_id", "organization", "provider", "administrator"]),
    ],
)
def test_charges_of_payers_at_and_below(
    world: World, role: Role, account: str, payers: list[str]
) -> None:
    found = {each["id"]: each for each in seen(world, role, account)}
    session = found["session-acme-travellers"]
    (leg,) = session["legs"]
    assert [charge["level"] for charge in leg["charges"]] == payers
    assert ("session-beta-travellers" in found) == (account in ("northline", "admin"))
    if account == "admin":
        assert (leg["trunk"], leg["number"]["dialled"]) == ("secret-carrier", "9900447700900123")
        assert "wholesale" in session["refusals"][0]["reason"]
    else:
        told = str(session)
        for hidden in ("secret-carrier", "9900", "wholesale"):
            assert hidden not in told


def test_in_view_of_an_account_one_sees_as_it_does(world: World) -> None:
    world.person("boss@admin.example", ("admin", Role.OWNER))
    signed_in = world.sign_in("boss@admin.example")
    found = world.do(signed_in, lambda act: sessions(act, "acme"), view="acme")
    assert "secret-carrier" not in str(found)
    assert [charge["level"] for charge in found[0]["legs"][0]["charges"]] == [
        "caller_id",
        "organization",
    ]
    with pytest.raises(NotFound):
        world.do(signed_in, lambda act: sessions(act, "beta"), view="acme")


def test_pages_go_on_where_the_last_ended(world: World) -> None:
    def page(after: str | None) -> list[str]:
        found = world.machine(lambda act: sessions(act, "admin", after=after, limit=1))
        return [each["id"] for each in found]

    assert page(None) + page("session-acme-travellers") == [
        "session-acme-travellers",
        "session-beta-travellers",
    ]
    assert page("session-beta-travellers") == []
