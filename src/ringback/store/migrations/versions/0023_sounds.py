"""A sound has variants, each with its size; folders are rows, and may be private."""

from __future__ import annotations

import random
import time

import sqlalchemy as sa
from alembic import op

from ringback.ids import new_id

revision = "0023"
down_revision = "0022"

_OLD = "SELECT owner_id, path, language, file, seconds, id FROM sounds WHERE owner_id IN "
_HEADER = 44


def upgrade() -> None:
    tx = op.get_bind()
    # A sound of an owner that is not there was never found.
    found = tx.execute(sa.text(f"{_OLD} (SELECT id FROM accounts) ORDER BY id")).fetchall()
    op.drop_table("sounds")
    _tables()
    ids: dict[tuple[str, str], str] = {}
    folders: set[tuple[str, str]] = set()
    for owner, path, language, file, seconds, id_ in found:
        if (owner, path) not in ids:
            ids[owner, path] = id_
            tx.execute(
                sa.text("INSERT INTO sounds (id, owner_id, path) VALUES (:id, :owner, :path)"),
                {"id": id_, "owner": owner, "path": path},
            )
        tx.execute(
            sa.text(
                "INSERT INTO sound_variants (sound_id, language, file, seconds, bytes) "
                "VALUES (:sound, :language, :file, :seconds, :bytes)"
            ),
            {
                "sound": ids[owner, path],
                "language": language,
                "file": file,
                "seconds": seconds,
                "bytes": _HEADER + round(seconds * 8000 / 1_000_000) * 2,
            },
        )
        parts = path.split("/")
        folders |= {(owner, "/".join(parts[:depth])) for depth in range(2, len(parts))}
    chance, now = random.SystemRandom(), time.time()
    for owner, path in sorted(folders):
        tx.execute(
            sa.text(
                "INSERT INTO sound_folders (id, owner_id, path, private) "
                "VALUES (:id, :owner, :path, false)"
            ),
            {"id": new_id(now, chance), "owner": owner, "path": path},
        )


def _tables() -> None:
    op.create_table(
        "sound_folders",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["accounts.id"], name=op.f("fk_sound_folders_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sound_folders")),
        sa.UniqueConstraint("owner_id", "path", name=op.f("uq_sound_folders_owner_id_path")),
    )
    op.create_table(
        "sounds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["accounts.id"], name=op.f("fk_sounds_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sounds")),
        sa.UniqueConstraint("owner_id", "path", name=op.f("uq_sounds_owner_id_path")),
    )
    op.create_table(
        "sound_variants",
        sa.Column("sound_id", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sound_id"], ["sounds.id"], name=op.f("fk_sound_variants_sound_id")
        ),
        sa.PrimaryKeyConstraint("sound_id", "language", name=op.f("pk_sound_variants")),
    )
    op.create_table(
        "unwanted_sounds",
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("file", name=op.f("pk_unwanted_sounds")),
    )
