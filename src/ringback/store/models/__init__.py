"""The tables.

Ids are UUIDv7 texts unless a table says otherwise. Money is whole millionths, instants are whole
microseconds (see `types`). Only `ringback.charging.ledger` writes the ledger tables.
"""

from __future__ import annotations

from ringback.store.models.accounts import (
    AccessNumberRow,
    AccountRow,
    CallerIdRow,
    ExtensionRow,
)
from ringback.store.models.base import Base
from ringback.store.models.charging import (
    AllowanceRow,
    ChargeRow,
    DeckRow,
    LedgerAccountRow,
    LedgerEntryRow,
    LegCostRow,
    PlanRow,
    RateRow,
    ReservationRow,
)
from ringback.store.models.guards import GuardCountRow, SpendingRow
from ringback.store.models.people import (
    ApiKeyRow,
    AuditRow,
    LinkRow,
    LoginRoleRow,
    LoginRow,
    RecoveryCodeRow,
    SignInRow,
    ThrottleRow,
)
from ringback.store.models.sessions import (
    EventRow,
    HeartbeatRow,
    LegRow,
    LockRow,
    SessionRow,
    SettingRow,
    WrongClaimRow,
)
from ringback.store.models.sounds import (
    SoundFolderRow,
    SoundRow,
    SoundVariantRow,
    UnwantedSoundRow,
)
from ringback.store.models.trunks import FormerTrunkRow, RouteRow, RouteTrunkRow, TrunkRow

__all__ = [
    "AccessNumberRow",
    "AccountRow",
    "AllowanceRow",
    "ApiKeyRow",
    "AuditRow",
    "Base",
    "CallerIdRow",
    "ChargeRow",
    "DeckRow",
    "EventRow",
    "ExtensionRow",
    "FormerTrunkRow",
    "GuardCountRow",
    "HeartbeatRow",
    "LedgerAccountRow",
    "LedgerEntryRow",
    "LegCostRow",
    "LegRow",
    "LinkRow",
    "LockRow",
    "LoginRoleRow",
    "LoginRow",
    "PlanRow",
    "RateRow",
    "RecoveryCodeRow",
    "ReservationRow",
    "RouteRow",
    "RouteTrunkRow",
    "SessionRow",
    "SettingRow",
    "SignInRow",
    "SoundFolderRow",
    "SoundRow",
    "SoundVariantRow",
    "SpendingRow",
    "ThrottleRow",
    "TrunkRow",
    "UnwantedSoundRow",
    "WrongClaimRow",
]
