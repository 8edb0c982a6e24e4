"""A short run of the simulation; the long one is `python -m tests.simulation`."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.simulation.scenario import run


@pytest.mark.parametrize("seed", range(1, 13))
def test_random_sessions(tmp_path: Path, seed: int) -> None:
    assert run(seed, 25, tmp_path).total() >= 12, "some trigger while the server is dead"


@pytest.mark.parametrize("seed", range(1, 7))
def test_random_sessions_with_little_credit(tmp_path: Path, seed: int) -> None:
    assert run(seed, 25, tmp_path, crashes=seed % 2 == 0, little_credit=True).total() >= 12


def test_the_same_seed_gives_the_same_run(tmp_path: Path) -> None:
    assert run(3, 20, tmp_path) == run(3, 20, tmp_path)
