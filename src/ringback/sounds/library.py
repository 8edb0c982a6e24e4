"""The sounds that owners have uploaded, found by their paths (spec section 7).

Any level may replace a built-in prompt for itself and all below it; it is looked for from the
extension upwards. What is in a private folder is there for its owner only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, bindparam, or_, select

from ringback.sounds.announcer import ENGLISH, Announcer, Tongue, base_of
from ringback.sounds.paths import SHADOWS, prompt_of, split
from ringback.sounds.privacy import hidden_below
from ringback.sounds.speech import BUILT_IN, Voice, recording
from ringback.store.models import SoundRow, SoundVariantRow
from ringback.store.prepared import Prepared
from ringback.telephony.port import Sound

_FIND = Prepared(
    select(
        SoundRow.owner_id,
        SoundRow.path,
        SoundVariantRow.language,
        SoundVariantRow.file,
        SoundVariantRow.seconds,
    )
    .join(SoundVariantRow, SoundVariantRow.sound_id == SoundRow.id)
    .where(
        SoundRow.owner_id.in_(bindparam("owner_ids", expanding=True)),
        or_(
            SoundRow.path.in_(bindparam("paths", expanding=True)),
            SoundRow.path.startswith(SHADOWS, autoescape=True),
        ),
        or_(SoundRow.owner_id == bindparam("own_id"), ~hidden_below(SoundRow)),
    )
)

Variants = Mapping[str, Sound]
"""A sound by language."""


@dataclass(frozen=True, slots=True)
class OwnSounds:
    """The owners' sounds that one session may play beside the built-in voice."""

    by_path: Mapping[str, Sound] = field(default_factory=dict)
    """Sounds by their paths, as the setup writes them."""
    tongues: Sequence[Tongue] = ()
    """What is said in place of prompts, in each language that the session wants."""
    missing: tuple[str, ...] = ()
    """Paths of sounds that do not exist: they are skipped."""


class SoundLibrary:
    """Finds sounds."""

    def __init__(self, folder: Path, report: Callable[[str], None]) -> None:
        """`folder` holds the converted files; `report` is called with a line for each missing
        sound."""
        self._folder = folder
        self._report = report
        self._english = Voice(BUILT_IN, lambda name: report(f"recording {name} of en"))

    def announcer(self, sounds: OwnSounds) -> Announcer:
        """What says the announcements of a session."""
        return Announcer(sounds.tongues, self._english)

    def path(self, name: str) -> Path:
        """The file of a sound that the telephony port names `name`."""
        return recording(name) if "/" in name else self._folder / name

    def load(
        self,
        tx: Connection,
        owners: Sequence[str],
        paths: Iterable[str],
        languages: Sequence[str],
    ) -> OwnSounds:
        """The sounds of a session, read within a unit of work. `owners` are the ids of the
        extension and of the accounts above it, the nearest first; `paths` are those that its setup
        names. `languages`: the session's own, then the account's; English comes after them."""
        wanted = {path: split(path) for path in paths}
        rows = _FIND.rows(
            tx, owner_ids=owners, own_id=owners[0], paths=[name for _, name in wanted.values()]
        )
        found: dict[tuple[str, str], dict[str, Sound]] = {}
        for row in rows:
            sound = Sound(row.file, row.seconds, f"[{row.path}]")
            found.setdefault((row.owner_id, row.path), {})[row.language] = sound
        chosen = _Choice(self.path)
        in_order = list(dict.fromkeys((*languages, ENGLISH)))
        by_path: dict[str, Sound] = {}
        for path, (level, name) in wanted.items():
            variants = found.get((owners[level], name), {}) if level < len(owners) else {}
            # A sound that is there in another language only is better than none.
            sound_there = chosen.first(path, variants, (*in_order, *sorted(variants)))
            if sound_there is None:
                chosen.missing.append(path)
            else:
                by_path[path] = sound_there
        shadows = [
            (prompt, found[owner, path])
            for owner in owners
            for holder, path in sorted(found)
            if holder == owner and (prompt := prompt_of(path)) is not None
        ]
        tongues = [chosen.tongue(language, shadows) for language in in_order]
        return OwnSounds(by_path, tongues, tuple(dict.fromkeys(chosen.missing)))

    def tell_missing(self, sounds: OwnSounds) -> None:
        """Report the sounds that a session must do without."""
        for path in sounds.missing:
            self._report(f"sound {path}")


class _Choice:
    """Chooses among variants whose files are there, and notes those whose are not."""

    def __init__(self, path: Callable[[str], Path]) -> None:
        self._path = path
        self.missing: list[str] = []

    def first(self, path: str, variants: Variants, languages: Iterable[str]) -> Sound | None:
        """The first of these languages in which the sound is there."""
        for language in _with_bases(languages):
            sound = variants.get(language)
            if sound is not None:
                if self._path(sound.name).exists():
                    return sound
                self.missing.append(path)
        return None

    def tongue(self, language: str, shadows: Iterable[tuple[str, Variants]]) -> Tongue:
        """What is said in place of prompts; of `shadows`, the nearest come first."""
        sounds: dict[str, Sound] = {}
        for prompt, variants in shadows:
            if prompt not in sounds:
                sound = self.first(f"{SHADOWS}{prompt}.wav", variants, [language])
                if sound is not None:
                    sounds[prompt] = sound
        return Tongue(language, sounds)


def _with_bases(languages: Iterable[str]) -> Iterator[str]:
    for language in languages:
        yield language
        if base_of(language) != language:
            yield base_of(language)
