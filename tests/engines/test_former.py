"""What the engine keeps of trunks that were changed, renamed or removed, over a restart, too (spec
section 5: a trunk's sources and password stay in use until its last leg and its recovery are over).
On virtual time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.engines.test_trunks import HOST, World, run

from ringback.engines.embedded.peer import credentials_of
from ringback.engines.embedded.trunks import AFTERMATH_SECONDS, Trunks
from ringback.sip.calls import Credentials
from ringback.sip.hop import Hop
from ringback.telephony.trunks import Trunk, TrunkTable, trunks_ever

NOW = Trunk(
    name="t",
    host="moved.example",
    port=5070,
    register=True,
    user="us",
    password="new",
    id="1",
    version="v2",
)
THEN = replace(NOW, host="trunk.example", password="old", version="v1")
THERE = Hop("udp", HOST, 5070)


class Restarted(World):
    """A server that has started again since the trunk was changed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *trunks: Trunk) -> None:
        super().__init__(monkeypatch)
        self.names["moved.example"] = ["192.0.2.7"]
        self.table = TrunkTable(trunks, (), [THEN])
        layers = self.agent.layers
        self.trunks = Trunks(self.table, layers, self.flush, self.clock, self.reports.append)


def restarted(monkeypatch: pytest.MonkeyPatch, *trunks: Trunk) -> Restarted:
    return Restarted(monkeypatch, *trunks)


@pytest.mark.parametrize("trunks", [(NOW,), ()], ids=["changed", "removed"])
def test_a_leg_of_before_a_restart_has_the_trunk_that_it_began_on(
    monkeypatch: pytest.MonkeyPatch, trunks: tuple[Trunk, ...]
) -> None:
    async def test(world: World) -> None:
        world = restarted(monkeypatch, *trunks)
        await world.trunks.start()
        state = world.trunks.of_leg("t", "v1")
        assert state is not None and state.hosts == (HOST,)
        assert credentials_of(state.trunk) == Credentials("us", "old")
        assert trunks_ever(world.table)["t"] == (NOW if trunks else THEN)
        state.leg_began()
        await world.at(500.0)
        assert world.trunks.knows(THERE), "its BYE may be answered, and its far end may send one"
        assert world.trunks.of_source(THERE) is None, "no new call comes from there"
        assert all(peer.host != HOST for _, _, peer in world.sent), "it is asked nothing more"
        state.leg_ended()
        await world.at(500.0 + AFTERMATH_SECONDS + 1.0)
        assert not world.trunks.knows(THERE)
        world.trunks.close()

    run(monkeypatch, test)


def test_without_a_leg_it_is_forgotten_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        world = restarted(monkeypatch, NOW)
        await world.trunks.start()
        await world.at(AFTERMATH_SECONDS + 1.0)
        assert not world.trunks.knows(THERE)
        assert world.trunks.of_leg("t", "v1") is world.trunks["t"], "as near as can be"
        assert world.trunks.of_leg("u", "v1") is None
        assert world.trunks.of_leg("t", "") is world.trunks["t"], "what an older Ringback stored"
        world.trunks.close()

    run(monkeypatch, test)


def test_a_new_name_asks_nothing_anew_and_keeps_the_channels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(world: World) -> None:
        await world.trunks.start()
        await world.at(10.0)
        world.trunks["t"].channels += 1
        world.trunks["t"].leg_began()
        before = len(world.sent)
        renamed = replace(THEN, name="renamed", channels=2, version="v2")
        world.table.replace([renamed], [])
        await world.at(20.0)
        assert len(world.sent) == before, "nothing was taken back, and nothing registered anew"
        assert world.trunks.usable("renamed") and not world.trunks.usable("t")
        world.trunks["renamed"].channels += 1
        assert not world.trunks.usable("renamed"), "the call of before has a channel"
        world.silent.add(HOST)
        await world.at(200.0)
        assert "trunk renamed (trunk.example:5070) is down" in " ".join(world.reports)
        world.trunks.close()

    run(monkeypatch, test, replace(THEN, channels=2))


def test_two_trunks_that_swap_their_names_stay_who_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = replace(THEN, name="u", host="moved.example", id="2", version="w1")

    async def test(world: World) -> None:
        world.names["moved.example"] = ["192.0.2.7"]
        await world.trunks.start()
        await world.at(10.0)
        before = len(world.sent)
        swapped = replace(THEN, name="u", version="v2"), replace(other, name="t", version="w2")
        world.table.replace(swapped, [])
        await world.at(20.0)
        assert len(world.sent) == before
        assert world.trunks["u"].hosts == (HOST,)
        assert world.trunks["t"].hosts == ("192.0.2.7",)
        world.trunks.close()

    run(monkeypatch, test, THEN, other)


def test_another_trunk_of_the_same_name_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        await world.trunks.start()
        await world.at(10.0)
        world.table.replace([replace(THEN, id="2", version="w1")], [])
        await world.at(20.0)
        registers = [sent for _, sent, _ in world.sent if sent.method == "REGISTER"]
        assert [sent.headers.get("expires") for sent in registers] == ["300", "0", "300"]
        assert world.trunks.usable("t")
        world.trunks.close()

    run(monkeypatch, test, THEN)
