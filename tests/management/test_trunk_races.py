"""Two at once who change trunks and routes, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, select
from tests.management.races import ROUNDS, by_machine, together
from tests.management.samples import add_route, add_trunk
from tests.management.world import SECRETS, World

from ringback.accounts.sealing import trunk_sealer
from ringback.management import places, routes, trunks
from ringback.management.verbs import Act
from ringback.store.models import AuditRow
from ringback.trunks.stored import Opened, load, opened

Deed = Callable[[Act], object]


class Race:
    """Trunks `t` and a route `44` over it, made anew for each round, on which two set out."""

    def __init__(self, *, route: bool = True) -> None:
        self.after: list[Opened] = []
        """What there was after each round."""
        self.told: list[list[str]] = []
        """Each name of a trunk that was changed: from what to what."""
        self._route = route
        self.trunk_id = self.route_id = ""

    def run(self, database: str, one: Deed, other: Deed) -> dict[str, int]:
        deeds = (one, other)

        async def prepare(world: World) -> None:
            await by_machine(world, self._make)

        def deed(world: World, prepared: None, number: int) -> Any:
            return by_machine(world, deeds[number])

        return dict(together(database, prepare, deed, self._look))

    def _make(self, act: Act) -> None:
        for each in routes.routes(act, places.top(act.tx)):
            routes.remove(act, each["id"])
        for each in trunks.trunks(act, places.top(act.tx)):
            trunks.remove(act, each["id"])
        self.trunk_id = add_trunk(act, "t")
        self.route_id = add_route(act, "44", "t") if self._route else ""

    def _look(self, tx: Connection) -> None:
        self.after.append(opened(load(tx), trunk_sealer(SECRETS)))
        query = (
            select(AuditRow.fields)
            .where(AuditRow.subject_id == self.trunk_id, AuditRow.action == "updated")
            .order_by(AuditRow.number)
        )
        self.told += [fields["name"] for fields in tx.execute(query).scalars() if "name" in fields]

    def change(self, **values: Any) -> Deed:
        return lambda act: trunks.change(act, self.trunk_id, values=values)

    def change_route(self, **values: Any) -> Deed:
        return lambda act: routes.change(act, self.route_id, values=values)

    def remove(self, act: Act) -> object:
        return trunks.remove(act, self.trunk_id)


def test_two_people_change_one_trunk_and_both_changes_hold(database: str) -> None:
    race = Race()
    found = race.run(database, race.change(port=5080), race.change(channels=7))
    assert found == {"Done": 2 * ROUNDS}
    for after in race.after:
        (trunk,) = after.trunks
        assert (trunk.port, trunk.channels) == (5080, 7)


def test_each_of_two_names_is_told_as_it_came(database: str) -> None:
    race = Race()
    assert race.run(database, race.change(name="a"), race.change(name="b")) == {"Done": 2 * ROUNDS}
    for number, after in enumerate(race.after):
        first, second = race.told[2 * number : 2 * number + 2]
        assert first[0] == "t"
        assert second == [first[1], after.trunks[0].name]


def test_a_trunk_is_renamed_while_a_route_over_it_changes(database: str) -> None:
    race = Race()
    found = race.run(database, race.change(name="u"), race.change_route(prefix="4420"))
    assert found == {"Done": 2 * ROUNDS}
    for after in race.after:
        assert [(each.prefix, each.trunks) for each in after.routes] == [("4420", ("u",))]


def test_a_trunk_is_renamed_while_a_route_names_it(database: str) -> None:
    """Whichever was first: the route goes over it, under its new name."""
    race = Race()
    found = race.run(database, race.change(name="u"), race.change_route(trunks=["t"], weights=[3]))
    assert found["Done"] + found.get("Faults", 0) == 2 * ROUNDS
    assert found["Done"] >= ROUNDS
    for after in race.after:
        assert [each.trunks for each in after.routes] == [("u",)]


def test_a_trunk_is_removed_while_a_route_is_to_name_it(database: str) -> None:
    race = Race(route=False)
    found = race.run(database, race.remove, lambda act: add_route(act, "44", "t"))
    assert found.get("Done", 0) + found.get("str", 0) == found["Faults"] == ROUNDS
    for after in race.after:
        named = {name for each in after.routes for name in each.trunks}
        assert named == {trunk.name for trunk in after.trunks}


def test_a_trunk_is_removed_by_one_of_two(database: str) -> None:
    race = Race(route=False)
    assert race.run(database, race.remove, race.remove) == {"Done": ROUNDS, "NotFound": ROUNDS}


@pytest.mark.parametrize("what", ["trunk", "route"])
def test_two_add_the_same(database: str, what: str) -> None:
    race = Race(route=False)
    added: Deed = (
        (lambda act: add_trunk(act, "new"))
        if what == "trunk"
        else lambda act: add_route(act, trunk="t")
    )
    assert race.run(database, added, added) == {"str": ROUNDS, "Faults": ROUNDS}
