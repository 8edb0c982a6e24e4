"""Sound files that nobody needs go once a day, and a failure is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from ringback.clock import Instant, Timer
from ringback.server.soundfiles import EVERY_SECONDS, sweep_daily
from ringback.sounds.files import KEPT_SECONDS
from ringback.store import InlineStore


class _Days:
    """A clock on which each wait is over at once, until so many are."""

    def __init__(self, waits: int) -> None:
        self.time = 1_800_000_000.0
        self.left = waits

    def now(self) -> Instant:
        return self.time

    def call_at(self, at: Instant, action: Callable[[], None]) -> Timer:
        raise NotImplementedError

    async def sleep_until(self, at: Instant) -> None:
        self.left -= 1
        if self.left < 0:
            raise asyncio.CancelledError
        self.time = at


def run(store: InlineStore, folder: Path, days: int) -> list[str]:
    reports: list[str] = []

    async def work() -> None:
        with pytest.raises(asyncio.CancelledError):
            await sweep_daily(store, folder, _Days(days), reports.append)

    asyncio.run(work())
    return reports


def test_a_file_that_nobody_names_is_gone_after_two_more_days(tmp_path: Path) -> None:
    (tmp_path / "left.wav").touch()
    days = int(KEPT_SECONDS / EVERY_SECONDS)
    store = InlineStore()
    assert run(store, tmp_path, days - 1) == []
    assert (tmp_path / "left.wav").exists()
    assert run(store, tmp_path, days) == []
    assert not (tmp_path / "left.wav").exists()


def test_a_failure_is_told_and_tried_again(tmp_path: Path) -> None:
    store = InlineStore()
    asyncio.run(store.close())
    reports = run(store, tmp_path, 2)
    assert len(reports) == 3
    assert all("could not be removed" in report for report in reports)
