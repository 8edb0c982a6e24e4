"""Private folders: what is in them, or below them, is there for their owner only."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, select

from ringback.store.models import SoundFolderRow, SoundRow


def hidden_below(row: type[SoundRow] | type[SoundFolderRow]) -> ColumnElement[bool]:
    """The condition that a sound, or a folder, is in a private folder or is one: accounts below do
    not have it."""
    folder = SoundFolderRow.__table__.alias("private_folder")
    begins = func.substr(row.path, 1, func.length(folder.c.path) + 1) == folder.c.path + "/"
    itself = row.path == folder.c.path
    return (
        select(folder.c.id)
        .where(folder.c.owner_id == row.owner_id, folder.c.private, begins | itself)
        .exists()
    )
