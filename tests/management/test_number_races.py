"""Two at once: a number leads to one extension, and is not led away from under who hands it down;
two changes of one setup both stay, or the second is judged on the result of the first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update
from tests.management.extension_samples import add_number
from tests.management.races import ROUNDS, by_machine, together
from tests.management.world import World

from ringback.accounts import numbers
from ringback.faults import Faults
from ringback.management.extensions import extensions, setups
from ringback.management.numbers import holding, leading
from ringback.management.verbs import Act
from ringback.store.models import AccessNumberRow, ExtensionRow

ONE = "+442071838750"
SHOWN = {"caller_id_number": {"set_by": "user", "value": ONE}}


async def fresh(world: World) -> None:
    """The number is acme's, and nothing is set up."""

    def work(act: Act) -> None:
        act.tx.execute(update(ExtensionRow).values(callback={}, password_mac=None))
        if numbers.find(act.tx, ONE) is None:
            add_number(act, "acme", ONE)
        numbers.change(act.tx, ONE, account_id="acme", extension_id=None)

    await by_machine(world, work)


def state(tx: Connection) -> Any:
    query = select(AccessNumberRow.account_id, AccessNumberRow.extension_id)
    return tx.execute(query.where(AccessNumberRow.number == ONE)).one()


def test_one_of_two_extensions_claims_a_number(database: str) -> None:
    found: list[Any] = []

    def claim(world: World, prepared: None, number: int) -> Any:
        extension = ("acme-travellers", "anna-phones")[number]
        values = {"access_numbers": [ONE]}
        return by_machine(world, lambda act: extensions.change(act, extension, values=values))

    outcomes = together(database, fresh, claim, lambda tx: found.append(state(tx).extension_id))
    assert outcomes == {"Done": ROUNDS, Faults.__name__: ROUNDS}
    assert set(found) <= {"acme-travellers", "anna-phones"}


def test_a_number_is_handed_down_while_it_is_led(database: str) -> None:
    found: list[Any] = []

    def deed(world: World, prepared: None, number: int) -> Any:
        if number:
            return by_machine(world, lambda act: holding.hand(act, ONE, account_id="anna"))
        return by_machine(world, lambda act: leading.lead(act, ONE, extension_id="acme-travellers"))

    outcomes = together(database, fresh, deed, lambda tx: found.append(tuple(state(tx))))
    assert outcomes == {"Done": ROUNDS, Faults.__name__: ROUNDS}
    assert set(found) <= {("anna", None), ("acme", "acme-travellers")}


def test_a_number_is_handed_away_while_it_is_to_be_shown(database: str) -> None:
    found: list[Any] = []

    def deed(world: World, prepared: None, number: int) -> Any:
        if number:
            return by_machine(world, lambda act: holding.hand(act, ONE, account_id="anna"))
        return by_machine(world, lambda act: setups.change(act, "acme-travellers", values=SHOWN))

    def check(tx: Connection) -> None:
        query = select(ExtensionRow.callback).where(ExtensionRow.id == "acme-travellers")
        found.append((state(tx).account_id, "caller_id_number" in tx.execute(query).scalar_one()))

    outcomes = together(database, fresh, deed, check)
    assert outcomes == {"Done": ROUNDS, Faults.__name__: ROUNDS}
    assert set(found) <= {("anna", False), ("acme", True)}


def test_one_number_is_added_once(database: str) -> None:
    async def gone(world: World) -> None:
        await by_machine(world, lambda act: numbers.remove(act.tx, ONE))

    def add(world: World, prepared: None, number: int) -> Any:
        account = ("acme", "beta")[number]
        return by_machine(world, lambda act: holding.add(act, account, values={"number": ONE}))

    outcomes = together(database, gone, add, lambda tx: None)
    assert outcomes == {"Done": ROUNDS, Faults.__name__: ROUNDS}


def test_one_name_is_given_once(database: str) -> None:
    names = iter(f"sales {n}" for n in range(ROUNDS))

    async def prepare(world: World) -> str:
        return next(names)

    def create(world: World, name: str, number: int) -> Any:
        return by_machine(world, lambda act: extensions.create(act, "acme", values={"name": name}))

    outcomes = together(database, prepare, create, lambda tx: None)
    assert outcomes == {"Done": ROUNDS, Faults.__name__: ROUNDS}


def setup(tx: Connection) -> dict[str, Any]:
    query = select(ExtensionRow.callback).where(ExtensionRow.id == "acme-travellers")
    return dict(tx.execute(query).scalar_one())


def test_two_change_one_setup(database: str) -> None:
    found: list[Any] = []

    def change(world: World, prepared: None, number: int) -> Any:
        values = {("attempts", "ring_seconds")[number]: 7}
        return by_machine(world, lambda act: setups.change(act, "acme-travellers", values=values))

    outcomes = together(database, fresh, change, lambda tx: found.append(setup(tx)))
    assert outcomes == {"Done": 2 * ROUNDS}
    assert found == [{"attempts": 7, "ring_seconds": 7}] * ROUNDS


def test_the_second_of_two_is_judged_on_the_result_of_the_first(database: str) -> None:
    async def with_both(world: World) -> None:
        await fresh(world)
        values = {"return_calls": "caller", "password": "0042", "require_caller_pin": True}
        await by_machine(world, lambda act: setups.change(act, "acme-travellers", values=values))

    def change(world: World, prepared: None, number: int) -> Any:
        values = ({"password": None}, {"require_caller_pin": False})[number]
        return by_machine(world, lambda act: setups.change(act, "acme-travellers", values=values))

    outcomes = together(database, with_both, change, lambda tx: None)
    assert outcomes == {"Done": ROUNDS, Faults.__name__: ROUNDS}
