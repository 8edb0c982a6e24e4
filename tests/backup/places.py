"""A server's place with something of everything in it, calls that are open among it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, insert, select
from tests.accounts.helpers import Place as Setup
from tests.charging.helpers import rate
from tests.management.world import add_person, add_session

from ringback.accounts.secrets import Secrets, load_secrets
from ringback.backup.backing_up import Place
from ringback.calls import chronicle, records
from ringback.calls.events import NotAccepted, SessionEvent
from ringback.calls.records import NewLeg, NewSession
from ringback.charging import ledger
from ringback.charging.holds import Hold
from ringback.ids import new_id
from ringback.management.actor import Actor
from ringback.management.verbs import Act
from ringback.store import open_store, rows
from ringback.store.models import CallerIdRow, ExtensionRow, GuardCountRow, LegRow
from ringback.store.opening import database_url, open_engine
from ringback.telephony.calling import known

T = TypeVar("T")
NOW = 1_800_000_000.0
ANSWERED = NOW + 20
ALIVE = NOW + 100
"""The last sign of life before the backup."""
PASSPHRASE = "correct horse"
CALLER = "+447700900123"
SOUND = b"RIFF bye"


def place(folder: Path, url: str) -> Place:
    folder.mkdir(exist_ok=True)
    return Place(url, folder / "secrets.key", folder / "sounds")


def fill(made: Place) -> None:
    """Apply a setup with a sound, and leave a request, an attempt, a call and a sign-in open."""
    folder = made.key.parent
    (folder / "bye.wav").write_bytes(SOUND)
    store = open_store(made.url)
    setup = Setup(folder, store)
    setup.document["sounds"] = [{"account": "acme", "path": "/bye.wav", "file": "bye.wav"}]
    setup.document["accounts"][0]["contact_name"] = "Żółć & søn"
    carrier = {"name": "carrier", "host": "h", "register": True, "user": "u", "password": "p"}
    setup.document["trunks"] = [carrier, {"name": "phones", "host": "127.0.0.1"}]
    setup.document["routes"] = [{"prefix": "44", "trunks": ["phones", "carrier"]}]
    try:
        setup.apply(secrets=load_secrets(made.key))
        setup.document["trunks"] = [{"name": "phones", "port": 5070}]
        setup.apply(secrets=load_secrets(made.key))
        setup.run(_calls)
        setup.run(_person)
    finally:
        asyncio.run(store.close())


def _person(tx: Connection) -> None:
    login_id = add_person(tx, "anna@example.org", "x")
    actor = Actor("anna@example.org", {}, login_id)
    add_session(Act(tx, actor, NOW, random.Random(9), Secrets(b"k" * 32)), login_id)


def _calls(tx: Connection) -> None:
    extension = tx.execute(select(ExtensionRow.id)).scalar_one()
    caller_id, payer = tx.execute(select(CallerIdRow.id, CallerIdRow.ledger_id)).one()
    tx.execute(insert(GuardCountRow), {"subject_id": extension, "sessions": 0, "recent": []})
    chance = random.Random(7)
    for number in ("+447700900001", "+447700900002", CALLER):
        session = NewSession(
            id=new_id(NOW, chance),
            extension_id=extension,
            access_number="+442071838750",
            calling=known(number),
            caller_name=None,
            caller_id=caller_id if number == CALLER else None,
            return_number=number,
            destination=None,
            started=NOW,
            proven=True,
            due=NOW + 5,
            guarded=(extension,),
        )
        records.insert_session(tx, session)
        if number == "+447700900001":
            continue  # a request, not dialled yet
        leg = new_id(NOW + 6, chance)
        written = NewLeg(leg, session.id, "A", number, number, number, "phones", NOW + 6, "saved")
        records.insert_leg(tx, written)
        ledger.reserve(tx, [Hold(leg, payer, CALLER, Decimal("0.04"), rate())])
        if number == CALLER:
            records.leg_answered(tx, leg, NOW + 8, ANSWERED, "saved")
            chronicle.append(tx, "main", SessionEvent(session.id, NOW, NotAccepted()))
    records.sign_of_life(tx, "main", ALIVE)


def all_rows(url: str) -> dict[str, list[list[object]]]:
    """All there is, as it is stored."""

    def work(tx: Connection) -> dict[str, list[list[object]]]:
        return {
            model.name: [list(row) for row in rows.rows_of(tx, model)] for model in rows.tables()
        }

    return looked(url, work)


def looked(url: str, work: Callable[[Connection], T]) -> T:
    engine = open_engine(database_url(url), read_only=True)
    try:
        with engine.connect() as tx, tx.begin():
            return work(tx)
    finally:
        engine.dispose()


def add_event(url: str) -> None:
    """Numbers that the database assigns go on where they were."""

    async def whole() -> None:
        store = open_store(url)
        try:
            await store.run(_one_more_event)
        finally:
            await store.close()

    asyncio.run(whole())


def _one_more_event(tx: Connection) -> None:
    session = tx.execute(select(LegRow.session_id).limit(1)).scalar_one()
    chronicle.append(tx, "main", SessionEvent(session, NOW, NotAccepted()))
