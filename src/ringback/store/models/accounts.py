"""Accounts and their setups (spec sections 2 and 3)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ringback.store.models.base import Base


class AccountRow(Base):
    """One node of the tree: server administrator > provider > organization > user."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint(
            "level IN ('administrator', 'provider', 'organization', 'user')", name="level"
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    level: Mapped[str]
    name: Mapped[str] = mapped_column(unique=True)
    contact_name: Mapped[str]
    country: Mapped[str | None]
    """ISO 3166 alpha-2; None: that of the account above, or `home_country` for the topmost
    account."""
    language: Mapped[str | None]
    time_zone: Mapped[str | None]
    plan_id: Mapped[str | None] = mapped_column(ForeignKey("plans.id", use_alter=True))
    """The plan given to this account, which makes it a payer."""
    ledger_id: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"))
    credit_limit: Mapped[Decimal | None]
    """The account's own limit; None: its plan's. The limit in force is in its ledger account."""
    guards: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """Those of section 8 that differ from the defaults; extensions and callerIDs have them too."""
    destinations: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """`allow` and `deny`: prefixes of numbers, without a plus."""


class ExtensionRow(Base):
    """A callback extension."""

    __tablename__ = "extensions"
    __table_args__ = (UniqueConstraint("account_id", "name"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    callback: Mapped[dict[str, Any]]
    """The callback setup of section 3, without its password and without values that are the
    defaults."""
    password_mac: Mapped[str | None]
    guards: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    destinations: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class AccessNumberRow(Base):
    """A public number that leads to one extension. The one at the lowest position is the
    extension's public number."""

    __tablename__ = "access_numbers"
    number: Mapped[str] = mapped_column(primary_key=True)
    """E.164 with its plus."""
    extension_id: Mapped[str] = mapped_column(ForeignKey("extensions.id"), index=True)
    position: Mapped[int]


class CallerIdRow(Base):
    """An authorized callerID of one extension."""

    __tablename__ = "caller_ids"
    __table_args__ = (UniqueConstraint("extension_id", "number"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    extension_id: Mapped[str] = mapped_column(ForeignKey("extensions.id"))
    number: Mapped[str]
    """E.164 with its plus."""
    enabled: Mapped[bool]
    pin_mac: Mapped[str | None]
    language: Mapped[str | None]
    speed_dials: Mapped[dict[str, Any]]
    """"1" to "99" -> E.164."""
    last_number: Mapped[str | None]
    """The last number dialled, in E.164, for redial."""
    ledger_id: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"))
    guards: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    destinations: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class SoundRow(Base):
    """A sound in the folder of an account or of an extension; each language variant has a row."""

    __tablename__ = "sounds"
    __table_args__ = (UniqueConstraint("owner_id", "path", "language"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    owner_id: Mapped[str]
    """The id of the account or extension in whose folder it is."""
    path: Mapped[str]
    """The path from the owner's folder; it begins with one `/`."""
    language: Mapped[str]
    file: Mapped[str]
    """The name of the converted WAV file in the data directory's folder `sounds`."""
    seconds: Mapped[float]
