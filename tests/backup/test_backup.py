"""A backup of either database, restored on either: whole, verified, into an empty place only."""

from __future__ import annotations

import asyncio
import hashlib
import json
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, insert, select
from tests.backup.places import (
    ALIVE,
    ANSWERED,
    CALLER,
    NOW,
    PASSPHRASE,
    SOUND,
    add_event,
    all_rows,
    fill,
    looked,
    place,
)
from tests.charging.helpers import check_books
from tests.postgresql import Cluster
from tests.store.test_migrations import postgresql_schema

from ringback.accounts.secrets import BadKey, load_secrets
from ringback.backup.archive import BadArchive, new_archive, open_archive
from ringback.backup.backing_up import Place, back_up
from ringback.backup.restoring import NotEmpty, Restored, restore
from ringback.backup.sealing import WrongPassphrase
from ringback.store import StoreVersionError, migrate, open_store
from ringback.store.migrate import alembic_config
from ringback.store.models import (
    CallerIdRow,
    GuardCountRow,
    LedgerAccountRow,
    LegRow,
    SessionRow,
    SettingRow,
)
from ringback.store.opening import database_url, open_engine

Empty = Callable[[str], str]


@pytest.fixture
def empty(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Empty]:
    """Makes the URL of a database of a kind that is not there yet, or has no tables."""
    made: list[str] = []
    numbers = count()

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/{next(numbers)}.sqlite"
        made.append(request.getfixturevalue("cluster").empty())
        return made[-1]

    yield make
    for url in made:
        request.getfixturevalue("cluster").drop(url)


@pytest.fixture
def filled(tmp_path: Path) -> Place:
    url = f"sqlite:///{tmp_path}/filled.sqlite"
    migrate(url)
    made = place(tmp_path / "filled", url)
    fill(made)
    return made


def saved(source: Place, file: Path) -> Path:
    assert back_up(source, file, PASSPHRASE, NOW + 200).missing == ()
    return file


def restored(file: Path, target: Place, passphrase: str = PASSPHRASE) -> Restored:
    return restore(file, target, passphrase, NOW + 300, node="main")


CLOSED = {"sessions", "legs", "reservations", "ledger_accounts", "ledger_entries", "charges"}
CLOSED |= {"guard_counts", "events", "sign_ins", "trunks", "former_trunks"}
"""Tables that closing what was open changes, and that no trunk registers."""


@pytest.mark.parametrize("target_kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_it_is_whole_on_either_database(
    kind: str, target_kind: str, empty: Empty, tmp_path: Path
) -> None:
    source_url, target_url = empty(kind), empty(target_kind)
    migrate(source_url)
    source = place(tmp_path / "source", source_url)
    fill(source)
    before = all_rows(source.url)
    file = saved(source, tmp_path / "first.backup")
    assert all_rows(source.url) == before

    target = place(tmp_path / "target", target_url)
    done = restored(file, target)
    assert done.rows == sum(map(len, before.values()))
    assert (done.sounds, done.key, done.expired, done.interrupted) == (1, True, 2, 1)
    assert done.registrations == ["carrier"]
    assert done.sign_ins == 1
    after = all_rows(target.url)
    assert after["former_trunks"] == [] != before["former_trunks"]
    assert {name for name in before if before[name] != after[name]} == CLOSED
    assert target.key.read_bytes() == source.key.read_bytes()
    assert stat.S_IMODE(target.key.stat().st_mode) == 0o600
    (sound,) = target.sounds.iterdir()
    assert sound.read_bytes() == SOUND

    # And back: nothing is open any more, so that nothing changes.
    back = place(tmp_path / "back", empty(kind))
    done = restored(saved(target, tmp_path / "second.backup"), back)
    assert (done.expired, done.interrupted, done.registrations) == (0, 0, [])
    assert all_rows(back.url) == after
    if target_kind == "postgresql":
        _see_schema(target.url, empty(target_kind))
    add_event(target.url)
    numbers = [row[0] for row in all_rows(target.url)["events"]]
    assert numbers == list(range(1, len(numbers) + 1))


def _see_schema(url: str, other: str) -> None:
    """Constraints are as strict as before."""
    migrate(other)
    assert looked(url, postgresql_schema) == looked(other, postgresql_schema)


