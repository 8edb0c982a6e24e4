"""Authorized callerIDs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from ringback.guards.settings import UNLIMITED
from ringback.management import places
from ringback.management.accounts.rows import written_amount, written_time
from ringback.management.exporting.form import guarded, said
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, read
from ringback.store.models import CallerIdRow, LedgerAccountRow

MOST = 500
"""The most in one answer."""


@read("setup.caller_ids", Kind.EXTENSION, Need(Right.SEE_CREDIT), at=places.of_extension)
def caller_ids(act: Act, place: Place, *, after: str = "") -> list[dict[str, Any]]:
    """The callerIDs of an extension by their numbers, those behind the number `after`. Of their
    credit there is only whether it is unlimited: an amount would be recharged again."""
    query = (
        select(CallerIdRow.__table__, LedgerAccountRow.unlimited)
        .join(LedgerAccountRow, LedgerAccountRow.id == CallerIdRow.ledger_id)
        .where(
            CallerIdRow.extension_id == place.id,
            CallerIdRow.deleted.is_(None),
            CallerIdRow.number > after,
        )
        .order_by(CallerIdRow.number)
        .limit(MOST)
    )
    return [_document(row) for row in act.tx.execute(query)]


def _document(row: Any) -> dict[str, Any]:
    return said(
        number=row.number,
        name=row.name,
        reference=row.reference,
        note=row.note,
        enabled=None if row.enabled else False,
        expires=written_time(row.expires),
        credit=UNLIMITED if row.unlimited else None,
        language=row.language,
        speed_dials=_dials(row.speed_dials),
        low_credit=written_amount(row.low_credit),
        **guarded(row),
    )


def _dials(stored: Mapping[str, str]) -> dict[str, str]:
    return {key: stored[key] for key in sorted(stored, key=int)}
