"""Recharges of accounts and of callerIDs (spec section 6), and what has been recharged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator
from sqlalchemy import Connection, select

from ringback.accounts.callback import Text, parse_money
from ringback.amounts import BadAmount, format_amount
from ringback.charging import ledger
from ringback.charging.ledger import Balance, RechargeKind, RechargeRefused
from ringback.clock import Instant
from ringback.documents import read_document
from ringback.faults import Fault, Faults, Section
from ringback.management.accounts.rows import held
from ringback.management.change import Action, Change
from ringback.management.places import Kind, Place, of_caller_id
from ringback.management.rights import Need, Reach, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, Done, read, verb
from ringback.store.models import AccountRow, CallerIdRow, LedgerEntryRow

UNLIMITED = "unlimited"
MOST = 1000
"""The most recharges in one answer."""

_CHOOSABLE = tuple(kind for kind in RechargeKind if kind is not RechargeKind.CLOSED)


def _amount(value: object) -> object:
    return value if value == UNLIMITED else parse_money(value)


class RechargeEntry(Section):
    """What is asked for."""

    amount: Annotated[Decimal | Literal["unlimited"], BeforeValidator(_amount)]
    """May be negative."""
    order_number: Text
    kind: Literal[_CHOOSABLE] = RechargeKind.PAYMENT  # type: ignore[valid-type]
    note: Text | None = None

    @property
    def asked(self) -> Decimal | None:
        """The amount; None for unlimited."""
        return None if self.amount == UNLIMITED else Decimal(self.amount)


@dataclass(frozen=True, slots=True)
class Recharge:
    """What came of a recharge."""

    whose: str
    """Path of the account, or number of the callerID."""
    asked: Decimal | None
    """The amount; None for unlimited."""
    changed: bool
    """False: this order number had been entered before, with the same amount."""
    credit: Balance
    """What there is now."""

    @property
    def by(self) -> str:
        return "without limit" if self.asked is None else f"by {format_amount(self.asked)}"

    @property
    def left(self) -> str:
        return written_credit(self.credit)


FIELDS = dict.fromkeys(RechargeEntry.model_fields, Need(Right.RECHARGE))


@verb(
    "account.recharge",
    Kind.ACCOUNT,
    Need(Right.RECHARGE, Reach.ABOVE),
    fields=dict.fromkeys(RechargeEntry.model_fields, Need(Right.RECHARGE, Reach.ABOVE)),
)
def recharge_account(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[Recharge]:
    """Add money to the balance of an account, or take some out. Nothing is taken above it."""
    held(act.tx, place)  # so that it is not deleted meanwhile
    entry = read_document(RechargeEntry, values)
    if entry.asked is None:
        raise _fault(
            "amount",
            "only the credit of a callerID can be unlimited: give the account a credit_limit",
        )
    query = select(AccountRow.ledger_id).where(AccountRow.id == place.id)
    ledger_id = act.tx.execute(query).scalar_one()
    return recharge(act, Payer(place, place.id, act.actor.path_of(place), ledger_id), entry)


@verb(
    "caller_id.recharge",
    Kind.CALLER_ID,
    Need(Right.RECHARGE),
    at=of_caller_id,
    fields=FIELDS,
)
def recharge_caller_id(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[Recharge]:
    """Add credit to a callerID, or take some out, or let it have no limit."""
    held(act.tx, place)
    entry = read_document(RechargeEntry, values)
    number, ledger_id = _caller_id(act.tx, act.subject)
    return recharge(act, Payer(place, act.subject, number, ledger_id), entry)


@dataclass(frozen=True, slots=True)
class Payer:
    """An account or a callerID with its credit."""

    place: Place
    """The account itself, or the callerID's extension."""
    id: str
    name: str
    """Path of the account, or number of the callerID."""
    ledger_id: str

    @property
    def is_account(self) -> bool:
        return self.id == self.place.id