def test_what_was_open_is_closed_and_charged_to_the_last_sign_of_life(
    filled: Place, tmp_path: Path
) -> None:
    target = place(tmp_path / "target", f"sqlite:///{tmp_path}/target.sqlite")
    restored(saved(filled, tmp_path / "a.backup"), target)

    def look(tx: Connection) -> None:
        sessions = tx.execute(select(SessionRow.caller, SessionRow.outcome, SessionRow.stage))
        assert {row.caller: (row.outcome, row.stage) for row in sessions} == {
            "+447700900001": ("expired", "trigger"),
            "+447700900002": ("expired", "return"),
            CALLER: ("interrupted", "authenticate"),
        }
        legs = tx.execute(select(LegRow.answered, LegRow.ended, LegRow.billed_seconds)).all()
        assert set(map(tuple, legs)) == {
            (None, NOW + 300, None),
            (ANSWERED, ALIVE, int(ALIVE - ANSWERED)),
        }
        assert set(tx.execute(select(GuardCountRow.sessions)).scalars()) == {0}
        assert sum(tx.execute(select(LedgerAccountRow.reserved)).scalars()) == 0
        check_books(tx)

    looked(target.url, look)


def test_what_is_in_the_wal_only_is_in_the_backup(filled: Place, tmp_path: Path) -> None:
    """The copy of a file while the server runs, which was the advice before, had lost it."""
    store = open_store(filled.url)
    try:
        put = insert(SettingRow).values(name="late", value="x")
        asyncio.run(store.run(lambda tx: tx.execute(put)))
        assert Path(f"{filled.url.removeprefix('sqlite:///')}-wal").stat().st_size
        file = saved(filled, tmp_path / "a.backup")
    finally:
        asyncio.run(store.close())
    with open_archive(file) as archive:
        assert ["late", "x"] in list(archive.rows("settings"))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_it_is_one_view_while_others_write(kind: str, empty: Empty, tmp_path: Path) -> None:
    """Two tables get a row each in every transaction: a backup has as many of one as of the
    other."""
    url = empty(kind)
    migrate(url)
    source = place(tmp_path / "source", url)
    fill(source)
    done = threading.Event()

    async def write() -> None:
        store = open_store(url)
        for number in count():

            def work(tx: Connection, name: str = f"late {number}") -> None:
                tx.execute(insert(SettingRow), {"name": name, "value": "x"})
                tx.execute(insert(GuardCountRow), {"subject_id": name, "sessions": 0, "recent": []})

            await store.run(work)
            if done.is_set():
                break
        await store.close()

    writer = threading.Thread(target=lambda: asyncio.run(write()))
    writer.start()
    try:
        for number in range(3):
            with open_archive(saved(source, tmp_path / f"{number}.backup")) as archive:
                settings, counts = (
                    {row[0] for row in archive.rows(name) if row[0].startswith("late ")}
                    for name in ("settings", "guard_counts")
                )
            assert settings == counts
    finally:
        done.set()
        writer.join()


def test_only_its_owner_can_read_it_and_nothing_is_written_over(
    filled: Place, tmp_path: Path
) -> None:
    file = saved(filled, tmp_path / "a.backup")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError, match="is there already"):
        back_up(filled, file, PASSPHRASE, NOW)
    assert filled.key.read_bytes() not in file.read_bytes()
    assert not [each for each in tmp_path.iterdir() if each.name.startswith(".")]


def test_a_wrong_key_or_a_missing_sound_is_told(filled: Place, tmp_path: Path) -> None:
    (sound,) = filled.sounds.iterdir()
    sound.unlink()
    (line,) = back_up(filled, tmp_path / "a.backup", PASSPHRASE, NOW).missing
    assert line.endswith("is missing: calls skip this sound")
    filled.key.write_bytes(b"x" * 32)
    with pytest.raises(BadKey, match="not the one that this database was made with"):
        back_up(filled, tmp_path / "b.backup", PASSPHRASE, NOW)
    assert not (tmp_path / "b.backup").exists()
    filled.key.unlink()
    lines = back_up(filled, tmp_path / "c.backup", PASSPHRASE, NOW).missing
    assert lines[-1] == f"{filled.key} is missing: no PIN or password can be checked"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_place_that_is_not_empty_is_refused(
    kind: str, filled: Place, empty: Empty, tmp_path: Path
) -> None:
    file = saved(filled, tmp_path / "a.backup")
    url = empty(kind)
    migrate(url)  # tables without a row do not count
    target = place(tmp_path / "target", url)
    target.key.write_bytes(b"x" * 32)
    with pytest.raises(NotEmpty, match="another key: a backup is restored into an empty place"):
        restored(file, target)
    target.key.unlink()
    target.sounds.mkdir()
    (target.sounds / "x.wav").write_bytes(b"")
    with pytest.raises(NotEmpty, match="there are sounds"):
        restored(file, target)
    (target.sounds / "x.wav").unlink()
    restored(file, target)
    before = all_rows(url)
    for path in target.sounds.iterdir():
        path.unlink()
    with pytest.raises(NotEmpty, match="has records already"):
        restored(file, target)
    assert all_rows(url) == before
    assert not list(target.sounds.iterdir())


