"""The authorized list of an extension, as it is written, each change with what is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, update

from ringback import levels
from ringback.accounts import callerids, lockout
from ringback.accounts.entries import CallerIdEntry
from ringback.charging import ledger
from ringback.faults import Fault, Faults
from ringback.management.accounts.limits import Limited, room, see_room
from ringback.management.accounts.rows import held
from ringback.management.caller_ids.fields import read_entry
from ringback.management.caller_ids.rows import FoundRow, rows_of_numbers
from ringback.management.change import NO_FIELDS, Action, Change, SecretChange
from ringback.management.places import Kind, Place
from ringback.management.recharges import Payer, Recharge, RechargeEntry, recharge, written_credit
from ringback.management.refusals import Forbidden
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, Done
from ringback.store.models import CallerIdRow
from ringback.store.prepared import Prepared

_INSERT = Prepared(insert(CallerIdRow))
_RECHARGE = Need(Right.RECHARGE)


@dataclass(frozen=True, slots=True)
class Written:
    """A callerID that was added, changed or deleted."""

    id: str
    number: str
    changes: tuple[Change, ...] = ()
    """Empty if nothing changed."""
    credited: tuple[str, ...] = ()
    """The ledger account, if its credit is another now."""


class AuthorizedList:
    """The callerIDs of one extension, for one unit of work, which is alone with them until it is
    committed."""

    def __init__(self, act: Act, place: Place, *, enabling: bool) -> None:
        """`enabling`: some may be enabled. Raises Faults where the place is no extension, NotFound
        where it has just been deleted."""
        if place.kind is not Kind.EXTENSION:
            raise Faults([Fault(("extension",), "name an extension, such as acme:travellers")])
        if enabling:
            room(act.tx, Limited.CALLER_IDS, place)  # accounts are held from above downwards
        held(act.tx, place)
        self._act = act
        self._place = place
        self.country = levels.of_account(act.tx, place.id)[0].country
        """As dialled there numbers are read."""

    def create(self, values: Mapping[str, Any]) -> Written:
        """Add a callerID. Raises Faults."""
        entry = read_entry(values, self.country)
        self._see_free(entry.number)
        self._see_room(entry.enabled is not False)
        (row,) = self.insert([entry])
        return self.created(row, entry)

    def insert(self, entries: Sequence[CallerIdEntry]) -> list[FoundRow]:
        """Store callerIDs whose numbers are free, without their credit; returns their rows."""
        if not entries:
            return []
        rows: list[FoundRow] = [self._new(entry) for entry in entries]
        ledger.open_empty(self._act.tx, [row["ledger_id"] for row in rows], self._place.id)
        _INSERT.run_many(self._act.tx, rows)
        return rows

    def created(self, row: FoundRow, entry: CallerIdEntry) -> Written:
        """Give a stored one its credit, and tell that it was added. Raises Faults."""
        given = {name: row[name] for name in row if name in entry.model_fields_set}
        told = callerids.told(given)
        fields = {name: (None, value) for name, value in told.items() if value not in (None, {})}
        secrets = {} if entry.pin is None else {"pin": SecretChange.SET}
        change = self._changed(Action.CREATED, row, fields, secrets)
        return _written(row["id"], entry.number, (change,), self._recharge(row, entry))

    def change(self, row: FoundRow, values: Mapping[str, Any]) -> Written:
        """Change a callerID. Raises Faults."""
        entry = read_entry(values, self.country, row["number"])
        if entry.number != row["number"]:
            self._see_free(entry.number)
        enabling = "enabled" in values and entry.enabled is not False and not row["enabled"]
        self._see_room(enabling)
        return self.put(row, entry)

    def put(self, row: FoundRow, entry: CallerIdEntry) -> Written:
        """Store what an entry says of a callerID. Raises Faults for its recharge."""
        act = self._act
        values = callerids.columns(entry, row)
        values = {name: value for name, value in values.items() if row[name] != value}
        secrets = {}
        if "pin" in entry.model_fields_set:
            mac = self._mac(row["id"], entry)
            if mac != row["pin_mac"]:
                values["pin_mac"] = mac
                secrets["pin"] = SecretChange.between(row["pin_mac"], mac)
        if values:
            act.tx.execute(update(CallerIdRow).where(CallerIdRow.id == row["id"]).values(**values))
        recharged = self._recharge(row, entry)
        changes: tuple[Change, ...] = ()
        if values:
            values.pop("pin_mac", None)
            before = callerids.told({name: row[name] for name in values})
            after = callerids.told(values)
            fields = {name: (before[name], after[name]) for name in after}
            changes = (self._changed(Action.UPDATED, row, fields, secrets),)
        return _written(row["id"], entry.number, changes, recharged)

    def delete(self, row: FoundRow) -> Written:
        """Take a callerID out of use. Raises Forbidden where it has credit, and the actor may not
        recharge."""
        act = self._act
        credit = ledger.balance(act.tx, row["ledger_id"], lock=True)
        has_credit = credit.unlimited or credit.balance > 0
        if has_credit and act.actor.grant(self._place, _RECHARGE) is None:
            has = f"callerID {row['number']} has credit, {written_credit(credit)}"
            raise Forbidden(f"{has}: to delete it {_RECHARGE}")
        gone = update(CallerIdRow).where(CallerIdRow.id == row["id"])
        act.tx.execute(gone.values(deleted=act.now, pin_mac=None))
        ledger.close(
            *(act.tx, row["ledger_id"], act.now),
            who=act.actor.name,
            by_account_id=act.by_account_id,
        )
        for key in (lockout.pin_key(row["id"]), lockout.claim_key(row["id"])):
            lockout.lift(act.tx, key)
        fields = {"credit": (written_credit(credit), None)} if has_credit else {}
        change = self._changed(Action.DELETED, row, fields)
        credited = (row["ledger_id"],) if has_credit else ()
        return Written(row["id"], row["number"], (change,), credited)

    def _see_free(self, number: str) -> None:
        if rows_of_numbers(self._act.tx, self._place.id, [number]):
            raise Faults([Fault(("number",), f"the extension has the callerID {number} already")])

    def _see_room(self, more: bool) -> None:
        see_room(self._act, Limited.CALLER_IDS, self._place, int(more), ("enabled",))

    def _new(self, entry: CallerIdEntry) -> dict[str, Any]:
        id_ = self._act.new_id()
        return {
            "id": id_,
            "extension_id": self._place.id,
            "pin_mac": self._mac(id_, entry),
            "ledger_id": self._act.new_id(),
            **callerids.columns(entry, None),
        }

    def _mac(self, id_: str, entry: CallerIdEntry) -> str | None:
        return None if entry.pin is None else self._act.secrets.mac(id_, entry.pin)

    def _changed(
        self,
        action: Action,
        row: FoundRow,
        fields: Mapping[str, tuple[Any, Any]],
        secrets: Mapping[str, SecretChange] = NO_FIELDS,
    ) -> Change:
        return self._act.change(
            action,
            self._place,
            kind=Kind.CALLER_ID,
            id=row["id"],
            name=row["number"],
            fields=fields,
            secrets=secrets,
        )

    def _recharge(self, row: FoundRow, entry: CallerIdEntry) -> Done[Recharge] | None:
        """Recharge as an entry says; None where it says nothing. Raises Faults."""
        if entry.credit is None:
            return None
        order = entry.order_number
        if order is None:
            # Without limit and order number is what it is to be, whatever it has been in between.
            if ledger.balance(self._act.tx, row["ledger_id"], lock=True).unlimited:
                return None
            order = f"unlimited {self._act.new_id()}"
        payer = Payer(self._place, row["id"], row["number"], row["ledger_id"])
        try:
            asked = RechargeEntry(amount=entry.credit, order_number=order)
            return recharge(self._act, payer, asked)
        except Faults as error:
            where = {"amount": "credit"}
            raise Faults(
                Fault(tuple(where.get(str(part), part) for part in fault.where), fault.message)
                for fault in error.found
            ) from error


def _written(
    id_: str, number: str, changes: tuple[Change, ...], recharged: Done[Recharge] | None
) -> Written:
    if recharged is None:
        return Written(id_, number, changes)
    return Written(id_, number, (*changes, *recharged.changes), tuple(recharged.credited))
