"""Credit limits: how far the balances of accounts may go below zero (spec section 6).

An account's is its own `credit_limit`, else the `limit` of its plan. It depends on three entries of
a file, so it is judged and put in force when all of them have been brought about.
"""

from __future__ import annotations

from sqlalchemy import select

from ringback.accounts.apply.work import FoundRow, Work
from ringback.accounts.setupfile import SetupError
from ringback.amounts import ZERO, format_amount
from ringback.charging import ledger
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
)


def bring_about(work: Work) -> None:
    """Every account has the limit that is its own now."""
    for account in work.tx.execute(_ALL).mappings().all():
        with work.attempt():
            _put_in_force(work, dict(account))


def _put_in_force(work: Work, account: FoundRow) -> None:
    own, plan = account["credit_limit"], account["plan"]
    what = f"account {account['name']}: " + (
        f"plan {plan or 'none'}" if own is None else "credit_limit"
    )
    if own and account["kind"] == "prepaid":
        raise SetupError(
            f"{what}: {format_amount(own)} is more than 0.00, and its plan {plan} is prepaid: take "
            "it out, or make the plan postpaid"
        )
    limit = own if own is not None else account["limit"] or ZERO
    if limit == account["in_force"]:
        return
    try:
        ledger.set_credit_limit(work.tx, account["ledger_id"], limit)
    except ledger.LimitRefused as error:
        raise SetupError(f"{what}: {error}") from error
    work.credited.add(account["ledger_id"])
