"""Files that no sound names any more: when they go, and that no upload loses its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, select, update
from tests.sounds.shelves import fill

from ringback.sounds.files import KEPT_SECONDS, held, sweep
from ringback.store import Store
from ringback.store.models import AccountRow, SoundRow, SoundVariantRow, UnwantedSoundRow

NOW = 1_800_000_000.0
DAY = 86400.0


class Folder:
    """A folder of files, and the rows that name them."""

    def __init__(self, store: Store, path: Path) -> None:
        self.store = store
        self.path = path
        path.mkdir()

    def run(self, work: Callable[[Connection], None]) -> None:
        asyncio.run(self.store.run(work))

    def sweep(self, now: float) -> int:
        return asyncio.run(sweep(self.store, self.path, now))

    def add(self, *names: str) -> None:
        for name in names:
            (self.path / name).touch()

    @property
    def names(self) -> set[str]:
        return {path.name for path in self.path.iterdir()}


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Folder:
    folder = Folder(store, tmp_path / "sounds")
    folder.run(lambda tx: fill(tx, [("user", "/a.wav", "en"), ("provider", "/a.wav", "en")]))
    folder.add("user-en.wav", "provider-en.wav")
    return folder


def test_what_nobody_names_goes_after_two_days(folder: Folder) -> None:
    folder.add("old.wav", "left-behind.part")
    assert folder.sweep(NOW) == 0
    assert folder.sweep(NOW + KEPT_SECONDS - 1) == 0
    folder.add("later.wav")
    assert folder.sweep(NOW + KEPT_SECONDS) == 2
    assert folder.names == {"user-en.wav", "provider-en.wav", "later.wav"}
    assert folder.sweep(NOW + 2 * KEPT_SECONDS) == 1
    assert folder.names == {"user-en.wav", "provider-en.wav"}
    folder.sweep(NOW + 3 * KEPT_SECONDS)
    folder.run(lambda tx: _assert_none(tx))


def _assert_none(tx: Connection) -> None:
    assert tx.execute(select(UnwantedSoundRow.file)).scalars().all() == []


def test_what_was_replaced_stays_two_days_from_when_that_was_noticed(folder: Folder) -> None:
    folder.sweep(NOW)
    folder.run(lambda tx: _name(tx, "user-en.wav", "new.wav"))
    folder.add("new.wav")
    assert folder.sweep(NOW + 10 * DAY) == 0
    assert folder.sweep(NOW + 11 * DAY) == 0
    assert folder.sweep(NOW + 12 * DAY) == 1
    assert folder.names == {"new.wav", "provider-en.wav"}


def _name(tx: Connection, before: str, after: str) -> None:
    of_file = SoundVariantRow.file == before
    tx.execute(update(SoundVariantRow).where(of_file).values(file=after))


def test_what_is_named_again_stays(folder: Folder) -> None:
    folder.run(lambda tx: _name(tx, "user-en.wav", "new.wav"))
    folder.add("new.wav")
    folder.sweep(NOW)
    folder.run(lambda tx: _name(tx, "new.wav", "user-en.wav"))
    folder.sweep(NOW + DAY)
    folder.run(lambda tx: _name(tx, "user-en.wav", "new.wav"))
    assert folder.sweep(NOW + KEPT_SECONDS) == 0, "it was wanted in between"
    assert "user-en.wav" in folder.names


def test_sounds_of_a_deleted_account_go(folder: Folder) -> None:
    def remove(tx: Connection) -> None:
        of_user = AccountRow.id == "user"
        tx.execute(update(AccountRow).where(of_user).values(deleted=NOW))

    folder.run(remove)
    folder.sweep(NOW)
    assert folder.sweep(NOW + KEPT_SECONDS) == 1
    assert folder.names == {"provider-en.wav"}

    def check(tx: Connection) -> None:
        assert tx.execute(select(SoundRow.owner_id)).scalars().all() == ["provider"]

    folder.run(check)


def test_nothing_is_swept_while_somebody_uploads(folder: Folder) -> None:
    folder.add("upload.wav")
    folder.sweep(NOW)
    with held(folder.path), held(folder.path):
        assert folder.sweep(NOW + KEPT_SECONDS) == 0
        assert "upload.wav" in folder.names
    assert folder.sweep(NOW + KEPT_SECONDS) == 1


def test_an_upload_that_dies_holds_nothing(folder: Folder) -> None:
    folder.add("upload.wav")
    folder.sweep(NOW)
    program = (
        "import sys\nfrom pathlib import Path\nfrom ringback.sounds.files import held\n"
        f"with held(Path({str(folder.path)!r})):\n print('held', flush=True)\n sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == b"held\n"
    assert folder.sweep(NOW + KEPT_SECONDS) == 0
    process.kill()
    process.wait()
    process.stdout.close()
    process.stdin.close()
    assert folder.sweep(NOW + KEPT_SECONDS) == 1


def test_an_upload_whose_row_comes_during_a_sweep_keeps_its_file(folder: Folder) -> None:
    """The sweep has the folder for itself: the upload waits, and puts its file there anew."""
    folder.add("upload.wav")
    folder.sweep(NOW)

    async def both() -> None:
        def upload() -> None:
            with held(folder.path):
                folder.add("upload.wav")

        await asyncio.gather(
            sweep(folder.store, folder.path, NOW + KEPT_SECONDS), asyncio.to_thread(upload)
        )

    asyncio.run(both())
    assert "upload.wav" in folder.names


def test_a_folder_that_is_not_there_has_nothing_to_sweep(store: Store, tmp_path: Path) -> None:
    assert asyncio.run(sweep(store, tmp_path / "none", NOW)) == 0
