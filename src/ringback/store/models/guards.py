"""What the guards count (spec section 8)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ringback.store.models.base import Base


class GuardCountRow(Base):
    """The open sessions of an account, extension or callerID, and its calls of the last hour."""

    __tablename__ = "guard_counts"
    __table_args__ = (CheckConstraint("sessions >= 0", name="sessions"),)
    subject_id: Mapped[str] = mapped_column(primary_key=True)
    """The id of the account, extension or callerID."""
    sessions: Mapped[int]
    """Open requests and live sessions."""
    recent: Mapped[list[Any]]
    """Its return calls of the last hour (`guards.recent`)."""


class SpendingRow(Base):
    """What an account, extension or callerID with such a guard has spent on one day or on one
    return call, with what is reserved. The ledger writes it together with the reservations."""

    __tablename__ = "spending"
    __table_args__ = (CheckConstraint("amount >= 0", name="amount"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    """`{subject id}/{day}`, the day such as 2026-11-26 in its time zone, or
    `{subject id}/{session id}`."""
    amount: Mapped[Decimal]
