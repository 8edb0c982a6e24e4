"""The sounds that owners have uploaded, found by their paths (spec section 7).

A path begins with `/` for the folder of the extension whose setup names it, and has one more `/`
for each level up. Any level may replace a built-in prompt for itself and all below it; it is looked
for from the extension upwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, bindparam, or_, select

from ringback.sounds.phrases import Phrase
from ringback.sounds.speech import BUILT_IN, Voice, recording
from ringback.store import models
from ringback.store.prepared import Prepared
from ringback.telephony.port import Sound

SHADOWS = "/prompts/"

_FIND = Prepared(
    select(
        models.SoundRow.owner_id,
        models.SoundRow.path,
        models.SoundRow.language,
        models.SoundRow.file,
        models.SoundRow.seconds,
    ).where(
        models.SoundRow.owner_id.in_(bindparam("owner_ids", expanding=True)),
        or_(
            models.SoundRow.path.in_(bindparam("paths", expanding=True)),
            models.SoundRow.path.startswith(SHADOWS, autoescape=True),
        ),
    )
)


@dataclass(frozen=True, slots=True)
class OwnSounds:
    """The owners' sounds that one session may play beside the built-in voice."""

    by_path: dict[str, Sound] = field(default_factory=dict)
    """Sounds by their paths, as the setup writes them."""
    shadows: dict[Phrase, Sound] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    """Paths of sounds that do not exist: they are skipped."""


class SoundLibrary:
    """Finds sounds."""

    def __init__(self, folder: Path, report: Callable[[str], None]) -> None:
        """`folder` holds the converted files; `report` is called with a line for each missing
        sound."""
        self._folder = folder
        self._report = report
        self._voices = {"en": Voice(BUILT_IN, lambda name: report(f"recording {name} of en"))}

    def voice(self, language: str) -> Voice:
        """The voice of a language, or the English one if the language has none."""
        return self._voices.get(language.partition("-")[0]) or self._voices["en"]

    def path(self, name: str) -> Path:
        """The file of a sound that the telephony port names `name`."""
        return recording(name) if "/" in name else self._folder / name

    def load(
        self, tx: Connection, owners: Sequence[str], paths: Iterable[str], language: str
    ) -> OwnSounds:
        """The sounds of a session, read within a unit of work. `owners` are the ids of the
        extension and of the accounts above it, the nearest first; `paths` are those that its setup
        names."""
        wanted = {path: split(path) for path in paths}
        rows = _FIND.rows(tx, owner_ids=owners, paths=[name for _, name in wanted.values()])
        found: dict[tuple[str, str], Sound] = {}
        for row in sorted(rows, key=lambda row: row.language == language):
            found[row.owner_id, row.path] = Sound(row.file, row.seconds, f"[{row.path}]")
        by_path: dict[str, Sound] = {}
        shadows: dict[Phrase, Sound] = {}
        missing: list[str] = []
        for path, (level, name) in wanted.items():
            sound = found.get((owners[level], name)) if level < len(owners) else None
            if sound is None or not self.path(sound.name).exists():
                missing.append(path)
            else:
                by_path[path] = sound
        for owner in reversed(owners):
            for phrase in Phrase:
                shadow = found.get((owner, f"{SHADOWS}{phrase}.wav"))
                if shadow is None:
                    continue
                if self.path(shadow.name).exists():
                    shadows[phrase] = shadow
                else:
                    missing.append(f"{SHADOWS}{phrase}.wav")
        return OwnSounds(by_path, shadows, tuple(missing))

    def tell_missing(self, sounds: OwnSounds) -> None:
        """Report the sounds that a session must do without."""
        for path in sounds.missing:
            self._report(f"sound {path}")


def split(path: str) -> tuple[int, str]:
    """How many levels up a path leads, and the path in the folder there."""
    name = path.lstrip("/")
    return len(path) - len(name) - 1, f"/{name}"
