"""Credit that may be spent for long before anybody notices: it is unlimited or postpaid, and no
level from its own upwards has a `spend_per_day` (spec section 8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, func, select

from ringback import levels
from ringback.accounts import tree
from ringback.accounts.tree import ExtensionFacts, extensions
from ringback.cli.doctor.finding import Finding, warning
from ringback.guards.settings import Kind, guards_of
from ringback.levels import Level
from ringback.store.models import AccountRow, CallerIdRow, LedgerAccountRow, PlanRow

_SET_IT = "set guards: {spend_per_day: ...}, or whoever gets hold of it spends without end"


def examine_spending(tx: Connection) -> Iterator[Finding]:
    """Warn if somebody may spend without a daily limit."""
    postpaid = (
        select(AccountRow.id)
        .join(PlanRow, PlanRow.id == AccountRow.plan_id)
        .where(PlanRow.kind == "postpaid", AccountRow.deleted.is_(None))
        .order_by(AccountRow.name)
    )
    for account in tx.execute(postpaid).scalars().all():
        found = levels.of_account(tx, account)
        if not _limited(found):
            yield warning(f"account {found[0].name}: its plan is postpaid: {_SET_IT}")
    for extension in extensions(tx):
        facts = tree.load_extension(tx, extension)
        if all(each.guards.spend_per_day is None for each in facts.guarded):
            yield from _caller_ids(tx, facts)


def _limited(accounts: Iterable[Level]) -> bool:
    found = (guards_of(Kind.ACCOUNT, account.guards) for account in accounts)
    return any(guards.spend_per_day is not None for guards in found)


def _caller_ids(tx: Connection, extension: ExtensionFacts) -> Iterator[Finding]:
    unlimited = (
        select(CallerIdRow.guards, func.min(CallerIdRow.number), func.count())
        .join(LedgerAccountRow, LedgerAccountRow.id == CallerIdRow.ledger_id)
        .where(
            CallerIdRow.extension_id == extension.id,
            CallerIdRow.deleted.is_(None),
            LedgerAccountRow.unlimited,
        )
        .group_by(CallerIdRow.guards)
    )
    rows = [
        (number, count)
        for guards, number, count in tx.execute(unlimited)
        if guards_of(Kind.CALLER_ID, guards).spend_per_day is None
    ]
    if rows:
        others = sum(count for _, count in rows) - 1
        more = f" and {others} more have" if others else " has"
        yield warning(
            f"extension {extension.name}: callerID {min(rows)[0]}{more} unlimited credit: {_SET_IT}"
        )
