"""What a path means that is named from an account or extension (spec section 7)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from ringback.faults import Fault, Faults
from ringback.management.places import Kind, Place
from ringback.management.refusals import NotFound
from ringback.management.sounds import folders, listing
from ringback.sounds import shelf
from ringback.sounds.paths import at_level, check_sound_path, split


@dataclass(frozen=True, slots=True)
class Meant:
    """A folder's owner, and a path in that folder."""

    level: int
    """How many levels above the place that it was named from."""
    owner_id: str
    path: str


def meant(place: Place, path: str) -> Meant:
    """What a path means that is named from a place. Raises Faults."""
    level, own = split(shelf.checked("path", check_sound_path, path))
    if level >= len(place.chain):
        told = f"leads {level} levels up, and there are {len(place.chain) - 1} above"
        raise Faults([Fault(("path",), told)])
    return Meant(level, place.chain[level], own)


def find_sound(tx: Connection, place: Place, path: str) -> str:
    """The id of a sound. Raises NotFound, Faults."""
    named = meant(place, path)
    found = listing.find(tx, place, named.level, named.path)
    if found is None:
        raise NotFound(Kind.SOUND, path)
    return found


def find_stored(tx: Connection, place: Place, path: str) -> str:
    """The id of a sound that is to be changed. Raises NotFound, Faults, also for a prompt that is
    built in."""
    found = find_sound(tx, place, path)
    if listing.is_built_in(found):
        told = f"is built in: put a sound of your own in its place, at {split(path)[1]}"
        raise Faults([Fault(("path",), told)])
    return found


def find_folder(tx: Connection, place: Place, path: str) -> str:
    """The id of a folder. Raises NotFound, Faults."""
    named = meant(place, path)
    found = folders.find(tx, place, named.level, named.path)
    if found is None:
        raise NotFound(Kind.FOLDER, at_level(named.level, named.path))
    return found
