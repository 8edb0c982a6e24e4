"""What a database holds of the legs of the money model, read past the product."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import Connection, RowMapping, select

from ringback.amounts import to_millionths
from ringback.charging.rating import Free, Rate
from ringback.store import models


def reservations(tx: Connection, leg: str) -> Sequence[RowMapping]:
    query = select(models.ReservationRow.__table__).where(models.ReservationRow.leg_id == leg)
    return tx.execute(query).mappings().all()


def stored_seconds(tx: Connection, leg: str) -> float:
    """For how long what is reserved pays for a leg: block after block is taken off it."""
    lasts = []
    for row in reservations(tx, leg):
        tariff, left, blocks = Rate.from_json(row["rate"]), row["amount"] + row["free"], 0
        free = Free(row["free_first"], row["free_blocks"])
        while tariff.price(blocks + 1, free.used(blocks + 1)) <= left:
            blocks += 1
        lasts.append(tariff.first_block + blocks * tariff.next_block)
    return float(min(lasts))


def stored_free(tx: Connection, leg: str) -> dict[str, Free]:
    return {
        row["payer"]: Free(row["free_first"], row["free_blocks"]) for row in reservations(tx, leg)
    }


def paid_by(tx: Connection, leg: str) -> dict[str, Decimal]:
    """What each payer has reserved for a leg of its money."""
    return {row["payer"]: row["amount"] for row in reservations(tx, leg)}


def granted_by(tx: Connection, leg: str) -> dict[str, Decimal]:
    """What each payer was granted for a leg while its credit had no limit."""
    return {row["payer"]: row["free"] for row in reservations(tx, leg)}


def minutes_used(tx: Connection) -> int:
    """Seconds of free minutes that are gone."""
    return sum(tx.execute(select(models.AllowanceRow.used)).scalars())


def charged(tx: Connection, leg: str) -> dict[str, int]:
    """Millionths by payer, before what unlimited credit pays of them."""
    entry, held = models.LedgerEntryRow, models.ReservationRow
    query = (
        select(held.payer, entry.price)
        .join(held, held.id == entry.step)
        .where(held.leg_id == leg, entry.kind == "call")
    )
    rows = tx.execute(query).all()
    assert len(rows) == len({row.payer for row in rows}), "charged twice"
    return {row.payer: to_millionths(row.price) for row in rows}


def incomes(tx: Connection, leg: str) -> dict[str, int | None]:
    """Millionths by payer."""
    query = select(models.ChargeRow.payer, models.ChargeRow.income).where(
        models.ChargeRow.leg_id == leg
    )
    return {
        row.payer: None if row.income is None else to_millionths(row.income)
        for row in tx.execute(query)
    }


def check_minutes(tx: Connection, given: int) -> None:
    """An allowance's seconds are those of the reservations on it, and within what it gives."""
    for allowance in tx.execute(select(models.AllowanceRow.__table__)).mappings():
        held = 0
        query = select(models.ReservationRow.__table__).where(
            models.ReservationRow.allowance_id == allowance["id"], ~models.ReservationRow.settled
        )
        for row in tx.execute(query).mappings():
            free = Free(row["free_first"], row["free_blocks"])
            held += Rate.from_json(row["rate"]).free_seconds(free)
        assert allowance["reserved"] == held
        assert 0 <= allowance["used"] + held <= given
