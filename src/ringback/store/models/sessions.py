"""Sessions, and what nodes store beside them (spec sections 4 and 9)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from ringback.clock import Instant
from ringback.store.models.base import Base
from ringback.store.types import SerialType


class SessionRow(Base):
    """A session from trigger to goodbye. While it is open, it is also the callback request."""

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
    """The number that triggered it, in E.164; None if it was hidden or no number."""
    caller_name: Mapped[str | None]
    caller_id: Mapped[str | None] = mapped_column(ForeignKey("caller_ids.id"))
    return_number: Mapped[str | None]
    destination: Mapped[str | None]
    """A number in E.164 to dial without asking for one ("call me back" with a destination)."""
    outcome: Mapped[str | None]
    """None while the session is live."""
    stage: Mapped[str]
    started: Mapped[Instant]
    ended: Mapped[Instant | None]
    proven: Mapped[bool]
    """Whether the trigger's source is proven, or there was no trigger call."""
    rejection: Mapped[str | None]
    """`TriggerLeg.saved`, kept until the trigger call is over."""
    due: Mapped[Instant | None]
    """When the return call may be dialled next; None until the trigger call has ended."""
    attempts: Mapped[int]
    """The return calls dialled so far that count as `attempts` of the setup."""
    accepted: Mapped[bool | None]
    """Whether a person accepted the return call or authenticated on it; None before an answer."""
    repeated: Mapped[int]
    """For a refusal: how many more from the same number followed it and were not stored."""
    guarded: Mapped[list[Any]] = mapped_column(server_default="[]")
    """Ids of the accounts, the extension and the callerIDs whose guard `sessions` counts it while
    it is open."""
    caller_received: Mapped[str | None]
    """The number that triggered it, as it came; None if it was hidden."""


class LegRow(Base):
    """One attempt to reach a party. It is written before its INVITE is sent."""

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
    """The engine's own number for the ending: the SIP status of the final response."""
    billed_seconds: Mapped[int | None]
    saved: Mapped[str]
    """`Leg.saved` of the telephony port: what is needed to end the leg after a crash."""
    ending: Mapped[str | None]
    """Why the leg ended: a `Cause` of the telephony port; None while it is open."""
    failover_of: Mapped[str | None]
    """For a leg over a further trunk: the leg that began the attempt. Together they count once."""
    triggered_again: Mapped[bool | None]
    """For a return call that was busy or rejected at once: whether its number then triggered
    again."""


class EventRow(Base):
    """What happened, for those who follow it later: records, stream, webhooks, mail (spec section
    9).

    The numbers grow in the order in which one writer commits; several writers may overtake each
    other.
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
    """Wrong entries in a row, and the lock-out that follows five of them (spec section 4, step
    5)."""

    __tablename__ = "locks"
    key: Mapped[str] = mapped_column(primary_key=True)
    """What is locked: `pin/{callerID}`, `claim/{callerID}`, `claims-from/{number}`,
    `password/{extension}/{number}`."""
    failures: Mapped[int]
    times: Mapped[int]
    """Lock-outs since the last right entry: each lock-out is twice as long as the one before."""
    until: Mapped[Instant | None]


class WrongClaimRow(Base):
    """A callerID that was wrongly claimed on the phone of a return number within the last day."""

    __tablename__ = "wrong_claims"
    return_number: Mapped[str] = mapped_column(primary_key=True)
    claimed: Mapped[str] = mapped_column(primary_key=True)
    """A MAC of the extension and the number that was typed, which may have been a PIN."""
    at: Mapped[Instant] = mapped_column(index=True)


class HeartbeatRow(Base):
    """One row for each node, written every second: the sign of life of all its sessions."""

    __tablename__ = "heartbeats"
    node: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[Instant]


class SettingRow(Base):
    """Values that apply to the whole database, by name."""

    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
