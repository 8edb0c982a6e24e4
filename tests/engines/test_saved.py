"""What is stored to end a leg, read again after a crash, whatever it has become: in memory, on
virtual time."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sip.useragents import PEER, US, Alone, request

from ringback.clock import LoopClock
from ringback.engines import saved
from ringback.engines.embedded.resumedleg import ResumedLeg
from ringback.engines.embedded.switchboard import ENGINE
from ringback.engines.simulated import run_virtual
from ringback.sip.message import Request
from ringback.sip.useragent import UserAgent
from ringback.telephony import port
from ringback.telephony.port import Cause


def _rejected() -> dict[str, Any]:
    ua = Alone()
    ua.give(request())
    call = ua.agent.next_call()
    assert call is not None
    return call.saved_rejection(486)


CALLS: dict[str, Callable[[], dict[str, Any]]] = {
    "dialog": lambda: Alone().answered()[0].saved(),
    "invite": lambda: Alone().dial()[0].saved(),
    "rejected": _rejected,
}


def document(kind: str) -> dict[str, Any]:
    """What the engine stores."""
    text = saved.write(ENGINE, "node", {"trunk": "t", **CALLS[kind]()})
    loaded: dict[str, Any] = json.loads(text)
    return loaded


class World:
    """An engine that has just what a resumed leg needs, and a network that loses everything."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.clock = LoopClock(loop, 0.0)
        self.agent = UserAgent(US, random.Random(1))
        self.ua = Alone(agent=self.agent)
        self.told: list[port.Event] = []
        self.reports: list[str] = []
        self.sent: list[str] = []
        self._of: dict[object, ResumedLeg] = {}
        self._engine = SimpleNamespace(
            chance=random.Random(2),
            public=US,
            agent=self.agent,
            trunks=SimpleNamespace(of_leg=lambda name, version: None),
            report=self.reports.append,
            now=self.clock.now,
            flush=self.flush,
            soon=loop.call_soon,
            register=self._of.__setitem__,
            forget=lambda call: self._of.pop(call, None),
        )

    def resume(self, text: str) -> None:
        leg = ResumedLeg(cast(Any, self._engine), text, lambda leg, event: self.told.append(event))
        leg.start()
        assert self.told == [], "from within a verb"

    def flush(self) -> None:
        self.sent += [
            message.method if isinstance(message, Request) else str(message.status)
            for message in self.ua.out()
        ]
        while (told := self.agent.next_event()) is not None:
            call, event = told
            if call in self._of:
                self._of[call].told(event)

    async def over(self) -> None:
        """All timers have gone off."""
        await asyncio.sleep(0)
        while (due := self.agent.next_timer()) is not None:
            await self.clock.sleep_until(due)
            self.agent.run_timers(self.clock.now())
            self.flush()
        (event,) = self.told
        assert isinstance(event, port.Ended)
        assert self.ua.idle()
        assert self._of == {}


def resume(text: str) -> World:
    async def main() -> World:
        world = World()
        world.resume(text)
        await world.over()
        return world

    return run_virtual(main())


def assert_refused(world: World, why: str = "") -> None:
    (event,) = world.told
    assert isinstance(event, port.Ended)
    assert event.ending.cause is Cause.FAILED
    assert not event.proven
    assert world.sent == [], "nothing is sent to anybody"
    (report,) = world.reports
    assert report.startswith("a leg from before the restart cannot be ended: ")
    assert why in report
    assert report.isprintable()


@pytest.mark.parametrize(
    ("kind", "sent"), [("dialog", "BYE"), ("invite", "CANCEL"), ("rejected", "486")]
)
@pytest.mark.parametrize("signed", [True, False])
def test_what_was_stored_ends_the_leg(kind: str, sent: str, *, signed: bool) -> None:
    """So does what the version before stored, which names neither engine, node nor transport."""
    stored = document(kind)
    assert (stored["engine"], stored["node"]) == (ENGINE, "node")
    if not signed:
        del stored["engine"], stored["node"]
        holder = stored.get("dialog", stored)
        holder["peer"] = [PEER.host, PEER.port]
    world = resume(json.dumps(stored))
    assert world.sent[0] == sent
    assert world.reports == []


def test_another_node_s_leg_is_ended_too() -> None:
    assert resume(json.dumps(document("dialog") | {"node": "other"})).sent[0] == "BYE"


@pytest.mark.parametrize("engine", ["asterisk", None, 7, "\x1b[2J" * 99])
def test_what_another_engine_wrote_is_not_touched(engine: object) -> None:
    assert_refused(resume(json.dumps(document("dialog") | {"engine": engine})), "the engine ")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("target", None),
        ("target", "sip:["),
        ("target", "sip:a@b\r\nVia: x"),
        ("target", 7),
        ("routes", None),
        ("routes", "none"),
        ("routes", [7, "", "<<sip:", "a\r\nb"]),
        ("peer", None),
        ("peer", ["carrier pigeon", "192.0.2.2", 1]),
        ("cseq", None),
        ("cseq", "7"),
        ("cseq", 2**31),
        ("local", '"A <sip:us@192.0.2.1>;tag={tag}'),
        ("remote", "<>;tag=theirs;x=\\"),
    ],
)
def test_a_bye_is_made_without_what_is_not_needed_for_it(place: str, value: object) -> None:
    stored = document("dialog")
    dialog = stored["dialog"]
    tag = dialog["local"].partition("tag=")[2]
    dialog[place] = value.replace("{tag}", tag) if isinstance(value, str) else value
    world = resume(json.dumps(stored))
    assert world.reports == []
    assert set(world.sent) == {"BYE"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(text=st.text() | _JSON.map(json.dumps) | st.just("[" * 100_000))
@settings(deadline=None)
def test_any_text_is_refused(text: str) -> None:
    assert_refused(resume(text))


def places(stored: object, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value within a document."""
    found = [at] if at else []
    if isinstance(stored, dict | list):
        keys = stored if isinstance(stored, dict) else range(len(stored))
        for key in keys:
            found += places(stored[key], (*at, key))
    return found


@given(kind=st.sampled_from(sorted(CALLS)), data=st.data())
@settings(max_examples=400, deadline=None)
def test_a_document_with_something_else_in_it_is_refused_or_ends_the_leg(
    kind: str, data: st.DataObject
) -> None:
    stored = document(kind)
    *way, last = data.draw(st.sampled_from(places(stored)), "place")
    inner: Any = stored
    for key in way:
        inner = inner[key]
    if data.draw(st.booleans(), "taken out"):
        del inner[last]
    else:
        inner[last] = data.draw(_JSON | st.sampled_from(["sip:[", "<>", "\r\n", 200]), "value")
    world = resume(json.dumps(stored))
    if world.reports:
        assert_refused(world)


@given(kind=st.sampled_from(sorted(CALLS)), data=st.data())
@settings(max_examples=400, deadline=None)
def test_a_document_whose_text_was_damaged_is_refused_or_ends_the_leg(
    kind: str, data: st.DataObject
) -> None:
    text = json.dumps(document(kind))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 9)))
    world = resume(text[:start] + data.draw(st.text(max_size=4)) + text[end:])
    if world.reports:
        assert_refused(world)
