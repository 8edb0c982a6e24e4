"""Applying a setup file: what it says is brought about, what it does not name is left alone.

Idempotent: the same file again changes nothing. Credit and balances go through the ledger.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from ringback.accounts.callback import to_document
from ringback.accounts.secrets import Secrets
from ringback.accounts.setupfile import (
    AccountEntry,
    CallerIdEntry,
    ExtensionEntry,
    PlanEntry,
    SetupError,
    SetupFile,
    SoundEntry,
)
from ringback.amounts import ZERO, format_amount
from ringback.charging import ledger
from ringback.clock import Instant
from ringback.ids import new_id
from ringback.store.models import (
    AccessNumber,
    Account,
    CallerId,
    Extension,
    Plan,
    Rate,
    Sound,
)

ADMINISTRATOR = "admin"
WHO = "apply"

Convert = Callable[[Path, Path], float]
"""Converts a sound file to telephone audio; returns its seconds, raises ValueError."""


class DryRun(Exception):
    """Raised at the end of a dry run, so that the unit of work is undone; `changes` is what
    would have been done."""

    def __init__(self, changes: list[str]) -> None:
        super().__init__()
        self.changes = changes


class Applier:
    """One application of a file, within one unit of work."""

    def __init__(
        self,
        tx: Connection,
        secrets: Secrets,
        now: Instant,
        chance: random.Random,
        *,
        folder: Path,
        sounds: Path,
        convert: Convert,
    ) -> None:
        """`folder` is what sound files are relative to, `sounds` where converted ones go."""
        self._tx = tx
        self._secrets = secrets
        self._now = now
        self._chance = chance
        self._folder = folder
        self._sounds = sounds
        self._convert = convert
        self._changes: list[str] = []

    def apply(self, setup: SetupFile, *, dry_run: bool = False) -> list[str]:
        """Bring the file about and return what changed, a line each.

        Raises SetupError, and DryRun at the end of a dry run.
        """
        self._administrator()
        for account in setup.accounts:
            self._account(account)
        for plan in setup.plans:
            self._plan(plan)
        for account in setup.accounts:
            self._give_plan(account)
        for extension in setup.extensions:
            self._extension(extension)
        for sound in setup.sounds:
            self._sound(sound)
        if dry_run:
            raise DryRun(self._changes)
        return self._changes

    # Accounts

    def _administrator(self) -> None:
        found = self._tx.execute(select(Account.id).where(Account.level == "administrator"))
        if found.scalar() is None:
            self._create_account(ADMINISTRATOR, None, "administrator", "Server administrator", ZERO)

    def _create_account(
        self, name: str, parent: str | None, level: str, contact: str, balance: Decimal
    ) -> None:
        ledger_id = self._new_id()
        ledger.open_account(self._tx, ledger_id, self._now, balance=balance, who=WHO)
        self._tx.execute(
            insert(Account),
            {
                "id": self._new_id(),
                "parent_id": parent,
                "level": level,
                "name": name,
                "contact_name": contact,
                "ledger_id": ledger_id,
            },
        )
        with_balance = f" with {format_amount(balance)}" if balance else ""
        self._changes.append(f"created account {name}{with_balance}")

    def _account(self, entry: AccountEntry) -> None:
        found = self._one(Account, Account.name == entry.name)
        parent = self._account_id(entry.parent, f"account {entry.name}: parent")
        if found is None:
            self._create_account(
                entry.name, parent, entry.level, entry.contact_name or entry.name, entry.balance
            )
            found = self._one(Account, Account.name == entry.name)
            assert found is not None
        elif found["parent_id"] != parent or found["level"] != entry.level:
            raise SetupError(f"account {entry.name}: its parent and level cannot be changed")
        self._update(
            Account,
            found,
            f"account {entry.name}",
            {
                "contact_name": entry.contact_name or entry.name,
                "country": entry.country,
                "language": entry.language,
                "time_zone": entry.time_zone,
            },
        )

    def _give_plan(self, entry: AccountEntry) -> None:
        found = self._one(Account, Account.name == entry.name)
        assert found is not None
        plan: Mapping[str, Any] | None = None
        if entry.plan is not None:
            plan = self._one(Plan, Plan.name == entry.plan)
            if plan is None:
                raise SetupError(f"account {entry.name}: there is no plan {entry.plan!r}")
        plan_id = None if plan is None else plan["id"]
        if found["plan_id"] == plan_id:
            return
        limit = ZERO if plan is None else plan["limit"]
        try:
            ledger.set_credit_limit(self._tx, found["ledger_id"], limit)
        except ledger.LimitRefused as error:
            raise SetupError(f"account {entry.name}: {error}") from error
        self._tx.execute(update(Account).where(Account.id == found["id"]).values(plan_id=plan_id))
        self._changes.append(f"account {entry.name}: plan {entry.plan or 'none'}")

    # Plans

    def _plan(self, entry: PlanEntry) -> None:
        account = self._account_id(entry.account, f"plan {entry.name}: account")
        values = {
            "kind": entry.kind,
            "limit": entry.limit,
            "special_prefixes": list(entry.special_prefixes),
            "packages": [],
        }
        found = self._one(Plan, Plan.name == entry.name)
        if found is None:
            plan_id = self._new_id()
            self._tx.execute(
                insert(Plan),
                {"id": plan_id, "account_id": account, "name": entry.name, **values},
            )
            self._changes.append(f"created plan {entry.name}")
        else:
            plan_id = found["id"]
            self._update(Plan, found, f"plan {entry.name}", values)
            if found["limit"] != entry.limit:
                self._spread_limit(plan_id, entry)
        self._rates(plan_id, entry)

    def _spread_limit(self, plan_id: str, entry: PlanEntry) -> None:
        holders = self._tx.execute(
            select(Account.name, Account.ledger_id).where(Account.plan_id == plan_id)
        )
        for holder in holders.all():
            try:
                ledger.set_credit_limit(self._tx, holder.ledger_id, entry.limit)
            except ledger.LimitRefused as error:
                raise SetupError(f"plan {entry.name}: {holder.name}: {error}") from error

    def _rates(self, plan_id: str, entry: PlanEntry) -> None:
        """The rates of a plan are those of the file: others are taken out."""
        columns = [column for column in Rate.__table__.c if column.name not in ("id", "plan_id")]
        rows = self._tx.execute(select(Rate.__table__).where(Rate.plan_id == plan_id)).mappings()
        there = {tuple(row[column.name] for column in columns): row["id"] for row in rows}
        wanted = {
            tuple(getattr(rate, column.name) for column in columns): rate for rate in entry.rates
        }
        removed = [number for values, number in there.items() if values not in wanted]
        added = [rate for values, rate in wanted.items() if values not in there]
        if removed:
            self._tx.execute(delete(Rate).where(Rate.id.in_(removed)))
        if added:
            self._tx.execute(
                insert(Rate), [{"plan_id": plan_id, **rate.model_dump()} for rate in added]
            )
        if removed or added:
            self._changes.append(
                f"plan {entry.name}: {len(added)} rates added, {len(removed)} taken out"
            )

    # Extensions and callerIDs

    def _extension(self, entry: ExtensionEntry) -> None:
        account = self._account_id(entry.account, f"extension {entry.name}: account")
        found = self._one(Extension, Extension.account_id == account, Extension.name == entry.name)
        document = to_document(entry.callback.setup)
        password = entry.callback.password
        mac = None if password is None else self._secrets.mac(password)
        if found is None:
            extension = self._new_id()
            self._tx.execute(
                insert(Extension),
                {
                    "id": extension,
                    "account_id": account,
                    "name": entry.name,
                    "callback": document,
                    "password_mac": mac,
                },
            )
            self._changes.append(f"created extension {entry.name}")
        else:
            extension = found["id"]
            self._change_setup(entry, found, document, mac)
        self._access_numbers(extension, entry)
        for caller_id in entry.caller_ids:
            self._caller_id(extension, entry.name, caller_id)

    def _change_setup(
        self,
        entry: ExtensionEntry,
        found: Mapping[str, Any],
        document: dict[str, Any],
        mac: str | None,
    ) -> None:
        before = found["callback"]
        for name in sorted({*before, *document}):
            if before.get(name) != document.get(name):
                self._changes.append(
                    f"extension {entry.name}: {name} {before.get(name, 'default')} -> "
                    f"{document.get(name, 'default')}"
                )
        if found["password_mac"] != mac:
            self._changes.append(f"extension {entry.name}: password changed")
        if before != document or found["password_mac"] != mac:
            self._tx.execute(
                update(Extension)
                .where(Extension.id == found["id"])
                .values(callback=document, password_mac=mac)
            )

    def _access_numbers(self, extension: str, entry: ExtensionEntry) -> None:
        rows = self._tx.execute(
            select(AccessNumber.number)
            .where(AccessNumber.extension_id == extension)
            .order_by(AccessNumber.position)
        )
        before = tuple(rows.scalars())
        if before == entry.access_numbers:
            return
        self._tx.execute(delete(AccessNumber).where(AccessNumber.extension_id == extension))
        for position, number in enumerate(entry.access_numbers):
            if self._one(AccessNumber, AccessNumber.number == number) is not None:
                raise SetupError(
                    f"extension {entry.name}: access number {number} leads to another extension"
                )
            self._tx.execute(
                insert(AccessNumber),
                {"number": number, "extension_id": extension, "position": position},
            )
        self._changes.append(
            f"extension {entry.name}: access numbers {', '.join(entry.access_numbers) or 'none'}"
        )

    def _caller_id(self, extension: str, name: str, entry: CallerIdEntry) -> None:
        found = self._one(
            CallerId, CallerId.extension_id == extension, CallerId.number == entry.number
        )
        values = {
            "enabled": entry.enabled,
            "pin_mac": None if entry.pin is None else self._secrets.mac(entry.pin),
            "language": entry.language,
            "speed_dials": dict(entry.speed_dials),
        }
        if found is None:
            ledger_id = self._new_id()
            ledger.open_account(self._tx, ledger_id, self._now, who=WHO)
            self._tx.execute(
                insert(CallerId),
                {
                    "id": self._new_id(),
                    "extension_id": extension,
                    "number": entry.number,
                    "ledger_id": ledger_id,
                    **values,
                },
            )
            self._changes.append(f"extension {name}: added callerID {entry.number}")
        else:
            ledger_id = found["ledger_id"]
            self._update(CallerId, found, f"callerID {entry.number}", values)
        if entry.credit is not None:
            self._recharge(ledger_id, entry)

    def _recharge(self, ledger_id: str, entry: CallerIdEntry) -> None:
        amount = None if entry.credit == "unlimited" else entry.credit
        assert amount is None or isinstance(amount, Decimal)
        order = entry.order_number or "unlimited"
        try:
            made = ledger.recharge(self._tx, ledger_id, amount, order, self._now, who=WHO)
        except ledger.RechargeRefused as error:
            raise SetupError(f"callerID {entry.number}: {error}") from error
        if made.changed:
            by = "made unlimited" if amount is None else f"by {format_amount(amount)}"
            self._changes.append(f"recharged {entry.number} {by} (order {order})")

    # Sounds

    def _sound(self, entry: SoundEntry) -> None:
        owner = self._account_id(entry.account, f"sound {entry.path}: account")
        name = f"{owner}{entry.path.replace('/', '_')}.{entry.language}.wav"
        try:
            seconds = self._convert(self._folder / entry.file, self._sounds / name)
        except ValueError as error:
            raise SetupError(f"sound {entry.path}: {error}") from error
        values = {"file": name, "seconds": seconds}
        found = self._one(
            Sound,
            Sound.owner_id == owner,
            Sound.path == entry.path,
            Sound.language == entry.language,
        )
        if found is not None:
            self._update(Sound, found, f"sound {entry.path}", values)
            return
        self._tx.execute(
            insert(Sound),
            {
                "id": self._new_id(),
                "owner_id": owner,
                "path": entry.path,
                "language": entry.language,
                **values,
            },
        )
        self._changes.append(f"account {entry.account}: added sound {entry.path}")

    # Within

    def _new_id(self) -> str:
        return new_id(self._now, self._chance)

    def _one(self, model: Any, *where: Any) -> Mapping[str, Any] | None:
        row = self._tx.execute(select(model.__table__).where(*where)).mappings().one_or_none()
        return None if row is None else dict(row)

    def _account_id(self, name: str, what: str) -> str:
        found = self._one(Account, Account.name == name)
        if found is None:
            raise SetupError(f"{what} {name!r} is not there: name it under accounts, above")
        return str(found["id"])

    def _update(
        self, model: Any, found: Mapping[str, Any], what: str, values: dict[str, Any]
    ) -> None:
        changed = {name: value for name, value in values.items() if found[name] != value}
        if not changed:
            return
        self._tx.execute(update(model).where(model.id == found["id"]).values(**changed))
        for name, value in changed.items():
            told = "changed" if name == "pin_mac" else f"{found[name]} -> {value}"
            self._changes.append(f"{what}: {name.removesuffix('_mac')} {told}")