def test_a_wrong_passphrase_leaves_nothing(filled: Place, tmp_path: Path) -> None:
    file = saved(filled, tmp_path / "a.backup")
    target = place(tmp_path / "target", f"sqlite:///{tmp_path}/target.sqlite")
    with pytest.raises(WrongPassphrase):
        restored(file, target, "correct house")
    assert list((tmp_path / "target").iterdir()) == []
    assert not (tmp_path / "target.sqlite").exists()


def test_any_damage_is_found_before_anything_is_touched(filled: Place, tmp_path: Path) -> None:
    whole = saved(filled, tmp_path / "a.backup").read_bytes()
    target = place(tmp_path / "target", f"sqlite:///{tmp_path}/target.sqlite")
    broken = tmp_path / "broken.backup"
    for damaged in (
        b"",
        b"no zip",
        whole[: len(whole) // 2],
        *(
            whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :]
            for at in range(60, len(whole), len(whole) // 40)
        ),
    ):
        broken.write_bytes(damaged)
        try:
            restored(broken, target)
        except (BadArchive, WrongPassphrase):
            assert not (tmp_path / "target.sqlite").exists()
            assert list((tmp_path / "target").iterdir()) == []
        else:  # a byte of the ZIP that nobody reads, such as the time of a member
            assert all_rows(target.url)["accounts"] == all_rows(filled.url)["accounts"]
            _clear(target)


def _clear(target: Place) -> None:
    for path in (*target.sounds.iterdir(), target.key):
        path.unlink()
    target.sounds.rmdir()
    for path in target.key.parent.parent.glob("target.sqlite*"):
        path.unlink()


def repacked(file: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    with zipfile.ZipFile(file) as old:
        members = {name: old.read(name) for name in old.namelist()}
    change(members)
    with zipfile.ZipFile(file, "w") as new:
        for name, data in members.items():
            new.writestr(name, data)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("ringback backup 1", "ringback backup 9", "of another form, 'ringback backup 9'"),
        ("sounds/", "sounds/../../", "has no place in it"),
        ('"made": "2', '"made": "\\u001b[2J', "no backup of Ringback"),
        ('"revision": "0', '"revision": "\\u001b[2J', "no backup of Ringback"),
        ("tables/accounts", "tables/robbed", "no backup of Ringback, or it is damaged"),
    ],
)
def test_what_is_no_backup_of_this_form(
    filled: Place, tmp_path: Path, old: str, new: str, message: str
) -> None:
    file = saved(filled, tmp_path / "a.backup")

    def change(members: dict[str, bytes]) -> None:
        manifest = members["manifest.json"].decode()
        members["manifest.json"] = manifest.replace(old, new).encode()

    repacked(file, change)
    with pytest.raises(BadArchive, match=message):
        restored(file, place(tmp_path / "target", f"sqlite:///{tmp_path}/target.sqlite"))


def forged(file: Path, member: str, data: bytes, rows: int | None) -> None:
    """Put other data into a backup, and have the manifest say so."""

    def change(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["manifest.json"])
        manifest["members"][member] = {"sha256": hashlib.sha256(data).hexdigest(), "rows": rows}
        members |= {"manifest.json": json.dumps(manifest).encode(), member: data}

    repacked(file, change)


COLUMNS = b'["name", "value"]\n'


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"", -1),
        (b"[]\n", 0),
        (b"{}\n", 0),
        (b"[1]\n", 0),
        (b'["name", "name"]\n', 0),
        (b'["name", "nothing"]\n["a", "b"]\n', 1),
        (COLUMNS + b"7\n", 1),
        (COLUMNS + b'["a"]\n', 1),
        (COLUMNS + b'["a", ["b"]]\n', 1),
        (COLUMNS + b'["a", 99999999999999999999]\n', 1),
        (COLUMNS + b'["a", "\\ud800"]\n', 1),
        (COLUMNS + b"[" * 100_000 + b"\n", 1),
        (COLUMNS + b'["a", "' + b"b" * (65 << 20) + b'"]\n', 1),
    ],
)
def test_rows_of_another_form_are_refused_in_bounded_memory(
    filled: Place, tmp_path: Path, data: bytes, rows: int
) -> None:
    file = saved(filled, tmp_path / "a.backup")
    forged(file, "tables/settings.jsonl", data, rows)
    target = place(tmp_path / "target", f"sqlite:///{tmp_path}/target.sqlite")
    with pytest.raises(BadArchive, match="damaged"):
        restored(file, target)
    assert list((tmp_path / "target").iterdir()) == []
    assert not (tmp_path / "target.sqlite").exists()


