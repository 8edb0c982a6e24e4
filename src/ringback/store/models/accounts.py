"""Accounts and their setups (spec sections 2 and 3)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from ringback.clock import Instant
from ringback.store.models.base import Base
from ringback.store.types import SortedText

_IN_USE = text("deleted IS NULL")
"""A name or number is free again once what had it is deleted."""


class AccountRow(Base):
    """One node of the tree: server administrator > provider > organization > user > extension."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint(
            "level IN ('administrator', 'provider', 'organization', 'user', 'extension')",
            name="level",
        ),
        CheckConstraint("status IN ('enabled', 'suspended')", name="status"),
        # A user and an extension may share a name: their paths differ.
        Index(
            "uq_accounts_name",
            "parent_id",
            "name",
            unique=True,
            sqlite_where=text("deleted IS NULL AND level <> 'extension'"),
            postgresql_where=text("deleted IS NULL AND level <> 'extension'"),
        ),
        Index(
            "uq_accounts_extension_name",
            "parent_id",
            "name",
            unique=True,
            sqlite_where=text("deleted IS NULL AND level = 'extension'"),
            postgresql_where=text("deleted IS NULL AND level = 'extension'"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    level: Mapped[str]
    name: Mapped[str]
    contact_name: Mapped[str | None]
    """None: that of the account above, as are country, language and time zone."""
    country: Mapped[str | None]
    """ISO 3166 alpha-2; the topmost account has `home_country`."""
    language: Mapped[str | None]
    time_zone: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="enabled")
    expires: Mapped[Instant | None]
    plan_id: Mapped[str | None] = mapped_column(ForeignKey("plans.id", use_alter=True))
    """The plan given to this account, which makes it a payer."""
    ledger_id: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"))
    credit_limit: Mapped[Decimal | None]
    """The account's own limit; None: its plan's. The limit in force is in its ledger account."""
    low_credit: Mapped[Decimal | None]
    """Below it there is an event; None: never."""
    limits: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """`extensions`, `caller_ids` and `storage_mb` that differ from the defaults."""
    guards: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """The guards of section 8 that differ from the defaults; callerIDs have them, too."""
    destinations: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    """`allow` and `deny`: prefixes of numbers, without a plus."""
    deleted: Mapped[Instant | None]
    """When it was taken out of use. The row stays for the records that name it."""


class ExtensionRow(Base):
    """The callback setup of an account of the level `extension`."""

    __tablename__ = "extensions"
    id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    callback: Mapped[dict[str, Any]]
    """The callback setup of section 3, without its password and without values that are the
    defaults."""
    password_mac: Mapped[str | None]


class AccessNumberRow(Base):
    """A public number. The one at the lowest position is the public number of its extension."""

    __tablename__ = "access_numbers"
    number: Mapped[str] = mapped_column(primary_key=True)
    """E.164 with its plus."""
    extension_id: Mapped[str | None] = mapped_column(ForeignKey("extensions.id"), index=True)
    """Where it leads: an extension below the account that has it."""
    position: Mapped[int] = mapped_column(server_default="0")
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    """The account that it was handed to."""
    destination: Mapped[str | None]
    """Who is called back through it is connected to this number without dialling; E.164."""


class CallerIdRow(Base):
    """An authorized callerID of one extension."""

    __tablename__ = "caller_ids"
    __table_args__ = (
        Index(
            "uq_caller_ids_number",
            "extension_id",
            "number",
            unique=True,
            sqlite_where=_IN_USE,
            postgresql_where=_IN_USE,
        ),
        Index("uq_caller_ids_ledger_id", "ledger_id", unique=True),
        Index("ix_caller_ids_number", "number", sqlite_where=_IN_USE, postgresql_where=_IN_USE),
        *(
            Index(
                f"ix_caller_ids_{name}",
                "extension_id",
                *columns,
                sqlite_where=_IN_USE,
                postgresql_where=_IN_USE,
            )
            for name, columns in (
                ("enabled", ("enabled", "number")),
                ("name", ("name_key", "id")),
                ("reference", ("reference_key", "id")),
            )
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    extension_id: Mapped[str] = mapped_column(ForeignKey("extensions.id"))
    number: Mapped[str] = mapped_column(SortedText)
    """E.164 with its plus."""
    name: Mapped[str | None]
    name_key: Mapped[str] = mapped_column(SortedText, server_default="")
    """The name without its capitals, by which it is looked for and sorted; so of the reference."""
    reference: Mapped[str | None]
    reference_key: Mapped[str] = mapped_column(SortedText, server_default="")
    note: Mapped[str | None]
    enabled: Mapped[bool]
    expires: Mapped[Instant | None]
    pin_mac: Mapped[str | None]
    language: Mapped[str | None]
    speed_dials: Mapped[dict[str, Any]]
    """"1" to "99" -> E.164."""
    last_number: Mapped[str | None]
    """The last number dialled, in E.164, for redial."""
    ledger_id: Mapped[str] = mapped_column(ForeignKey("ledger_accounts.id"))
    low_credit: Mapped[Decimal | None]
    guards: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    destinations: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    deleted: Mapped[Instant | None]
    """When it was taken out of use; its row stays, too."""
