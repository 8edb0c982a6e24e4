"""What tests of setups have."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.accounts.helpers import Place

from ringback.store import Store


@pytest.fixture
def place(tmp_path: Path, store: Store) -> Place:
    made = Place(tmp_path, store)
    made.apply()
    return made
