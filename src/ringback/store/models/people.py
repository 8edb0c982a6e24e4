"""People, what they sign in with, and what they changed (spec section 2, "People").

Tokens are kept as the SHA-256 of 256 random bits, so the database opens no door.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from ringback.clock import Instant
from ringback.store.models.base import Base
from ringback.store.types import SerialType

_ROLE = "role IN ('owner', 'operator', 'accountant', 'reader')"


class LoginRow(Base):
    """A person. There is one only once an invitation has been accepted."""

    __tablename__ = "logins"
    id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    """In small letters."""
    name: Mapped[str]
    password_hash: Mapped[str]
    """Argon2id, with its parameters."""
    totp_secret: Mapped[str | None]
    """Sealed; None: no second factor."""
    totp_offered: Mapped[str | None]
    """Sealed: a secret that was shown, and takes effect with the first code made from it."""
    totp_step: Mapped[int | None]
    """The time step of the last code that was taken: none is taken twice (RFC 6238 section 5.2)."""
    made: Mapped[Instant]


class LoginRoleRow(Base):
    """The role of a person in an account, which reaches all that lies below it."""

    __tablename__ = "login_roles"
    __table_args__ = (CheckConstraint(_ROLE, name="role"),)
    login_id: Mapped[str] = mapped_column(ForeignKey("logins.id"), primary_key=True)
    account_id: Mapped[str] = mapped_column(primary_key=True, index=True)
    """The id of an account or of an extension."""
    role: Mapped[str]
    since: Mapped[Instant]


class LinkRow(Base):
    """A link that was sent to somebody and works once."""

    __tablename__ = "links"
    __table_args__ = (
        CheckConstraint("purpose IN ('invitation', 'reset', 'email')", name="purpose"),
        Index("ix_links_account_email", "account_id", "email"),
        Index("ix_links_login", "login_id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    purpose: Mapped[str]
    email: Mapped[str | None]
    """Where it was sent; the new address, if it confirms one. None: the first administrator says
    it when the invitation is accepted."""
    login_id: Mapped[str | None] = mapped_column(ForeignKey("logins.id"))
    """Whose password or address it is about. None for an invitation, and for a reset that was asked
    for an address nobody has."""
    account_id: Mapped[str | None]
    """Invitations: the account or extension, and the role there."""
    role: Mapped[str | None]
    made_by: Mapped[str | None] = mapped_column(ForeignKey("logins.id"))
    """Invitations: who invited; None: the command line."""
    by_account_id: Mapped[str | None]
    """Invitations: the account whose role allowed it."""
    made: Mapped[Instant]
    expires: Mapped[Instant] = mapped_column(index=True)
    used: Mapped[Instant | None]


class SignInRow(Base):
    """A sign-in session. Ended ones are kept for a while, since they tell from where a person is
    known to come."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index("ix_sign_ins_login_made", "login_id", "made"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    login_id: Mapped[str] = mapped_column(ForeignKey("logins.id"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    source: Mapped[str]
    """The address it came from; of IPv6, the /64."""
    agent: Mapped[str]
    """What the browser calls itself."""
    made: Mapped[Instant]
    seen: Mapped[Instant]
    """When it was last used, to the minute."""
    ended: Mapped[Instant | None]


class RecoveryCodeRow(Base):
    """A code that takes the place of the second factor once. Used ones are deleted."""

    __tablename__ = "recovery_codes"
    login_id: Mapped[str] = mapped_column(ForeignKey("logins.id"), primary_key=True)
    mac: Mapped[str] = mapped_column(primary_key=True)


class ApiKeyRow(Base):
    """A key of the REST API."""

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint(_ROLE, name="role"),
        Index(
            "ix_api_keys_account",
            "account_id",
            sqlite_where=text("ended IS NULL"),
            postgresql_where=text("ended IS NULL"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    login_id: Mapped[str] = mapped_column(ForeignKey("logins.id"), index=True)
    """Its maker, or who took it over. It has no more rights than this person has now."""
    account_id: Mapped[str]
    """The account or extension that it reaches, with all below."""
    role: Mapped[str]
    name: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    tail: Mapped[str]
    """Its last four characters, by which people tell keys apart."""
    made: Mapped[Instant]
    expires: Mapped[Instant | None]
    seen: Mapped[Instant | None]
    ended: Mapped[Instant | None]


class ThrottleRow(Base):
    """How much somebody has tried of late (`management.people.throttle`)."""

    __tablename__ = "throttles"
    key: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[Instant] = mapped_column(index=True)
    """When all of it will be forgotten."""


class AuditRow(Base):
    """One change of the setup."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_account_number", "account_id", "number"),)
    number: Mapped[int] = mapped_column(SerialType, primary_key=True, autoincrement=True)
    at: Mapped[Instant]
    verb: Mapped[str]
    action: Mapped[str]
    kind: Mapped[str]
    subject_id: Mapped[str]
    name: Mapped[str]
    """What people call the subject; empty if it is the account or extension itself."""
    account_id: Mapped[str]
    """The account or extension that the subject belongs to; whoever sees that may read this."""
    path: Mapped[str]
    """The path of that, from the top."""
    who: Mapped[str]
    """E-mail address of the person, or another name of who it was."""
    login_id: Mapped[str | None]
    key_id: Mapped[str | None]
    by_account_id: Mapped[str | None]
    """The account whose role allowed it; None where it needed none."""
    acting_for_id: Mapped[str | None]
    """The account that was in view, if it was not the actor's own."""
    fields: Mapped[dict[str, Any]]
    """Name -> [before, after]."""
    secrets: Mapped[dict[str, Any]]
    """Name -> "set", "changed" or "taken off"."""
