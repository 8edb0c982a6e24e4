"""Trunks and routes are added, changed and removed, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, text, update
from tests.trunks.helpers import NOW, SEALER, Desk, faults

from ringback.accounts.sealing import trunk_sealer
from ringback.accounts.secrets import Secrets
from ringback.changes import NoSuch
from ringback.store import Store
from ringback.store.models import (
    AccountRow,
    LegRow,
    PlanRow,
    SessionRow,
)
from ringback.telephony.trunks import Route
from ringback.trunks import routeverbs, trunkverbs
from ringback.trunks.stored import (
    AFTERMATH_SECONDS,
    former_trunks,
    has_former,
    load,
    load_former,
    opened,
    sweep_former,
)


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    yield Desk(store)


def test_a_trunk_comes_to_be_and_the_same_again_changes_nothing(desk: Desk) -> None:
    said: dict[str, Any] = {"host": "sip.example.net", "country": "GB", "channels": 30}
    change = desk.put("london-1", **said)
    assert change is not None
    assert (change.kind, change.action, change.name) == ("trunk", "created", "london-1")
    assert list(change.lines()) == ["created trunk london-1"]
    assert desk.put("london-1", **said) is None
    made = desk.trunks()["london-1"]
    assert (made.host, made.channels, made.called.country) == ("sip.example.net", 30, "GB")
    assert made.id == made.version == change.id


def test_what_is_left_out_stays_and_null_is_the_default(desk: Desk) -> None:
    desk.put("t", host="h", port=5080, user="u", password="secret", trust_pai=True)
    change = desk.put("t", port=None, channels=5)
    assert change is not None
    assert list(change.lines()) == ["trunk t: channels none -> 5", "trunk t: port 5080 -> none"]
    made = desk.trunks()["t"]
    assert (made.port, made.channels, made.trust_pai) == (5060, 5, True)
    assert (made.user, made.password) == ("u", "secret")


def test_a_contradiction_is_judged_on_the_result(desk: Desk) -> None:
    desk.put("t", host="h", user="u", password="secret", register=True)
    assert faults(lambda: desk.put("t", user=None)) == [
        "register: needs user and password",
        "user: user and password go together",
    ]
    assert desk.trunks()["t"].user == "u", "nothing has changed"
    assert desk.put("t", user=None, password=None, register=None) is not None
    assert desk.put("t", strip=2, plus=False, country="GB") is not None
    assert faults(lambda: desk.put("t", country=None)) == [
        "strip: needs country, whose numbers are to be shortened"
    ]


def test_a_password_is_sealed_told_by_name_only_and_kept(desk: Desk) -> None:
    created = desk.put("t", host="h", user="u", password="hush-1")
    changed = desk.put("t", password="hush-2")
    assert created is not None and changed is not None
    assert list(changed.lines()) == ["trunk t: password changed"]
    assert (changed.fields, changed.secrets) == ({}, {"password": "changed"})
    assert "hush" not in repr(created) + repr(changed)
    assert desk.put("t", password="hush-2") is None
    rows = desk.run(lambda tx: tx.execute(text("SELECT * FROM trunks")).all())
    assert "hush" not in repr(rows)
    assert desk.trunks()["t"].password == "hush-2"
    taken = desk.put("t", user=None, password=None)
    assert taken is not None and list(taken.lines())[-1] == "trunk t: password taken off"


def test_a_password_of_another_key_is_none_until_it_is_set_anew(desk: Desk) -> None:
    desk.put("t", host="h", user="u", password="secret", register=True)
    other = trunk_sealer(Secrets(b"o" * 32))
    stored = asyncio.run(desk.store.read(load))
    found = opened(stored, other)
    assert found.trunks[0].password is None
    assert found.troubles == [
        "trunk t: its password was stored with another key: set it anew: ringback trunks change t "
        "password=-"
    ]

    (id_,) = (each.id for each in found.trunks)

    def anew(tx: Connection) -> object:
        said = {"password": "new"}
        return trunkverbs.change_trunk(tx, id_, said, NOW, other, "v-2")

    assert desk.run(anew) is not None
    assert opened(asyncio.run(desk.store.read(load)), other).trunks[0].password == "new"


def test_a_name_can_be_changed_and_is_there_once(desk: Desk) -> None:
    desk.put("one", host="h")
    desk.put("two", host="h")
    desk.route("", trunks=["one"])
    id_ = desk.trunks()["one"].id
    assert faults(lambda: desk.change("one", name="two")) == [
        "name: there is a trunk 'two' already: choose another name"
    ]
    change = desk.change("one", name="three")
    assert change is not None and list(change.lines()) == ["trunk three: name one -> three"]
    assert sorted(desk.trunks()) == ["three", "two"]
    assert desk.trunks()["three"].id == id_
    assert routes(desk) == [Route("", ("three",))]
    with pytest.raises(NoSuch):
        desk.run(lambda tx: trunkverbs.change_trunk(tx, "one", {}, NOW, SEALER, "v"))
    with pytest.raises(NoSuch):
        desk.run(lambda tx: trunkverbs.remove_trunk(tx, "one", NOW, SEALER))


def test_a_cost_plan_is_one_of_the_server_administrators(desk: Desk) -> None:
    assert faults(lambda: desk.put("t", host="h", cost_plan="buying")) == [
        "cost_plan: the server administrator has no plan 'buying': make it first, under plans of "
        "the setup file"
    ]
    plan(desk, "buying")
    desk.put("t", host="h", cost_plan="buying")
    assert desk.trunks()["t"].cost_plan == "buying"
    desk.run(lambda tx: tx.execute(update(PlanRow).values(name="bought")))
    assert desk.trunks()["t"].cost_plan == "bought", "it is the plan, not its name"
    desk.put("t", cost_plan=None)
    assert desk.trunks()["t"].cost_plan is None


def plan(desk: Desk, name: str) -> None:
    def make(tx: Connection) -> None:
        top = tx.execute(select(AccountRow.id)).scalar_one()
        tx.execute(
            insert(PlanRow),
            {"id": f"plan-{name}", "account_id": top, "name": name, "kind": "prepaid"}
            | {"limit": Decimal(0), "special_prefixes": [], "packages": []},
        )

    desk.run(make)


# What calls of before need


def test_only_what_the_far_end_notices_makes_another_version(desk: Desk) -> None:
    desk.put("t", host="h", user="u", password="secret")
    first = desk.trunks()["t"].version
    for unnoticed in ({"channels": 3}, {"country": "GB"}, {"codecs": ["PCMU"]}):
        desk.put("t", **unnoticed)
    assert desk.trunks()["t"].version == first
    assert not desk.run(has_former)
    seen = {first}
    for noticed in (
        {"host": "other"},
        {"port": 5080},
        {"sources": ["192.0.2.1"]},
        {"password": "new"},
        {"user": "v"},
        {"register": True},
        {"name": "renamed"},
    ):
        desk.change("t", NOW + len(seen), **noticed)
        seen.add(next(iter(desk.trunks().values())).version)
    assert len(seen) == 8
    former = former_trunks(desk.run(load_former), SEALER)
    assert [trunk.host for trunk in former] == ["h", *["other"] * 6]
    assert [trunk.password for trunk in former[:5]] == [*["secret"] * 4, "new"]
    assert {trunk.version for trunk in former} | {desk.trunks()["renamed"].version} == seen


def test_a_trunk_that_is_removed_is_kept_until_nothing_more_comes(desk: Desk) -> None:
    desk.put("t", host="h", user="u", password="secret")
    leg(desk, "t")
    desk.remove("t", NOW + 10)
    assert desk.trunks() == {}
    (former,) = former_trunks(desk.run(load_former), SEALER)
    assert (former.name, former.password) == ("t", "secret")
    for hour in range(1, 4):
        desk.run(lambda tx, hour=hour: sweep_former(tx, NOW + hour * 3600))  # type: ignore[misc]
        assert desk.run(has_former), "its leg is not over"
    over = NOW + 3 * 3600
    desk.run(lambda tx: tx.execute(update(LegRow).values(ended=over)))
    desk.run(lambda tx: sweep_former(tx, over + AFTERMATH_SECONDS - 1))
    assert desk.run(has_former), "something may still come of it"
    desk.run(lambda tx: sweep_former(tx, over + AFTERMATH_SECONDS + 1))
    assert not desk.run(has_former)


def test_legs_of_the_trunk_of_now_keep_nothing_of_before(desk: Desk) -> None:
    desk.put("t", host="h")
    desk.put("t", host="other")
    leg(desk, "t", started=NOW + 3600)
    desk.run(lambda tx: sweep_former(tx, NOW + 3700))
    assert not desk.run(has_former)


def leg(desk: Desk, trunk: str, started: float = NOW) -> None:
    """One that is not over."""
    session = {"id": "s", "stage": "conversation", "started": started, "attempts": 1, "repeated": 0}
    row = {
        "id": "l",
        "session_id": "s",
        "leg": "B",
        **dict.fromkeys(("received", "e164", "dialled"), "+442079460000"),
        "trunk": trunk,
        "started": started,
        "saved": "",
    }

    def make(tx: Connection) -> None:
        tx.execute(insert(SessionRow), {**session, "proven": True})
        tx.execute(insert(LegRow), row)

    desk.run(make)


# Routes


def routes(desk: Desk) -> list[Route]:
    return opened(asyncio.run(desk.store.read(load)), SEALER).routes


def test_a_route_comes_changes_and_goes(desk: Desk) -> None:
    for name in ("a", "b", "c"):
        desk.put(name, host="h")
    created = desk.route("44", trunks=["b", "a"], weights=[3, 1])
    assert created is not None and list(created.lines()) == ["created route 44"]
    assert desk.route("44", trunks=["b", "a"], weights=[3, 1]) is None
    assert desk.route("44") is None
    assert routes(desk) == [Route("44", ("b", "a"), (3, 1))]
    changed = desk.route("44", weights=None, trunks=["c"])
    assert changed is not None
    assert list(changed.lines()) == [
        'route 44: trunks ["b", "a"] -> ["c"]',
        "route 44: weights [3, 1] -> none",
    ]
    every = desk.route("", trunks=["a", "b"])
    assert every is not None
    assert routes(desk) == [Route("", ("a", "b")), Route("44", ("c",))]
    moved = desk.run(lambda tx: routeverbs.change_route(tx, created.id, {"prefix": "4420"}))
    assert moved is not None and list(moved.lines()) == ["route 4420: prefix 44 -> 4420"]
    removed = desk.run(lambda tx: routeverbs.remove_route(tx, every.id))
    assert list(removed.lines()) == ['deleted route ""']
    assert routes(desk) == [Route("4420", ("c",))]
    with pytest.raises(NoSuch):
        desk.run(lambda tx: routeverbs.remove_route(tx, every.id))


def test_a_route_names_trunks_that_there_are(desk: Desk) -> None:
    desk.put("a", host="h")
    assert faults(lambda: desk.route("44")) == ["trunks: is required"]
    assert faults(lambda: desk.route("44", trunks=["a", "x"])) == [
        "trunks: there is no trunk 'x': add it, or check its spelling"
    ]
    assert faults(lambda: desk.route("44", trunks=["a"], weights=[1, 2])) == [
        "weights: must have one number for each of the trunks"
    ]
    made = desk.route("44", trunks=["a"])
    assert made is not None
    desk.route("33", trunks=["a"])
    assert faults(
        lambda: desk.run(lambda tx: routeverbs.change_route(tx, made.id, {"prefix": "33"}))
    ) == ["prefix: there is a route with the prefix '33' already"]
    assert faults(lambda: desk.remove("a")) == [
        "routes: 33, 44 name it: take it out of there first"
    ]
