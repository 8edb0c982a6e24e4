"""How far the balance of an account may go below zero: its own `credit_limit`, else the `limit` of
its plan; on a prepaid plan both are 0 (spec section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import Connection, RowMapping, or_, select

from ringback.amounts import ZERO, format_amount
from ringback.charging import ledger
from ringback.faults import Fault, Faults
from ringback.management.sight import Sight
from ringback.management.verbs import Act
from ringback.store.models import AccountRow, LedgerAccountRow, PlanRow

PREPAID = "prepaid"


def limit_in_force(own: Decimal | None, of_plan: Decimal | None) -> Decimal:
    """The limit of an account, by its own and that of its plan, each None if it has none."""
    return own if own is not None else of_plan or ZERO


def contradicts(own: Decimal | None, kind: str | None) -> bool:
    """Whether an account cannot have this limit of its own with a plan of this kind."""
    return bool(own) and kind == PREPAID


def put_in_force(tx: Connection, account_id: str) -> list[str]:
    """Put the limit of an account in force, whose row the unit of work holds. Its plan stays as it
    is until the unit is committed. Returns its ledger account if the limit is another now. Raises
    Faults by field of the account."""
    account = tx.execute(
        select(AccountRow.plan_id, AccountRow.ledger_id, AccountRow.credit_limit).where(
            AccountRow.id == account_id
        )
    ).one()
    plan = tx.execute(
        select(PlanRow.name, PlanRow.kind, PlanRow.limit)
        .where(PlanRow.id == account.plan_id)
        .with_for_update(read=True)
    ).one_or_none()
    own, kind = account.credit_limit, None if plan is None else plan.kind
    if plan is not None and contradicts(own, kind):
        told = (
            f"{format_amount(own)} is more than 0.00, and its plan {plan.name} is prepaid: take it "
            "out, or give a postpaid plan"
        )
        raise Faults([Fault(("credit_limit",), told)])
    try:
        changed = _set(tx, account.ledger_id, own, None if plan is None else plan.limit)
    except ledger.LimitRefused as error:
        where = "plan" if own is None else "credit_limit"
        raise Faults([Fault((where,), str(error))]) from error
    return [account.ledger_id] if changed else []


def put_plan_in_force(act: Act, plan_id: str) -> list[str]:
    """Put the limits of all accounts in force that have a plan, whose row the unit of work has
    changed or locked. Returns the ledger accounts whose limit is another now. Raises Faults by
    field of the plan, naming the accounts."""
    plan = act.tx.execute(select(PlanRow.kind, PlanRow.limit).where(PlanRow.id == plan_id)).one()
    concerned = _concerned(act.tx, plan_id)
    by_plan = [row["ledger_id"] for row in concerned if row["own"] is None]
    refused = ledger.set_credit_limits(act.tx, by_plan, plan.limit)
    sight = Sight(act.tx, act.actor)
    faults = []
    for row in concerned:
        if row["own"] is not None:
            told = (
                f"account {sight.path(row['id'])} has a credit_limit of its own, "
                f"{format_amount(row['own'])}, and none is possible with a prepaid plan: take that "
                "out first"
            )
            faults.append(Fault(("kind",), told))
        elif row["ledger_id"] in refused:
            where = "kind" if plan.kind == PREPAID else "limit"
            told = f"account {sight.path(row['id'])}: {refused[row['ledger_id']]}"
            faults.append(Fault((where,), told))
    if faults:
        raise Faults(faults)
    return by_plan


def _concerned(tx: Connection, plan_id: str) -> Sequence[RowMapping]:
    """The accounts with the plan whose limit is to be another, or contradicts the plan; in the
    order in which all lock balances."""
    query = (
        select(AccountRow.id, AccountRow.ledger_id, AccountRow.credit_limit.label("own"))
        .join(PlanRow, PlanRow.id == AccountRow.plan_id)
        .join(LedgerAccountRow, LedgerAccountRow.id == AccountRow.ledger_id)
        .where(
            AccountRow.plan_id == plan_id,
            AccountRow.deleted.is_(None),
            or_(
                AccountRow.credit_limit.is_(None)
                & (PlanRow.limit != LedgerAccountRow.credit_limit),
                (PlanRow.kind == PREPAID) & (AccountRow.credit_limit > ZERO),
            ),
        )
        .order_by(AccountRow.ledger_id)
    )
    return tx.execute(query).mappings().all()


def _set(tx: Connection, ledger_id: str, own: Decimal | None, of_plan: Decimal | None) -> bool:
    """Raises LimitRefused. Whether it changed."""
    limit = limit_in_force(own, of_plan)
    if ledger.balance(tx, ledger_id).credit_limit == limit:
        return False
    ledger.set_credit_limit(tx, ledger_id, limit)
    return True
