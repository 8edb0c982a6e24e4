"""What people do with sounds. A sound that a setup names keeps its path until none does."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, delete, select, update

from ringback.accounts.callback import Language
from ringback.faults import Fault, Faults, faults_of
from ringback.management import places
from ringback.management.change import Action
from ringback.management.places import Kind, Place
from ringback.management.refusals import NotFound
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.sounds.usage import see_unused, uses
from ringback.management.verbs import Act, Done, verb
from ringback.sounds import shelf, storage
from ringback.sounds.convert import Converted
from ringback.sounds.paths import check_new_sound
from ringback.store.models import SoundRow, SoundVariantRow

_LANGUAGE: TypeAdapter[str] = TypeAdapter(Language)


@verb("sound.put", Kind.SOUND, Need(Right.SOUNDS))
def put(act: Act, place: Place, *, path: str, language: str, upload: Converted) -> Done[str]:
    """Put a sound into a folder of the place: a new one, one more language, or another file for
    one. The folder of files is held (`sounds.files`) until this is committed. Returns the sound's
    id. Raises Faults."""
    _check(path, language)
    try:
        done = shelf.put(act.tx, place.chain, path, language, upload, act.new_id)
    except storage.NoRoom as full:
        raise Faults([Fault(("file",), _full(act, place, full))]) from full
    if done.before == upload.file:
        return Done(done.sound_id)
    languages = list(done.languages)
    if done.before is not None:
        fields: dict[str, tuple[Any, Any]] = {f"file ({language})": (done.before, upload.file)}
    elif languages:
        fields = {"languages": (languages, sorted([*languages, language]))}
    else:
        fields = {"languages": (None, [language])}
    change = act.change(
        Action.UPDATED if languages else Action.CREATED,
        place,
        kind=Kind.SOUND,
        id=done.sound_id,
        name=path,
        fields=fields,
    )
    return Done(done.sound_id, [change])


def _check(path: str, language: str) -> None:
    faults = []
    try:
        check_new_sound(path)
    except ValueError as error:
        faults.append(Fault(("path",), str(error)))
    try:
        _LANGUAGE.validate_python(language)
    except ValidationError as wrong:
        faults += [Fault(("language",), fault.message) for fault in faults_of(wrong)]
    if faults:
        raise Faults(faults)


def _full(act: Act, place: Place, full: storage.NoRoom) -> str:
    """How much there is above the actor's own account is not told."""
    sight = Sight(act.tx, act.actor)
    whose = sight.account(full.account_id, place.id)
    if not sight.exists(full.account_id):
        return f"there is no room for it: {whose} has none left"
    return f"there is no room for it: of {whose}, {full.told()}"


def place_of(tx: Connection, sound_id: str) -> Place | None:
    """The account or extension in whose folder a sound is."""
    owner = tx.execute(select(SoundRow.owner_id).where(SoundRow.id == sound_id)).scalar()
    return None if owner is None else places.of_id(tx, owner)


@verb("sound.rename", Kind.SOUND, Need(Right.SOUNDS), at=place_of)
def rename(act: Act, place: Place, *, path: str) -> Done[None]:
    """Give a sound another path in the folder of its owner: another name, or another folder. Raises
    Faults, also while a setup names it."""
    shelf.checked("path", check_new_sound, path)
    storage.take_turn(act.tx, [place.id])
    before = _path(act.tx, act.subject)
    if path == before:
        return Done(None)
    _see_unused(act, place, before)
    shelf.make_way(act.tx, place.id, path, act.new_id)
    act.tx.execute(update(SoundRow).where(SoundRow.id == act.subject).values(path=path))
    change = act.change(
        Action.UPDATED,
        place,
        kind=Kind.SOUND,
        id=act.subject,
        name=before,
        fields={"path": (before, path)},
    )
    return Done(None, [change])


@verb("sound.delete", Kind.SOUND, Need(Right.SOUNDS), at=place_of)
def remove(act: Act, place: Place, *, language: str | None = None) -> Done[None]:
    """Remove a sound, or one of its languages; with the last one it is gone itself. What it was
    heard in place of is heard again. Raises Faults where it has no such language, or while a
    setup names it."""
    storage.take_turn(act.tx, [place.id])
    path = _path(act.tx, act.subject)
    of_sound = SoundVariantRow.sound_id == act.subject
    query = select(SoundVariantRow.language).where(of_sound).order_by(SoundVariantRow.language)
    languages = list(act.tx.execute(query).scalars())
    if language is not None and language not in languages:
        there = ", ".join(languages)
        raise Faults([Fault(("language",), f"it is there in {there} only")])
    if language is not None and len(languages) > 1:
        act.tx.execute(
            delete(SoundVariantRow).where(of_sound, SoundVariantRow.language == language)
        )
        left = [each for each in languages if each != language]
        action, fields = Action.UPDATED, {"languages": (languages, left)}
    else:
        _see_unused(act, place, path)
        act.tx.execute(delete(SoundVariantRow).where(of_sound))
        act.tx.execute(delete(SoundRow).where(SoundRow.id == act.subject))
        action, fields = Action.DELETED, {}
    change = act.change(action, place, kind=Kind.SOUND, id=act.subject, name=path, fields=fields)
    return Done(None, [change])


def _path(tx: Connection, sound_id: str) -> str:
    path = tx.execute(select(SoundRow.path).where(SoundRow.id == sound_id)).scalar()
    if path is None:  # somebody has removed it meanwhile
        raise NotFound(Kind.SOUND)
    return path


def _see_unused(act: Act, place: Place, path: str) -> None:
    found = uses(act.tx, act.actor, place, path, lambda named: named == path)
    see_unused(found, f"sound {path} is in use")
