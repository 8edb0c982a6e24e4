"""The key of PINs and passwords."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

import pytest

from ringback.accounts.secrets import BadKey, Secrets, check_key, load_secrets
from ringback.store import Store


def test_a_secret_is_a_text_of_digits() -> None:
    own = Secrets(b"k" * 32)
    mac = own.mac("0042")
    assert own.matches("0042", mac)
    for entry in ("42", "00420", "", "0043"):
        assert not own.matches(entry, mac)
    assert "0042" not in mac
    assert not Secrets(b"x" * 32).matches("0042", mac)


def test_where_there_is_no_secret_nothing_matches() -> None:
    own = Secrets(b"k" * 32)
    for entry in ("", "0000", "0" * 64):
        assert not own.matches(entry, None)


def test_the_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secrets.key"
    mac = load_secrets(path).mac("0042")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_secrets(path).matches("0042", mac)
    assert [each.name for each in tmp_path.iterdir()] == ["secrets.key"]
    assert load_secrets(tmp_path / "other.key").mac("0042") != mac


def test_of_two_that_begin_at_once_both_have_the_same_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secrets.key"
    first = load_secrets(path)
    monkeypatch.setattr(Path, "exists", lambda self: False)  # as the second saw it before
    assert load_secrets(path).mac("0042") == first.mac("0042")


def test_a_bad_key_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "secrets.key"
    path.write_bytes(b"short")
    with pytest.raises(BadKey, match="not a key of 32 bytes: restore it"):
        load_secrets(path)
    with pytest.raises(BadKey, match="No such file or directory"):
        load_secrets(tmp_path / "none" / "secrets.key")
    with pytest.raises(BadKey, match="Is a directory"):
        load_secrets(tmp_path)


def test_another_key_than_the_database_was_made_with_is_refused(store: Store) -> None:
    own, other = Secrets(b"k" * 32), Secrets(b"x" * 32)
    for _ in range(2):
        asyncio.run(store.run(lambda tx: check_key(tx, own)))
    with pytest.raises(BadKey, match=r"put the right secrets\.key into data_dir"):
        asyncio.run(store.run(lambda tx: check_key(tx, other)))
    asyncio.run(store.run(lambda tx: check_key(tx, own)))
