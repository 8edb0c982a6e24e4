"""Credit that may run far before anybody notices: without limit or postpaid, and no `spend_per_day`
on the way to the top (spec section 8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, func, select

from ringback import levels
from ringback.accounts import tree
from ringback.accounts.tree import ExtensionFacts
from ringback.cli.doctor.finding import Finding, warning
from ringback.guards.settings import Kind, guards_of
from ringback.levels import Level
from ringback.store.models import AccountRow, CallerIdRow, ExtensionRow, LedgerAccountRow, PlanRow

_SET_IT = "set guards: {spend_per_day: ...}, or whoever gets hold of it spends without end"


def examine_spending(tx: Connection) -> Iterator[Finding]:
    """Whether somebody may spend without any limit a day."""
    postpaid = (
        select(AccountRow.id)
        .join(PlanRow, PlanRow.id == AccountRow.plan_id)
        .where(PlanRow.kind == "postpaid")
        .order_by(AccountRow.name)
    )
    for account in tx.execute(postpaid).scalars().all():
        found = levels.of_account(tx, account)
        if not _limited(found):
            yield warning(f"account {found[0].name}: its plan is postpaid: {_SET_IT}")
    for extension in (
        tx.execute(select(ExtensionRow.id).order_by(ExtensionRow.name)).scalars().all()
    ):
        facts = tree.load_extension(tx, extension)
        if facts.guarded[0].guards.spend_per_day is None and not _limited(facts.levels):
            yield from _caller_ids(tx, facts)


def _limited(accounts: Iterable[Level]) -> bool:
    found = (guards_of(Kind.ACCOUNT, account.guards) for account in accounts)
    return any(guards.spend_per_day is not None for guards in found)


def _caller_ids(tx: Connection, extension: ExtensionFacts) -> Iterator[Finding]:
    unlimited = (
        select(CallerIdRow.guards, func.min(CallerIdRow.number), func.count())
        .join(LedgerAccountRow, LedgerAccountRow.id == CallerIdRow.ledger_id)
        .where(CallerIdRow.extension_id == extension.id, LedgerAccountRow.unlimited)
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
