"""Accounts, extensions with their callback setups, and the access numbers that accounts hold."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from ringback.accounts import numbers
from ringback.accounts.account_entry import ENABLED, LimitsEntry
from ringback.accounts.callback import to_document
from ringback.management import places
from ringback.management.accounts.giving import makers_for, plan_meant
from ringback.management.accounts.rows import plan_name, written_amount, written_time
from ringback.management.exporting.form import Exported, guarded, in_order, names_of, said
from ringback.management.extensions import setups
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, read
from ringback.store.models import AccessNumberRow, AccountRow

_MONEY, _VIEW = Need(Right.SEE_MONEY), Need(Right.VIEW)


@read("setup.account", Kind.ACCOUNT, _MONEY)
def account(act: Act, place: Place) -> Exported:
    """What is set of an account, or of an extension as of any account, beside its name and where it
    stands."""
    row = act.tx.execute(select(AccountRow.__table__).where(AccountRow.id == place.id)).one()
    of_itself = None if place.kind is Kind.EXTENSION else row.name
    at_top = not place.above
    plan = plan_name(act.tx, row.plan_id)
    missing = ""
    if plan_meant(act, plan, place, makers_for(place), lock=False) != row.plan_id:
        missing = f"its plan is not named: a nearer account has one that is called {plan}, too"
        plan = None
    document = said(
        contact_name=None if row.contact_name == of_itself else row.contact_name,
        country=None if at_top else row.country,
        language=row.language,
        time_zone=row.time_zone,
        status=None if row.status == ENABLED else row.status,
        expires=written_time(row.expires),
        plan=plan,
        credit_limit=written_amount(row.credit_limit),
        low_credit=written_amount(row.low_credit),
        limits=in_order(row.limits, names_of(LimitsEntry)),
        **guarded(row),
    )
    return Exported(document, missing=missing)


@read("setup.extension", Kind.EXTENSION, _VIEW, at=places.of_extension)
def extension(act: Act, place: Place) -> Exported:
    """What is set of an extension beside that: its access numbers and its callback setup."""
    stored = setups.stored(act, place)
    document = said(
        access_numbers=list(numbers.leading_to(act.tx, place.id)),
        callback=to_document(stored.setup),
    )
    if stored.password_mac is None:
        return Exported(document)
    return Exported(document, remark="it has a password: elsewhere, set callback.password")


@read("setup.numbers", Kind.ACCOUNT, _VIEW)
def held(act: Act, place: Place) -> list[dict[str, Any]]:
    """The access numbers that an account holds itself, with their destinations, but not the
    account."""
    query = select(AccessNumberRow.number, AccessNumberRow.destination).where(
        AccessNumberRow.account_id == place.id
    )
    found = sorted(act.tx.execute(query).all(), key=lambda row: row.number)
    return [said(number=row.number, destination=row.destination) for row in found]
