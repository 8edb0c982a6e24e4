"""What a role may do (spec section 2, "People"): one table, and what a deed needs of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Right(StrEnum):
    """The value is how messages name the right: "needs the right to {value}"."""

    VIEW = "look at setups, callerIDs, sounds and sessions"
    SEE_CREDIT = "see callerIDs' credit and charges"
    SEE_MONEY = "see balances, plans and profit"
    SEE_PEOPLE = "see logins, keys and webhooks"
    SEE_AUDIT = "read the audit log"
    SET_UP = "change callback setups"
    CALLER_IDS = "change callerIDs"
    SOUNDS = "change sounds"
    SESSIONS = "end sessions, take locks off and call back"
    RECHARGE = "recharge"
    PLANS = "change plans and rates"
    REPORTS = "have reports made"
    LOGINS = "change logins"
    KEYS = "change keys"
    WEBHOOKS = "change webhooks"
    ACCOUNTS = "change accounts"
    GUARDS = "change guards"
    OPEN_TO_ANYONE = "open an extension to anyone"
    SEE_SERVER = "see trunks, routes and server settings"
    SERVER = "change trunks, routes and server settings"
    NUMBERS = "hand out access numbers"


class Role(StrEnum):
    OWNER = "owner"
    OPERATOR = "operator"
    ACCOUNTANT = "accountant"
    READER = "reader"


Rights = frozenset[Right]
NO_RIGHTS: Rights = frozenset()

_READS = {
    Right.VIEW,
    Right.SEE_CREDIT,
    Right.SEE_MONEY,
    Right.SEE_PEOPLE,
    Right.SEE_AUDIT,
    Right.SEE_SERVER,
    Right.REPORTS,
}

MAY: Mapping[Role, Rights] = MappingProxyType(
    {
        Role.OWNER: frozenset(Right),
        Role.OPERATOR: frozenset(
            {
                Right.VIEW,
                Right.SEE_CREDIT,
                Right.SET_UP,
                Right.CALLER_IDS,
                Right.SOUNDS,
                Right.SESSIONS,
            }
        ),
        Role.ACCOUNTANT: frozenset({*_READS, Right.RECHARGE, Right.PLANS}),
        Role.READER: frozenset(_READS),
    }
)


class Reach(StrEnum):
    """Where the role must stand that gives the right, seen from the account concerned. The top
    account has nothing above it, so its own roles count as above."""

    ANY = "on the account or above"
    ABOVE = "above the account"
    OWN = "on the very account"
    TOP = "on the account at the top"


@dataclass(frozen=True, slots=True)
class Need:
    """What a deed needs, or a field in a request."""

    right: Right
    reach: Reach = Reach.ANY

    def __str__(self) -> str:
        where = {
            Reach.ANY: "",
            Reach.ABOVE: ", which only an account above may do",
            Reach.OWN: ", which only the account itself may do",
            Reach.TOP: ", which only the server administrator may do",
        }
        return f"needs the right to {self.right}{where[self.reach]}"