def recharge(act: Act, payer: Payer, entry: RechargeEntry) -> Done[Recharge]:
    """Recharge who pays. Raises Faults."""
    before = ledger.balance(act.tx, payer.ledger_id, lock=True)
    try:
        made = ledger.recharge(
            act.tx,
            payer.ledger_id,
            entry.asked,
            entry.order_number,
            act.now,
            kind=RechargeKind(entry.kind),
            note=entry.note,
            who=act.actor.name,
            by_account_id=act.by_account_id,
        )
    except RechargeRefused as refused:
        raise _fault("order_number" if refused.by_order else "amount", str(refused)) from refused
    except BadAmount as error:
        raise _fault("amount", str(error)) from error
    came = Recharge(payer.name, entry.asked, made.changed, made.credit)
    if not made.changed:
        return Done(came)
    change = _change(act, payer, entry, came, before)
    return Done(came, [change], credited=[payer.ledger_id])


def _change(
    act: Act, payer: Payer, entry: RechargeEntry, came: Recharge, before: Balance
) -> Change:
    return act.change(
        Action.CREATED,
        payer.place,
        kind=Kind.RECHARGE,
        id=payer.id,
        name=entry.order_number,
        fields={
            # Whoever reads this in the account itself must not see how it is named above.
            "of": (None, payer.place.seen_from(payer.id) if payer.is_account else payer.name),
            "amount": (None, UNLIMITED if came.asked is None else format_amount(came.asked)),
            "kind": (None, str(entry.kind)),
            "credit": (written_credit(before), came.left),
        },
        line=f"recharged {came.whose} {came.by} (order {entry.order_number})",
    )


def written_credit(found: Balance) -> str:
    """A credit as people are told it."""
    return UNLIMITED if found.unlimited else format_amount(found.balance)


def _caller_id(tx: Connection, id_: str) -> tuple[str, str]:
    query = select(CallerIdRow.number, CallerIdRow.ledger_id).where(CallerIdRow.id == id_)
    row = tx.execute(query).one()
    return row.number, row.ledger_id


def _fault(field: str, message: str) -> Faults:
    return Faults([Fault((field,), message)])


@dataclass(frozen=True, slots=True)
class PastRecharge:
    """A recharge as it was entered."""

    number: int
    """Later ones are higher."""
    at: Instant
    kind: str
    asked: Decimal | None
    """The amount that was asked for; None: unlimited."""
    order_number: str | None
    """None of what was there at the opening, and what was left at the end."""
    left: Decimal
    """The balance after it."""
    who: str | None
    """The person or key; for a recharge from above, that account."""
    note: str | None


@read("account.recharges", Kind.ACCOUNT, Need(Right.SEE_MONEY))
def account_recharges(
    act: Act, place: Place, *, before: int | None = None, limit: int = MOST
) -> list[PastRecharge]:
    """The latest recharges of an account, the latest first. `before`: the number of the last that
    one has already."""
    query = select(AccountRow.ledger_id).where(AccountRow.id == place.id)
    return _past(act, place, act.tx.execute(query).scalar_one(), before, limit)


@read("caller_id.recharges", Kind.CALLER_ID, Need(Right.SEE_CREDIT), at=of_caller_id)
def caller_id_recharges(
    act: Act, place: Place, *, before: int | None = None, limit: int = MOST
) -> list[PastRecharge]:
    """Those of a callerID, likewise."""
    _, ledger_id = _caller_id(act.tx, act.subject)
    return _past(act, place, ledger_id, before, limit)


def _past(
    act: Act, place: Place, ledger_id: str, before: int | None, limit: int
) -> list[PastRecharge]:
    query = (
        select(LedgerEntryRow.__table__)
        .where(LedgerEntryRow.ledger_id == ledger_id, LedgerEntryRow.kind != ledger.CALL)
        .order_by(LedgerEntryRow.id.desc())
        .limit(min(limit, MOST))
    )
    if before is not None:
        query = query.where(LedgerEntryRow.id < before)
    sight = Sight(act.tx, act.actor)
    return [
        PastRecharge(
            row.id,
            row.at,
            row.kind,
            # (Nobody asked for an opening balance: its price is none.)
            row.price if ledger.order_of(row.step) else row.amount,
            ledger.order_of(row.step),
            row.balance_after,
            row.who and sight.author(place.id, row.by_account_id, row.who),
            row.note,
        )
        for row in act.tx.execute(query)
    ]
