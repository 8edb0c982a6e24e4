"""What the guards count (spec section 8)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ringback.store.models.base import Base


class GuardCountRow(Base):
    """What is under way, and what was in the last hour, of one account, extension or callerID."""

    __tablename__ = "guard_counts"
    __table_args__ = (CheckConstraint("sessions >= 0", name="sessions"),)
    subject_id: Mapped[str] = mapped_column(primary_key=True)
    """Id of the account, extension or callerID."""
    sessions: Mapped[int]
    """Open requests and live sessions."""
    recent: Mapped[list[Any]]
    """Its return calls of the last hour (`guards.recent`)."""
