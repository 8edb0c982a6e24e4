"""`ringback export`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.cli.helpers import Commands

from ringback.cli.options import CommandError
from ringback.setup.exporting import Export


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    commands = Commands(tmp_path)
    bye = tmp_path / "bye.flac"
    soundfile.write(bye, 0.3 * np.sin(np.arange(3 * 16000) / 9), 16000)
    commands("sounds", "add", "acme", "/callback/bye.wav", str(bye))
    return commands


def test_a_file_applies_back_without_change(ringback: Commands) -> None:
    """Sounds, too, which are converted once more."""
    file = ringback.folder / "all.yaml"
    assert ringback("export", str(file)) == f"wrote {file}\n"
    (sound,) = (ringback.folder / "all-sounds").iterdir()
    assert f"file: all-sounds/{sound.name}\n" in file.read_text()
    assert ringback("apply", str(file)) == "nothing changed\n"


def test_only_its_owner_reads_what_is_written(ringback: Commands) -> None:
    file = ringback.folder / "all.yaml"
    ringback("export", str(file))
    folder = ringback.folder / "all-sounds"
    (sound,) = folder.iterdir()
    assert [path.stat().st_mode & 0o777 for path in (file, folder, sound)] == [0o600, 0o700, 0o600]
    assert not [*ringback.folder.glob("*.part")]


def test_it_goes_to_the_terminal_without_sounds(
    ringback: Commands,
) -> None:
    text = ringback("export")
    assert text.startswith("# yaml-language-server: $schema=setup.schema.json\n")
    assert "  - {name: acme, parent: admin, level: organization, time_zone: Europe/London" in text
    assert text.endswith("\n# sounds: 1 are not in it: write to a file\n")
    file = ringback.file(text, "again.yaml")
    assert ringback("apply", file) == "nothing changed\n"


def test_a_file_that_is_there_is_written_over_with_force_only(ringback: Commands) -> None:
    file = Path(ringback.file("mine", "mine.yaml"))
    with pytest.raises(CommandError, match=r"mine.yaml is there already: .* add --force$"):
        ringback("export", str(file))
    assert file.read_text() == "mine"
    ringback("export", str(file), "--force")
    assert "name: acme" in file.read_text()
    with pytest.raises(CommandError, match="is there already"):
        ringback("export", str(ringback.folder), "--force")


def test_what_is_there_stays_if_it_fails(
    ringback: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(self: Export) -> None:
        raise OSError("the disk is full")

    file = Path(ringback.file("mine", "mine.yaml"))
    monkeypatch.setattr(Export, "run", fail)
    with pytest.raises(OSError, match="the disk is full"):
        ringback("export", str(file), "--force")
    assert file.read_text() == "mine"
    assert not [*ringback.folder.glob("*.part")]


def test_without_a_database_there_is_nothing_to_export(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no database yet"):
        Commands(tmp_path, apply=False)("export")
