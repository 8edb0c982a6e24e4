"""`ringback backup`, `restore` and `new-key` at the edges of the commands."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path

import pytest
from tests.cli.helpers import Commands

from ringback.accounts.secrets import BadKey
from ringback.backup.restoring import NotEmpty
from ringback.backup.sealing import WrongPassphrase
from ringback.cli.doctor.examine import examine
from ringback.cli.options import CommandError
from ringback.config import load_config
from ringback.store import StoreBusy, open_store


@pytest.fixture
def ringback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    monkeypatch.setenv("RINGBACK_PASSPHRASE", "correct horse")
    (tmp_path / "first").mkdir()
    commands = Commands(tmp_path / "first")
    pins = "\n".join(
        f"      - {{number: '+44770090012{last}', pin: '004{last}'}}" for last in (3, 4)
    )
    setup = (
        "extensions:\n  - name: travellers\n    account: acme\n"
        f"    callback: {{password: '0815'}}\n    caller_ids:\n{pins}\n"
    )
    commands("apply", commands.file(setup, "pins.yaml"))
    return commands


def test_a_backup_is_restored_elsewhere(ringback: Commands, tmp_path: Path) -> None:
    file = tmp_path / "ringback.backup"
    carrier = ("host=127.0.0.1", "register=true", "user=u", "password=hush")
    ringback("trunks", "add", "carrier", *carrier)
    told = ringback("backup", str(file))
    assert told.startswith(f"wrote {file}, read it again and found it whole:\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError, match="choose another name"):
        ringback("backup", str(file))
    with pytest.raises(NotEmpty, match=r"give ringback\.toml another data_dir or"):
        ringback("restore", str(file))

    (tmp_path / "second").mkdir()
    other = Commands(tmp_path / "second", apply=False)
    told = other("restore", str(file))
    assert "0 sounds, the key" in told and "now expired: 0" in told
    assert "ringback trunks change carrier register=true" in told
    (there,) = json.loads(other("trunks", "list", "--json"))
    assert (there["register"], there["password_set"]) == (False, True)
    assert other("statement", "acme", "--json") == ringback("statement", "acme", "--json")
    assert stat.S_IMODE((tmp_path / "second/data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "second/data/ringback.sqlite").stat().st_mode) == 0o600


def test_where_the_passphrase_comes_from(
    ringback: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = tmp_path / "word"
    word.write_text("by file\nnot this\n")
    ringback("backup", str(tmp_path / "a"), "--passphrase-file", str(word))
    (tmp_path / "second").mkdir()
    other = Commands(tmp_path / "second", apply=False)
    with pytest.raises(WrongPassphrase):
        other("restore", str(tmp_path / "a"))
    monkeypatch.setenv("RINGBACK_PASSPHRASE", "by file")
    other("restore", str(tmp_path / "a"))
    monkeypatch.setenv("RINGBACK_PASSPHRASE", "")
    with pytest.raises(CommandError, match="no passphrase in RINGBACK_PASSPHRASE"):
        ringback("backup", str(tmp_path / "b"))
    monkeypatch.delenv("RINGBACK_PASSPHRASE")
    with pytest.raises(CommandError, match="no passphrase in standard input: use --passphrase"):
        ringback("backup", str(tmp_path / "b"))


def test_a_lost_key_is_replaced_and_whose_secrets_are_void_is_told(ringback: Commands) -> None:
    key = ringback.folder / "data" / "secrets.key"
    ringback("trunks", "add", "carrier", "host=127.0.0.1", "user=u", "password=hush")
    with pytest.raises(CommandError, match=r"is the right key.*add --force"):
        ringback("new-key")
    key.unlink()
    with pytest.raises(BadKey, match="`ringback new-key`"):
        ringback("apply", str(ringback.folder / "pins.yaml"))
    assert not key.exists()
    whose = [
        "void: password of acme:travellers",
        "void: PIN of acme:travellers:+447700900123",
        "void: PIN of acme:travellers:+447700900124",
        "void: password of trunk carrier",
    ]
    assert ringback("new-key").split("\n")[:4] == whose
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "password of acme:travellers and 3 more are void since ringback new-key" in told_void(
        ringback
    )
    told = ringback("apply", str(ringback.folder / "pins.yaml"))
    with pytest.raises(CommandError, match="password: user and password go together"):
        ringback("trunks", "change", "carrier", "port=5080")
    ringback("trunks", "change", "carrier", "password=hush")
    assert "void since" not in told_void(ringback)
    assert told.count("changed\n") == 3

    lost = key.read_bytes()
    assert ringback("new-key", "--force").split("\n")[:4] == whose
    (kept,) = (each for each in key.parent.iterdir() if each.name.startswith("secrets.key."))
    assert kept.read_bytes() == lost != key.read_bytes()


@pytest.mark.parametrize(
    "line",
    [
        "accounts add beta",
        "apply setup.yaml",
        "apply setup.yaml --dry-run",
        "trunks add a host=b",
    ],
)
def test_no_other_command_makes_a_key_in_place_of_a_lost_one(ringback: Commands, line: str) -> None:
    key = ringback.folder / "data" / "secrets.key"
    key.unlink()
    with pytest.raises(BadKey, match="is missing"):
        ringback(*line.replace("setup.yaml", str(ringback.folder / "setup.yaml")).split())
    assert not key.exists()
    for look in ("trunks list", "accounts list", "sessions", "statement acme"):
        ringback(*look.split())  # what needs no key is done without it


def test_a_key_that_cannot_be_read_is_not_lost(ringback: Commands) -> None:
    key = ringback.folder / "data" / "secrets.key"
    right = key.rename(key.with_name("elsewhere"))
    key.mkdir()
    with pytest.raises(IsADirectoryError):
        ringback("new-key")
    key.rmdir()
    right.rename(key)
    assert "void since" not in told_void(ringback)
    assert ringback("apply", str(ringback.folder / "pins.yaml")) == "nothing changed\n"


def told_void(ringback: Commands) -> str:
    file = ringback.folder / "ringback.toml"
    return "\n".join(each.text for each in asyncio.run(examine(load_config(file), file)))


def test_the_key_of_a_running_server_is_not_replaced(ringback: Commands) -> None:
    server = open_store(ringback.url, serving=True)
    key = ringback.folder / "data" / "secrets.key"
    before = key.read_bytes()
    with pytest.raises(StoreBusy, match="stop that one"):
        ringback("new-key", "--force")
    assert key.read_bytes() == before
    assert server is not None
