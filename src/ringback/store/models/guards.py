"""What the guards count (spec section 8)."""

from __future__ import annotations

from decimal import Decimal
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


class SpendingRow(Base):
    """What an account, extension or callerID with a guard on it has spent on one day or on one
    return call, what is reserved included. The ledger writes it with the reservations."""

    __tablename__ = "spending"
    __table_args__ = (CheckConstraint("amount >= 0", name="amount"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    """`{subject id}/{day}`, as 2026-11-26 in its time zone, or `{subject id}/{session id}`."""
    amount: Mapped[Decimal]
