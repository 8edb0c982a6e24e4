"""Sounds (spec section 7)."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ringback.clock import Instant
from ringback.store.models.base import Base


class SoundFolderRow(Base):
    """A folder within the folder of an account or of an extension."""

    __tablename__ = "sound_folders"
    __table_args__ = (UniqueConstraint("owner_id", "path"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    path: Mapped[str]
    """From the owner's folder; it begins with one `/` and does not end with one."""
    private: Mapped[bool]
    """What is in it and below it is not there for accounts below."""


class SoundRow(Base):
    """A sound in the folder of an account or of an extension."""

    __tablename__ = "sounds"
    __table_args__ = (UniqueConstraint("owner_id", "path"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    path: Mapped[str]
    """From the owner's folder; it begins with one `/`."""


class SoundVariantRow(Base):
    """A sound in one language. Every sound has at least one."""

    __tablename__ = "sound_variants"
    sound_id: Mapped[str] = mapped_column(ForeignKey("sounds.id"), primary_key=True)
    language: Mapped[str] = mapped_column(primary_key=True)
    file: Mapped[str]
    """The name of the converted WAV file in the data directory's folder `sounds`."""
    seconds: Mapped[float]
    """How long it is, to the microsecond."""
    bytes: Mapped[int] = mapped_column(BigInteger)


class UnwantedSoundRow(Base):
    """A file that no sound names any more: it is removed later, as a call may still play it."""

    __tablename__ = "unwanted_sounds"
    file: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[Instant]
