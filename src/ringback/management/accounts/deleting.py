"""An account, or extension, is taken out of use. Its row stays for the records that name it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, func, or_, select, update

from ringback.amounts import format_amount
from ringback.charging import decks, ledger
from ringback.charging.ledger import Balance
from ringback.faults import Fault, Faults
from ringback.management.accounts.rows import held
from ringback.management.change import Action
from ringback.management.people import sign_ins
from ringback.management.people.credentials import rights_of
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Reach, Right
from ringback.management.verbs import Act, Done, verb
from ringback.store.models import (
    AccessNumberRow,
    AccountRow,
    ApiKeyRow,
    CallerIdRow,
    LedgerAccountRow,
    LinkRow,
    LoginRoleRow,
    LoginRow,
    PlanRow,
    SessionRow,
)
from ringback.wording import listed


@verb("account.delete", Kind.ACCOUNT, Need(Right.ACCOUNTS, Reach.ABOVE))
def remove(act: Act, place: Place) -> Done[None]:
    """Take an account or extension out of use, with the callerIDs, plans, roles and keys that it
    has; its access numbers go back to the account above. Raises Faults, which name what is
    in the way: live sessions, money, accounts below."""
    row = held(act.tx, place)
    faults = _in_the_way(act.tx, row)
    if faults:
        raise Faults(faults)
    taken = {
        "caller_ids": _caller_ids(act, place),
        "access_numbers": _hand_back(act.tx, row),
        "plans": _plans(act, place),
        "logins": _people(act, place),
        "keys": _keys(act, place),
    }
    act.tx.execute(update(AccountRow).where(AccountRow.id == place.id).values(deleted=act.now))
    fields = {name: (before, None) for name, before in taken.items() if before}
    return Done(None, [act.change(Action.DELETED, place, fields=fields)])


def _in_the_way(tx: Connection, row: Any) -> list[Fault]:
    if row["parent_id"] is None:
        return [Fault(("account",), "is above all others, and stays")]
    found = []
    below = select(AccountRow.name).where(
        AccountRow.parent_id == row["id"], AccountRow.deleted.is_(None)
    )
    names = tx.execute(below.order_by(AccountRow.name)).scalars().all()
    if names:
        found.append(Fault(("accounts",), f"below it: {listed(names)}: delete them first"))
    live = select(func.count()).where(
        SessionRow.extension_id == row["id"], SessionRow.outcome.is_(None)
    )
    sessions = tx.execute(live).scalar_one()
    if sessions:
        found.append(Fault(("sessions",), f"{sessions} live: end them first"))
    money = _money(ledger.balance(tx, row["ledger_id"], lock=True))
    if money is not None:
        found.append(Fault(("balance",), f"{money}: see that it is 0.00 first"))
    rich = _with_credit(tx, row["id"])
    if rich:
        found.append(Fault(("caller_ids",), f"with credit: {listed(rich)}: delete them first"))
    return found


def _money(balance: Balance) -> str | None:
    """What there is, in words; None if there is nothing."""
    if balance.reserved:
        return f"{format_amount(balance.reserved)} is reserved"
    if balance.unlimited:
        return "it is unlimited"
    return f"it is {format_amount(balance.balance)}" if balance.balance else None


def _with_credit(tx: Connection, extension_id: str) -> list[str]:
    """The callerIDs with money. Nobody recharges them until the unit of work is committed."""
    query = (
        select(CallerIdRow.number, LedgerAccountRow)
        .join(LedgerAccountRow, LedgerAccountRow.id == CallerIdRow.ledger_id)
        .where(CallerIdRow.extension_id == extension_id, CallerIdRow.deleted.is_(None))
        .order_by(LedgerAccountRow.id)
        .with_for_update(of=LedgerAccountRow)
    )
    return sorted(
        row.number
        for row in tx.execute(query)
        if _money(Balance(row.balance, row.reserved, row.credit_limit, row.unlimited))
    )


def _caller_ids(act: Act, place: Place) -> int:
    """How many it had."""
    query = update(CallerIdRow).where(
        CallerIdRow.extension_id == place.id, CallerIdRow.deleted.is_(None)
    )
    return act.tx.execute(query.values(deleted=act.now, pin_mac=None)).rowcount


def _hand_back(tx: Connection, row: Any) -> list[str]:
    """The access numbers that led to it, or were handed to it; none leads anywhere any more."""
    its = or_(AccessNumberRow.extension_id == row["id"], AccessNumberRow.account_id == row["id"])
    query = select(AccessNumberRow.number).where(its).order_by(AccessNumberRow.number)
    numbers = tx.execute(query).scalars().all()
    tx.execute(
        update(AccessNumberRow)
        .where(AccessNumberRow.account_id == row["id"])
        .values(account_id=row["parent_id"], destination=None)
    )
    tx.execute(
        update(AccessNumberRow)
        .where(AccessNumberRow.extension_id == row["id"])
        .values(extension_id=None, position=0)
    )
    return list(numbers)


def _plans(act: Act, place: Place) -> list[str]:
    """The plans that it made. (Only accounts below it could have been given one.)"""
    its = (PlanRow.account_id == place.id, PlanRow.deleted.is_(None))
    found = act.tx.execute(
        select(PlanRow.id, PlanRow.name).where(*its).order_by(PlanRow.name)
    ).all()
    for plan in found:
        decks.take_all(act.tx, plan.id)
    act.tx.execute(update(PlanRow).where(*its).values(deleted=act.now))
    return [plan.name for plan in found]


def _people(act: Act, place: Place) -> list[str]:
    """Who had a role there; without any other their sign-in sessions end. Nobody is invited any
    more."""
    query = (
        select(LoginRow.id, LoginRow.email)
        .join(LoginRoleRow, LoginRoleRow.login_id == LoginRow.id)
        .where(LoginRoleRow.account_id == place.id)
        .order_by(LoginRow.email)
    )
    people = act.tx.execute(query).all()
    act.tx.execute(delete(LoginRoleRow).where(LoginRoleRow.account_id == place.id))
    for person in people:
        if not rights_of(act.tx, person.id):
            sign_ins.end_all(act.tx, person.id, act.now)
    act.tx.execute(
        update(LinkRow)
        .where(LinkRow.account_id == place.id, LinkRow.used.is_(None))
        .values(used=act.now)
    )
    return [person.email for person in people]


def _keys(act: Act, place: Place) -> list[str]:
    """The keys that reached it."""
    its = (ApiKeyRow.account_id == place.id, ApiKeyRow.ended.is_(None))
    names = act.tx.execute(select(ApiKeyRow.name).where(*its).order_by(ApiKeyRow.id)).scalars()
    found = names.all()
    act.tx.execute(update(ApiKeyRow).where(*its).values(ended=act.now))
    return list(found)
