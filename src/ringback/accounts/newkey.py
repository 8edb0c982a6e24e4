"""Another key in place of a lost one: no entry is right any more for any secret under the old."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ringback.accounts.binding import void_secrets
from ringback.accounts.naming import path
from ringback.accounts.secrets import VOID, Secrets, remember_key
from ringback.store.models import CallerIdRow, ExtensionRow, TrunkRow


def replace_key(tx: Connection, secrets: Secrets) -> list[str]:
    """Void all passwords and PINs, and remember the new key; returns whose they are, a line each. A
    unit of work."""
    void_secrets(tx)
    remember_key(tx, secrets)
    return voided(tx)


def voided(tx: Connection) -> list[str]:
    """Whose passwords and PINs are void, a line each."""
    passwords = tx.execute(
        select(ExtensionRow.id).where(ExtensionRow.password_mac == VOID)
    ).scalars()
    pins = tx.execute(
        select(CallerIdRow.extension_id, CallerIdRow.number).where(CallerIdRow.pin_mac == VOID)
    )
    trunks = tx.execute(select(TrunkRow.name).where(TrunkRow.password == VOID)).scalars()
    return [
        *sorted(f"password of {path(tx, id_)}" for id_ in passwords),
        *sorted(f"PIN of {path(tx, row.extension_id)}:{row.number}" for row in pins),
        *sorted(f"password of trunk {name}" for name in trunks),
    ]
