"""Two uploads at once: room is taken once, and a path."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, func, select, update
from tests.management.races import ROUNDS, together
from tests.management.world import World

from ringback.faults import Faults
from ringback.management.actor import command_line
from ringback.management.sounds import changing
from ringback.management.verbs import Act
from ringback.sounds.convert import Converted
from ringback.store.models import AccountRow, SoundRow, SoundVariantRow

UPLOAD = Converted("a.wav", 1.0, 2 * 1024 * 1024)


async def _emptied(world: World) -> None:
    def work(tx: Connection) -> None:
        tx.execute(delete(SoundVariantRow))
        tx.execute(delete(SoundRow))
        limits = update(AccountRow).where(AccountRow.id == "northline")
        tx.execute(limits.values(limits={"storage_mb": 3}))

    await world.store.run(work)


def test_what_room_is_left_is_taken_once(database: str) -> None:
    async def put(world: World, prepared: Any, number: int) -> None:
        place = ("acme", "beta")[number]

        def deed(act: Act) -> object:
            return changing.put(act, place, path="/a.wav", language="en", upload=UPLOAD)

        await world.desk.run(command_line, deed)

    def check(tx: Connection) -> None:
        assert tx.execute(select(func.count()).select_from(SoundRow)).scalar() == 1

    found = together(database, _emptied, put, check)
    assert found == {"NoneType": ROUNDS, Faults.__name__: ROUNDS}


def test_one_path_has_one_sound(database: str) -> None:
    async def put(world: World, prepared: Any, number: int) -> None:
        small = replace(UPLOAD, bytes=10)
        language = ("de", "en")[number]

        def deed(act: Act) -> object:
            return changing.put(act, "acme", path="/a/b.wav", language=language, upload=small)

        await world.desk.run(command_line, deed)

    def check(tx: Connection) -> None:
        assert tx.execute(select(func.count()).select_from(SoundRow)).scalar() == 1
        assert tx.execute(select(func.count()).select_from(SoundVariantRow)).scalar() == 2

    assert together(database, _emptied, put, check) == {"NoneType": 2 * ROUNDS}
