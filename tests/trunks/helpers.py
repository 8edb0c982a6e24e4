"""Shorthands for trunks and routes in a store."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection

from ringback.accounts.foundation import lay_foundation
from ringback.accounts.sealing import trunk_sealer
from ringback.accounts.secrets import Secrets
from ringback.changes import Altered
from ringback.documents import given, merged, read_document
from ringback.faults import Faults
from ringback.store import Store
from ringback.telephony.trunks import Trunk
from ringback.trunks import routeverbs, trunkverbs
from ringback.trunks.entries import TrunkEntry, contradictions
from ringback.trunks.stored import load, opened
from ringback.trunks.trunk import effective, trunk_of

T = TypeVar("T")
NOW = 1_800_000_000.0
SECRETS = Secrets(b"k" * 32)
SEALER = trunk_sealer(SECRETS)


class Desk:
    """Someone who changes trunks and routes of a store; ids are `id-1`, `id-2`, ..."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._numbers = itertools.count(1)
        self.run(lambda tx: lay_foundation(tx, SECRETS, "GBP", "GB", NOW, random.Random(1)))

    def run(self, work: Callable[[Connection], T]) -> T:
        return asyncio.run(self.store.run(work))

    def new_id(self) -> str:
        return f"id-{next(self._numbers)}"

    def put(self, name: str, /, now: float = NOW, **values: Any) -> Altered | None:
        id_, said = self.new_id(), {"name": name, **values}
        return self.run(lambda tx: trunkverbs.put_trunk(tx, said, now, SEALER, id_))

    def change(self, name: str, /, now: float = NOW, **values: Any) -> Altered | None:
        id_, version = self.trunks()[name].id, self.new_id()
        return self.run(lambda tx: trunkverbs.change_trunk(tx, id_, values, now, SEALER, version))

    def remove(self, name: str, now: float = NOW) -> Altered:
        id_ = self.trunks()[name].id
        return self.run(lambda tx: trunkverbs.remove_trunk(tx, id_, now, SEALER))

    def route(self, prefix: str = "", **values: Any) -> Altered | None:
        id_, said = self.new_id(), {"prefix": prefix, **values}
        return self.run(lambda tx: routeverbs.put_route(tx, said, id_))

    def trunks(self) -> dict[str, Trunk]:
        found = opened(asyncio.run(self.store.read(load)), SEALER)
        assert found.troubles == []
        return {trunk.name: trunk for trunk in found.trunks}


def trunk(**values: Any) -> Trunk:
    """The trunk of an entry, as if it had been stored. Raises Faults."""
    said = given(read_document(TrunkEntry, {"name": "t", **values}))
    password, cost_plan = said.pop("password", None), said.pop("cost_plan", None)
    name = said.pop("name")
    settings = merged({}, said)
    faults = contradictions(effective(settings), has_password=password is not None)
    if faults:
        raise Faults(faults)
    return trunk_of(name, settings, password=password, cost_plan=cost_plan)


def faults(work: Callable[[], object]) -> list[str]:
    """What is found wrong."""
    try:
        work()
    except Faults as found:
        return [str(fault) for fault in found.found]
    return []
