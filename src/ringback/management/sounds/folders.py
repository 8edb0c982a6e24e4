"""Folders of sounds. What is in a private one is there for its owner only: accounts below neither
see nor hear it, and no call of theirs says it in place of a prompt."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from ringback.faults import Fault, Faults
from ringback.management import places
from ringback.management.change import Action
from ringback.management.places import Kind, Place
from ringback.management.refusals import NotFound
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.sounds.usage import see_unused, uses
from ringback.management.verbs import Act, Done, read, verb
from ringback.sounds import shelf, storage
from ringback.sounds.paths import at_level, check_own_path
from ringback.sounds.privacy import hidden_below
from ringback.store.models import SoundFolderRow, SoundRow


@dataclass(frozen=True, slots=True)
class ListedFolder:
    """A folder, as it is seen from one place."""

    id: str
    path: str
    """With one `/` for each level that it is above."""
    level: int
    """How many levels above."""
    origin: str
    """Whose it is, as the actor may know it."""
    private: bool


@read("folder.list", Kind.FOLDER, Need(Right.VIEW))
def folders(act: Act, place: Place) -> list[ListedFolder]:
    """The folders that are there for a place: its own first, then level by level."""
    sight = Sight(act.tx, act.actor)
    found = []
    for level, owner in enumerate(place.chain):
        seen = [] if level == 0 else [~hidden_below(SoundFolderRow)]
        query = (
            select(SoundFolderRow.__table__)
            .where(SoundFolderRow.owner_id == owner, *seen)
            .order_by(SoundFolderRow.path)
        )
        origin = sight.account(owner, place.id)
        found += [
            ListedFolder(row.id, at_level(level, row.path), level, origin, row.private)
            for row in act.tx.execute(query)
        ]
    return found


def find(tx: Connection, place: Place, level: int, path: str) -> str | None:
    """The id of a folder so many levels above a place, if it is there for the place."""
    seen = [] if level == 0 else [~hidden_below(SoundFolderRow)]
    query = select(SoundFolderRow.id).where(
        SoundFolderRow.owner_id == place.chain[level], SoundFolderRow.path == path, *seen
    )
    return tx.execute(query).scalar()


@verb("folder.make", Kind.FOLDER, Need(Right.SOUNDS))
def make(act: Act, place: Place, *, path: str, private: bool = False) -> Done[str]:
    """Make a folder, and those on the way to it. Returns its id. Raises Faults."""
    shelf.checked("path", check_own_path, path)
    storage.take_turn(act.tx, [place.id])
    shelf.make_way(act.tx, place.id, path, act.new_id)
    id_ = act.new_id()
    row = {"id": id_, "owner_id": place.id, "path": path, "private": private}
    act.tx.execute(insert(SoundFolderRow), row)
    fields = {"private": (None, private)}
    change = act.change(Action.CREATED, place, kind=Kind.FOLDER, id=id_, name=path, fields=fields)
    return Done(id_, [change])


def place_of(tx: Connection, folder_id: str) -> Place | None:
    """The account or extension whose folder it is."""
    query = select(SoundFolderRow.owner_id).where(SoundFolderRow.id == folder_id)
    owner = tx.execute(query).scalar()
    return None if owner is None else places.of_id(tx, owner)


@verb("folder.change", Kind.FOLDER, Need(Right.SOUNDS), at=place_of)
def change(act: Act, place: Place, *, private: bool) -> Done[None]:
    """Make a folder private, or take that off. Raises Faults while a setup below names a sound
    that it would lose."""
    storage.take_turn(act.tx, [place.id])
    path, before = _folder(act)
    if before == private:
        return Done(None)
    if private:
        inside = f"{path}/"
        found = uses(
            act.tx, act.actor, place, inside, lambda named: named.startswith(inside), below=True
        )
        see_unused(found, f"sounds in folder {path} are in use below")
    of_folder = SoundFolderRow.id == act.subject
    act.tx.execute(update(SoundFolderRow).where(of_folder).values(private=private))
    made = act.change(
        Action.UPDATED,
        place,
        kind=Kind.FOLDER,
        id=act.subject,
        name=path,
        fields={"private": (before, private)},
    )
    return Done(None, [made])


@verb("folder.delete", Kind.FOLDER, Need(Right.SOUNDS), at=place_of)
def remove(act: Act, place: Place) -> Done[None]:
    """Remove an empty folder. Raises Faults where something is in it."""
    storage.take_turn(act.tx, [place.id])
    path, _ = _folder(act)
    inside = [
        act.tx.execute(
            select(func.count()).where(
                row.owner_id == place.id, row.path.startswith(f"{path}/", autoescape=True)
            )
        ).scalar_one()
        for row in (SoundRow, SoundFolderRow)
    ]
    if any(inside):
        sounds, below = inside
        told = f"folder {path} is not empty: sounds: {sounds}, folders: {below}: remove these first"
        raise Faults([Fault(("path",), told)])
    act.tx.execute(delete(SoundFolderRow).where(SoundFolderRow.id == act.subject))
    made = act.change(Action.DELETED, place, kind=Kind.FOLDER, id=act.subject, name=path)
    return Done(None, [made])


def _folder(act: Act) -> tuple[str, bool]:
    query = select(SoundFolderRow.path, SoundFolderRow.private).where(
        SoundFolderRow.id == act.subject
    )
    row = act.tx.execute(query).one_or_none()
    if row is None:  # somebody has removed it meanwhile
        raise NotFound(Kind.FOLDER)
    return row.path, row.private
