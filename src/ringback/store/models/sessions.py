"""Sessions, and what nodes keep beside them (spec sections 4 and 9)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from ringback.clock import Instant
from ringback.store.models.base import Base
from ringback.store.types import SerialType


class SessionRow(Base):
    """A session from trigger to goodbye; while it is open it is also the callback request."""

    __tablename__ = "sessions"
    __table_args__ = (
        # One open request or session per extension and return number (spec 4, step 3).
        Index(
            "uq_sessions_open",
            "extension_id",
            "return_number",
            unique=True,
            sqlite_where=text("outcome IS NULL"),
            postgresql_where=text("outcome IS NULL"),
        ),
        Index("ix_sessions_return_number_ended", "return_number", "ended"),
        Index(
            "ix_sessions_live",
            "id",
            sqlite_where=text("outcome IS NULL"),
            postgresql_where=text("outcome IS NULL"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    extension_id: Mapped[str | None] = mapped_column(ForeignKey("extensions.id"))
    access_number: Mapped[str | None]
    caller: Mapped[str | None]
    """The triggering number, E.164 where it is one; None when hidden."""
    caller_name: Mapped[str | None]
    caller_id: Mapped[str | None] = mapped_column(ForeignKey("caller_ids.id"))
    return_number: Mapped[str | None]
    destination: Mapped[str | None]
    """E.164 to dial without asking ("call me back" with a destination)."""
    outcome: Mapped[str | None]
    """None while live."""
    stage: Mapped[str]
    started: Mapped[Instant]
    ended: Mapped[Instant | None]
    proven: Mapped[bool]
    """The trigger's source is proven, or there was no trigger call."""
    rejection: Mapped[str | None]
    """`TriggerLeg.saved`, until the trigger call is over."""
    due: Mapped[Instant | None]
    """When the return call may be dialled next; None until the trigger call has ended."""
    attempts: Mapped[int]
    """Return calls dialled that count against `attempts` of the setup."""
    accepted: Mapped[bool | None]
    """Whether a person accepted or authenticated on the return call; None before an answer."""
    repeated: Mapped[int]
    """Of a refusal: so many more of the same number followed that were not stored."""


class LegRow(Base):
    """One attempt to reach a party. It is written before its INVITE leaves."""

    __tablename__ = "legs"
    __table_args__ = (
        CheckConstraint("leg IN ('A', 'B')", name="leg"),
        Index("ix_legs_e164_started", "e164", "started"),
        Index(
            "ix_legs_live",
            "session_id",
            sqlite_where=text("ended IS NULL"),
            postgresql_where=text("ended IS NULL"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"), index=True)
    leg: Mapped[str]
    received: Mapped[str]
    e164: Mapped[str]
    dialled: Mapped[str]
    trunk: Mapped[str]
    started: Mapped[Instant]
    ringing: Mapped[Instant | None]
    answered: Mapped[Instant | None]
    ended: Mapped[Instant | None]
    cause: Mapped[int | None]
    """The engine's own number for its end: the SIP status of the final answer."""
    billed_seconds: Mapped[int | None]
    saved: Mapped[str]
    """`Leg.saved` of the telephony port: what is needed to end it after a crash."""
    ending: Mapped[str | None]
    """Why it ended: a `Cause` of the telephony port; None while it is open."""


class EventRow(Base):
    """What happened, for whoever follows it later: records, stream, webhooks, mail (spec 9).

    Numbers grow in the order of the commits of one writer; those of several overtake each other.
    """

    __tablename__ = "events"
    __table_args__ = (Index("uq_events_session", "session_id", "ordinal", unique=True),)
    number: Mapped[int] = mapped_column(SerialType, primary_key=True, autoincrement=True)
    writer: Mapped[str]
    """The node whose unit of work wrote it."""
    session_id: Mapped[str]
    ordinal: Mapped[int]
    """Its place among the events of its session, from 0."""
    at: Mapped[Instant]
    type: Mapped[str]
    data: Mapped[dict[str, Any]]


class LockRow(Base):
    """Wrong entries in a row, and the lock-out that follows five of them (spec 4, step 5)."""

    __tablename__ = "locks"
    key: Mapped[str] = mapped_column(primary_key=True)
    """What is locked: `pin/{callerID}`, `claim/{callerID}`, `claims-from/{number}`,
    `password/{extension}/{number}`."""
    failures: Mapped[int]
    times: Mapped[int]
    """Lock-outs since the last right entry: each doubles the next."""
    until: Mapped[Instant | None]


class WrongClaimRow(Base):
    """A callerID that was claimed wrongly on the phone of a return number, within the last day."""

    __tablename__ = "wrong_claims"
    return_number: Mapped[str] = mapped_column(primary_key=True)
    claimed: Mapped[str] = mapped_column(primary_key=True)
    """A MAC of the extension and the number that was typed: it may have been a PIN."""
    at: Mapped[Instant] = mapped_column(index=True)


class HeartbeatRow(Base):
    """One row a node, written every second: the sign of life of all its sessions."""

    __tablename__ = "heartbeats"
    node: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[Instant]


class SettingRow(Base):
    """What holds for the whole database, by name."""

    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
