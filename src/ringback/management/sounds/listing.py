"""Sounds as they are seen from an account or extension: its own, those of the levels above that are
not in private folders, and the built-in prompts, which are the server administrator's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, select

from ringback.ids import is_id
from ringback.management.places import Kind, Place
from ringback.management.refusals import NotFound
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, read
from ringback.sounds.announcer import ENGLISH
from ringback.sounds.bounds import RATE, WAV_HEADER_BYTES
from ringback.sounds.paths import SHADOWS, at_level, prompt_of, shadow_of, split
from ringback.sounds.privacy import hidden_below
from ringback.sounds.speech import built_in
from ringback.store.models import SoundRow, SoundVariantRow

MOST = 1000
"""The most sounds in one answer."""
_BUILT_IN = "prompt-"
"""Before the name of a built-in prompt, in its id."""


After = tuple[int, str]
"""Group and own path of the last sound that one has already."""
START: After = (0, "")


@dataclass(frozen=True, slots=True)
class SoundVariant:
    """A sound in one language."""

    language: str
    file: str
    """By which `SoundLibrary.path` finds it, to be heard or downloaded."""
    seconds: float
    bytes: int
    built_in: bool = False

    @property
    def length(self) -> str:
        """`hh:mm:ss`; what is shorter than a second counts as one."""
        whole = max(1, round(self.seconds))
        return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


@dataclass(frozen=True, slots=True)
class ListedSound:
    """A sound, as it is seen from one place."""

    id: str
    path: str
    """With one `/` for each level that it is above."""
    level: int
    """How many levels above."""
    origin: str
    """Whose it is, as the actor may know it."""
    variants: tuple[SoundVariant, ...]
    """In the order of their languages."""
    words: str | None = None
    """What the built-in prompt says that has this path."""
    after: After = START
    """Where it stands in the list: what the next page begins after."""


@read("sound.list", Kind.SOUND, Need(Right.VIEW))
def sounds(
    act: Act,
    place: Place,
    *,
    folder: str | None = None,
    text: str = "",
    after: After = START,
    limit: int = MOST,
) -> list[ListedSound]:
    """The sounds that are there for a place: its own first, then level by level, built-in prompts
    last. `folder`: only those in it, named from the place, and in folders below it; `text`: only
    those whose paths, or words of a prompt, contain it."""
    query = _Query(act, place, folder, text)
    found: list[ListedSound] = []
    for group in range(after[0], len(place.chain) + 1):
        room = min(limit, MOST) - len(found)
        since = after[1] if group == after[0] else ""
        found += query.group(group, since, room) if room > 0 else []
    return found


@read("sound.get", Kind.SOUND, Need(Right.VIEW))
def sound(act: Act, place: Place, *, sound_id: str) -> ListedSound:
    """One sound that is there for a place. Raises NotFound."""
    found = _Query(act, place).one(sound_id) if is_id(sound_id) else None
    if found is None:
        raise NotFound(Kind.SOUND)
    return found


def find(tx: Connection, place: Place, level: int, path: str) -> str | None:
    """The id of the sound at a path in the folder so many levels above a place, if it is there for
    the place."""
    seen = [] if level == 0 else [~hidden_below(SoundRow)]
    owner = place.chain[level]
    query = select(SoundRow.id).where(SoundRow.owner_id == owner, SoundRow.path == path, *seen)
    id_ = tx.execute(query).scalar()
    prompt = prompt_of(path)
    if id_ is None and prompt is not None and level == len(place.chain) - 1:
        return _BUILT_IN + prompt
    return id_


def is_built_in(sound_id: str) -> bool:
    """Whether an id is that of a built-in prompt that the server administrator does not shadow."""
    return sound_id.startswith(_BUILT_IN)


class _Query:
    """What one actor sees from one place."""

    def __init__(self, act: Act, place: Place, folder: str | None = None, text: str = "") -> None:
        self._tx = act.tx
        self._place = place
        self._text = text
        self._folder = None if folder is None else split(folder)
        self._sight = Sight(act.tx, act.actor)
        self._top = len(place.chain) - 1

    def group(self, group: int, since: str, limit: int) -> list[ListedSound]:
        """The sounds of the owner so many levels above; the built-in prompts come after the top."""
        level = min(group, self._top)
        inside = self._inside(level)
        if inside is None or not (self._text.isprintable() and inside.isprintable()):
            return []
        if group > self._top:
            return self._prompts(inside, since)[:limit]
        conditions = [SoundRow.path > since] if since else []
        if self._text:
            conditions.append(SoundRow.path.icontains(self._text, autoescape=True))
        if inside != "/":
            conditions.append(SoundRow.path.startswith(inside, autoescape=True))
        return self._stored(level, conditions, limit)

    def one(self, sound_id: str) -> ListedSound | None:
        if is_built_in(sound_id):
            return next((each for each in self._prompts("/", "") if each.id == sound_id), None)
        query = select(SoundRow.owner_id).where(SoundRow.id == sound_id)
        owner = self._tx.execute(query).scalar()
        if owner not in self._place.chain:
            return None
        found = self._stored(self._place.chain.index(owner), [SoundRow.id == sound_id], 1)
        return found[0] if found else None

    def _inside(self, level: int) -> str | None:
        """What the own paths of a level's sounds begin with that are in the folder wanted; None if
        that is another level's."""
        if self._folder is None:
            return "/"
        of_level, path = self._folder
        if of_level != level:
            return None
        return path if path == "/" else f"{path.rstrip('/')}/"

    def _stored(
        self, level: int, conditions: Iterable[ColumnElement[bool]], limit: int
    ) -> list[ListedSound]:
        owner = self._place.chain[level]
        seen = [] if level == 0 else [~hidden_below(SoundRow)]
        query = (
            select(SoundRow.id, SoundRow.path)
            .where(SoundRow.owner_id == owner, *seen, *conditions)
            .order_by(SoundRow.path)
            .limit(limit)
        )
        rows = self._tx.execute(query).all()
        variants = self._variants([row.id for row in rows])
        if level == self._top:
            for row in rows:
                _add_built_in(variants[row.id], prompt_of(row.path))
        return [self._listed(row.id, level, row.path, variants[row.id]) for row in rows]

    def _variants(self, ids: Sequence[str]) -> Mapping[str, dict[str, SoundVariant]]:
        found: dict[str, dict[str, SoundVariant]] = {id_: {} for id_ in ids}
        query = select(SoundVariantRow.__table__).where(SoundVariantRow.sound_id.in_(ids))
        for row in self._tx.execute(query):
            variant = SoundVariant(row.language, row.file, row.seconds, row.bytes)
            found[row.sound_id][row.language] = variant
        return found

    def _prompts(self, inside: str, since: str) -> list[ListedSound]:
        """The built-in prompts that the server administrator has put nothing in place of."""
        query = select(SoundRow.path).where(
            SoundRow.owner_id == self._place.chain[-1],
            SoundRow.path.startswith(SHADOWS, autoescape=True),
        )
        shadowed = set(self._tx.execute(query).scalars())
        found = []
        for path, name in sorted((shadow_of(name), name) for name in built_in()):
            recorded = built_in()[name]
            fits = self._text.lower() in f"{path} {recorded.words}".lower()
            if path not in shadowed and path > since and path.startswith(inside) and fits:
                variants: dict[str, SoundVariant] = {}
                _add_built_in(variants, name)
                listed = self._listed(_BUILT_IN + name, self._top, path, variants)
                found.append(replace(listed, after=(self._top + 1, path)))
        return found

    def _listed(
        self, id_: str, level: int, path: str, variants: Mapping[str, SoundVariant]
    ) -> ListedSound:
        prompt = prompt_of(path)
        return ListedSound(
            id_,
            at_level(level, path),
            level,
            self._sight.account(self._place.chain[level], self._place.id),
            tuple(variants[language] for language in sorted(variants)),
            None if prompt is None else built_in()[prompt].words,
            (level, path),
        )


def _add_built_in(variants: dict[str, SoundVariant], prompt: str | None) -> None:
    recorded = None if prompt is None else built_in()[prompt]
    if recorded is not None and ENGLISH not in variants:
        size = WAV_HEADER_BYTES + round(recorded.seconds * RATE) * 2
        variants[ENGLISH] = SoundVariant(
            ENGLISH, recorded.name, recorded.seconds, size, built_in=True
        )