def test_a_device_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match="/dev/zero is no file"):
        restored(Path("/dev/zero"), place(tmp_path / "target", "sqlite:///none"))


def test_only_tables_of_ringback_are_filled_and_only_sounds_of_some_size_unpacked(
    filled: Place, tmp_path: Path
) -> None:
    file = tmp_path / "a.backup"
    target = place(tmp_path / "target", f"sqlite:///{tmp_path}/target.sqlite")
    for member, data, rows in (
        ("tables/alembic_version.jsonl", b'["version_num"]\n["0001"]\n', 1),
        ("sounds/long.wav", b"\0" * (65 << 20), None),
        ("key.sealed", b"\0" * (65 << 20), None),
    ):
        forged(saved(filled, file), member, data, rows)
        with pytest.raises(BadArchive):
            restored(file, target)
        file.unlink()


def test_rows_that_refer_to_nothing_are_refused(
    filled: Place, tmp_path: Path, cluster: Cluster
) -> None:
    """A backup that was written so, by a fault of Ringback's own, is not restored."""
    file = tmp_path / "a.backup"
    with open_archive(saved(filled, tmp_path / "b.backup")) as whole, new_archive(file) as part:
        for name in whole.tables:
            found = whole.rows(name)
            columns = next(found)
            part.table(name, columns, [] if name == "plans" else found)
        part.end(whole.manifest.revision, whole.manifest.made)
    for url in (f"sqlite:///{tmp_path}/target.sqlite", cluster.empty()):
        target = place(tmp_path / "target", url)
        with pytest.raises(Exception, match=r"refer|foreign key"):
            restored(file, target)
        assert list((tmp_path / "target").iterdir()) == []


def test_a_backup_of_an_older_ringback_is_brought_up_to_date(tmp_path: Path) -> None:
    old = f"sqlite:///{tmp_path}/old.sqlite"
    engine = open_engine(database_url(old))
    with engine.begin() as tx:
        command.upgrade(alembic_config(tx), "0008")
        tx.exec_driver_sql("INSERT INTO ledger_accounts VALUES ('l', 0, 0, 0, false)")
    file = tmp_path / "a.backup"
    with new_archive(file) as archive:
        archive.table(
            "ledger_accounts",
            ["id", "balance", "reserved", "credit_limit", "unlimited"],
            [["l", 0, 0, 0, False]],
        )
        archive.table(
            "accounts",
            ["id", "level", "name", "contact_name", "ledger_id"],
            [["a", "administrator", "admin", "x", "l"]],
        )
        archive.end("0008", "2026-01-01T00:00:00+00:00")
    target = place(tmp_path / "target", f"sqlite:///{tmp_path}/target.sqlite")
    assert not restored(file, target).key
    asyncio.run(open_store(target.url).close())  # its tables are of this version

    def newer(members: dict[str, bytes]) -> None:
        manifest = json.loads(members["manifest.json"])
        members["manifest.json"] = json.dumps({**manifest, "revision": "9999"}).encode()

    repacked(file, newer)
    with pytest.raises(StoreVersionError, match="made by a newer Ringback"):
        restored(file, place(tmp_path / "other", f"sqlite:///{tmp_path}/other.sqlite"))


def test_a_pin_is_right_after_it(filled: Place, tmp_path: Path) -> None:
    target = place(tmp_path / "target", f"sqlite:///{tmp_path}/target.sqlite")
    restored(saved(filled, tmp_path / "a.backup"), target)
    id_, mac = looked(
        target.url, lambda tx: tx.execute(select(CallerIdRow.id, CallerIdRow.pin_mac)).one()
    )
    assert load_secrets(target.key).matches(id_, "0042", mac)


def test_a_folder_that_cannot_be_written(filled: Place) -> None:
    with pytest.raises(OSError):
        back_up(filled, Path("/proc/ringback.backup"), PASSPHRASE, NOW)
