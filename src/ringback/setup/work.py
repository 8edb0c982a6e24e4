"""What one step of an application has: the connection, what changed, and what was wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from ringback.accounts.naming import BadName, find_account
from ringback.accounts.secrets import Secrets
from ringback.accounts.setupfile import SetupError
from ringback.clock import Instant
from ringback.ids import new_id
from ringback.store.models import AccountRow, Base
from ringback.wording import from_to

FoundRow = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Terms:
    """What all steps of an application have in common."""

    secrets: Secrets
    now: Instant
    currency: str
    home_country: str
    allow_loss: bool
    """Secrets may be taken off, and most of a plan's rates taken out."""


class Work:
    """One step of an application, within one unit of work."""

    def __init__(self, tx: Connection, terms: Terms, chance: random.Random) -> None:
        self.tx = tx
        self.terms = terms
        self.secrets = terms.secrets
        self.now = terms.now
        self.allow_loss = terms.allow_loss
        self.chance = chance
        self.changes: list[str] = []
        self.faults: list[str] = []
        self.credited: set[str] = set()
        """The ledger accounts whose credit changed."""

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A fault within is kept, so that all of them are told at once."""
        try:
            yield
        except SetupError as error:
            self.faults.append(str(error))

    def new_id(self) -> str:
        return new_id(self.now, self.chance)

    def one(self, model: type[Base], *where: Any) -> FoundRow | None:
        """The row that there is, if there is one."""
        row = self.tx.execute(select(model.__table__).where(*where)).mappings().one_or_none()
        return None if row is None else dict(row)

    def account(self, name: str, what: str) -> FoundRow | None:
        """The account of a path or a name. Raises SetupError where several have the name."""
        try:
            found = find_account(self.tx, name)
        except BadName as error:
            raise SetupError(f"{what}: {error}") from error
        return None if found is None else self.one(AccountRow, AccountRow.id == found[0])

    def account_id(self, name: str, what: str) -> str:
        """The id of an account. Raises SetupError where there is none."""
        found = self.account(name, what)
        if found is None:
            raise SetupError(f"{what}: there is no account {name!r}: put it under accounts")
        return str(found["id"])

    def change(
        self,
        model: Any,
        found: FoundRow,
        what: str,
        values: FoundRow,
        as_told: Callable[[FoundRow], FoundRow] = lambda columns: columns,
    ) -> None:
        """Update what differs from `found`, and tell it."""
        changed = {name: value for name, value in values.items() if found[name] != value}
        if not changed:
            return
        for name in changed:
            if name.endswith("_mac") and changed[name] is None and not self.allow_loss:
                raise SetupError(
                    f"{what}: this would take its {name.removesuffix('_mac')} off: leave it out of "
                    "the file, or add --allow-loss"
                )
        self.tx.execute(update(model).where(model.id == found["id"]).values(**changed))
        before = as_told({name: found[name] for name in changed})
        for name, value in as_told(changed).items():
            self.changes.append(f"{what}: {told(name, before[name], value)}")


def told(name: str, before: object, after: object) -> str:
    """A change of a value, without the value of a secret."""
    if name.endswith("_mac"):
        verb = "set" if before is None else "taken out" if after is None else "changed"
        return f"{name.removesuffix('_mac')} {verb}"
    return from_to(name, before, after)
