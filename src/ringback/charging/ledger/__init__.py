"""The ledger: the only code that changes a balance (spec section 6).

Functions over the connection of a unit of work; they commit nothing, and an exception they raise
must leave the unit, which undoes it. A refusal that is to be expected is a result. Every change has
an id of its maker's: the order number of a recharge, the reservation of a charge. The same id again
changes nothing.

While a credit is unlimited nothing of it is ever reserved: its reservations are granted `free`,
and what is posted of them takes no money.
"""

from ringback.charging.holds import Shortage
from ringback.charging.ledger.balances import (
    CALL,
    UNLIMITED,
    Balance,
    RechargeKind,
    available,
    balance,
    balances,
    recharged,
)
from ringback.charging.ledger.calls import (
    LedgerFault,
    reserve,
    revoked,
    settle,
    settle_interrupted,
)
from ringback.charging.ledger.closing import close
from ringback.charging.ledger.credit import (
    LimitRefused,
    Recharged,
    RechargeRefused,
    open_account,
    open_empty,
    order_of,
    recharge,
    set_credit_limit,
    set_credit_limits,
    step_of,
)
from ringback.charging.ledger.minutes import free_left
from ringback.charging.ledger.released import forget, released
from ringback.charging.ledger.spending import spent

__all__ = [
    "CALL",
    "UNLIMITED",
    "Balance",
    "LedgerFault",
    "LimitRefused",
    "RechargeKind",
    "RechargeRefused",
    "Recharged",
    "Shortage",
    "available",
    "balance",
    "balances",
    "close",
    "forget",
    "free_left",
    "open_account",
    "open_empty",
    "order_of",
    "recharge",
    "recharged",
    "released",
    "reserve",
    "revoked",
    "set_credit_limit",
    "set_credit_limits",
    "settle",
    "settle_interrupted",
    "spent",
    "step_of",
]
