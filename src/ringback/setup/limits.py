"""Credit limits: how far the balances of accounts may go below zero (spec section 6).

An account's is its own `credit_limit`, else the `limit` of its plan. It depends on three entries of
a file, so it is judged and put in force when all of them have been brought about.
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import select

from ringback.accounts.setupfile import SetupError
from ringback.amounts import ZERO, format_amount
from ringback.charging import ledger
from ringback.setup.work import FoundRow, Work
from ringback.store.models import AccountRow, LedgerAccountRow, PlanRow

_ALL = (
    select(
        AccountRow.name,
        AccountRow.ledger_id,
        AccountRow.credit_limit,
        PlanRow.name.label("plan"),
        PlanRow.kind,
        PlanRow.limit,
        LedgerAccountRow.credit_limit.label("in_force"),
    )
    .join(LedgerAccountRow, LedgerAccountRow.id == AccountRow.ledger_id)
    .outerjoin(PlanRow, PlanRow.id == AccountRow.plan_id)
    .where(AccountRow.deleted.is_(None))
)


def others(work: Work) -> list[FoundRow]:
    """The accounts whose limit is another now, or cannot be."""
    found = [dict(row) for row in work.tx.execute(_ALL).mappings()]
    return [
        account
        for account in found
        if _limit(account) != account["in_force"] or _contradicts(account)
    ]


def _limit(account: FoundRow) -> Decimal:
    own = account["credit_limit"]
    limit: Decimal = own if own is not None else account["limit"] or ZERO
    return limit


def _contradicts(account: FoundRow) -> bool:
    return bool(account["credit_limit"]) and account["kind"] == "prepaid"


def put_in_force(work: Work, account: FoundRow) -> None:
    """The account has the limit that is its own now."""
    own, plan = account["credit_limit"], account["plan"]
    what = f"account {account['name']}: " + (
        f"plan {plan or 'none'}" if own is None else "credit_limit"
    )
    if _contradicts(account):
        raise SetupError(
            f"{what}: {format_amount(own)} is more than 0.00, and its plan {plan} is prepaid: take "
            "it out, or make the plan postpaid"
        )
    try:
        ledger.set_credit_limit(work.tx, account["ledger_id"], _limit(account))
    except ledger.LimitRefused as error:
        raise SetupError(f"{what}: {error}") from error
    work.credited.add(account["ledger_id"])
