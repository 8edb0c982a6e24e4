"""Free minutes: reserved and used like money, in whole seconds of a month's allowance."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, insert, select, update

from ringback.charging.packages import Allowance
from ringback.store import models
from ringback.store.prepared import Prepared

_M = models.AllowanceRow

_TAKEN = Prepared(
    select(_M.id, _M.reserved, _M.used).where(_M.id.in_(bindparam("ids", expanding=True)))
)
_BEGIN = Prepared(insert(_M))
_TAKE = Prepared(
    update(_M)
    .where(
        _M.id == bindparam("id"),
        _M.reserved + _M.used + bindparam("more") <= bindparam("seconds"),
    )
    .values(reserved=_M.reserved + bindparam("more"), seconds=bindparam("seconds"))
)
_USE = Prepared(
    update(_M)
    .where(_M.id == bindparam("id"))
    .values(reserved=_M.reserved - bindparam("held"), used=_M.used + bindparam("spent"))
)


def free_left(tx: Connection, allowances: Iterable[Allowance]) -> dict[str, int]:
    """Seconds that can still be reserved of each, by its id."""
    given = {each.id: each.seconds for each in allowances}
    if not given:
        return {}
    taken = {row.id: row.reserved + row.used for row in _TAKEN.rows(tx, ids=list(given))}
    return {id_: max(0, seconds - taken.get(id_, 0)) for id_, seconds in given.items()}


def take(tx: Connection, allowance: Allowance, seconds: int) -> bool:
    """Reserve more of an allowance; False when so much is not left. Nothing can always be had:
    a package that was made smaller in mid-month may be used beyond what it gives now."""
    if not _TAKEN.rows(tx, ids=[allowance.id]):
        _BEGIN.run(
            tx,
            id=allowance.id,
            ledger_id=allowance.ledger_id,
            prefix=allowance.prefix,
            month=allowance.month,
            seconds=allowance.seconds,
            reserved=0,
            used=0,
        )
    if not seconds:
        return True
    return _TAKE.run(tx, id=allowance.id, more=seconds, seconds=allowance.seconds) > 0


def use(tx: Connection, allowance_id: str, held: int, spent: int) -> None:
    """Of so many seconds held, so many were spent; the others are free again."""
    _USE.run(tx, id=allowance_id, held=held, spent=spent)
