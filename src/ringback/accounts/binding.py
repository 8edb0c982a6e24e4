"""Moving the MACs that an older Ringback stored: they were not bound to their owner."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, select, update

from ringback.accounts.secrets import VOID, Secrets
from ringback.store.models import (
    CallerIdRow,
    ExtensionRow,
    FormerTrunkRow,
    SettingRow,
    TrunkRow,
)

_MARK = SettingRow.name == "unbound_secrets"
"""Set by migration 0010 where there are such MACs."""
SECRETS = (
    (ExtensionRow.__table__.c.id, ExtensionRow.__table__.c.password_mac),
    (CallerIdRow.__table__.c.id, CallerIdRow.__table__.c.pin_mac),
)
"""Where MACs are: of each table the owner's id and the MAC."""


def bind_secrets(tx: Connection, secrets: Secrets) -> None:
    """Bind what is not bound yet. The key must be the database's own. A unit of work."""
    if tx.execute(select(SettingRow.value).where(_MARK)).scalar() is None:
        return
    for owner, mac in SECRETS:
        bound = [
            {"owner": id_, "mac": secrets.bound(id_, unbound)}
            for id_, unbound in tx.execute(select(owner, mac).where(mac.is_not(None)))
        ]
        if bound:
            statement = update(mac.table).where(owner == bindparam("owner"))
            tx.execute(statement.values({mac: bindparam("mac")}), bound)
    _forget_mark(tx)


def void_secrets(tx: Connection) -> None:
    """No entry is right for any of them any more. A unit of work."""
    for _, mac in SECRETS:
        tx.execute(update(mac.table).where(mac.is_not(None)).values({mac: VOID}))
    for model in (TrunkRow, FormerTrunkRow):
        tx.execute(update(model).where(model.password.is_not(None)).values(password=VOID))
    _forget_mark(tx)


def _forget_mark(tx: Connection) -> None:
    tx.execute(delete(SettingRow).where(_MARK))
