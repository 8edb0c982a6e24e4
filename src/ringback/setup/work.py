"""What one step of an application has: the connection, what changed, and what was wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from sqlalchemy import Connection

from ringback.accounts.secrets import Secrets
from ringback.accounts.setupfile import SetupError
from ringback.clock import Instant
from ringback.faults import Faults
from ringback.management import audit
from ringback.management.actor import command_line
from ringback.management.change import Change, SecretChange
from ringback.management.naming import find_place
from ringback.management.places import Place
from ringback.management.refusals import Ambiguous, NotFound
from ringback.management.verbs import Act, Done

T = TypeVar("T")


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
        self._unwritten: list[Change] = []

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A fault within is kept, so that all of them are told at once."""
        try:
            yield
        except SetupError as error:
            self.faults.append(str(error))

    @cached_property
    def act(self) -> Act:
        """What the verbs get: the machine's owner does all of it."""
        actor = command_line(self.tx, self.now)
        return Act(self.tx, actor, self.now, self.chance, self.secrets, verb="setup.apply")

    @contextmanager
    def about(self, what: str) -> Iterator[None]:
        """A verb about `what` is called, whose refusal is a fault of the file. Raises
        SetupError."""
        try:
            yield
        except Faults as faults:
            raise SetupError("\n".join(f"{what}: {fault}" for fault in faults.found)) from faults
        except NotFound as error:
            raise SetupError(f"{what}: {error}") from error

    def did(self, what: str, done: Done[T]) -> T:
        """Keep what came of a verb. Raises SetupError where a secret was taken off, which loses
        it."""
        self._tell(what, done.changes)
        self.credited |= set(done.credited)
        return done.value

    def keep(self, what: str, changes: Sequence[Change], *, tell: bool = True) -> None:
        """The same of what was changed by no verb; `finish` writes it to the audit log."""
        self._unwritten += changes
        if tell:
            self._tell(what, changes)

    def finish(self) -> None:
        """The step is done."""
        audit.write(self.tx, self.now, self._unwritten)

    def _tell(self, what: str, changes: Sequence[Change]) -> None:
        for change in changes:
            for name, became in change.secrets.items():
                if became is SecretChange.TAKEN_OFF and not self.allow_loss:
                    raise SetupError(
                        f"{what}: this would take its {name} off: leave it out of the file, or "
                        "add --allow-loss"
                    )
            self.changes += change.lines()

    def find(self, name: str) -> Place | None:
        """The account of a path or a name; None if there is none, or several have the name."""
        try:
            return find_place(self.tx, self.act.actor, name)
        except NotFound:
            return None

    def place(self, name: str, what: str) -> Place:
        """The account of a path or a name. Raises SetupError where there is none, or several have
        the name."""
        try:
            return find_place(self.tx, self.act.actor, name)
        except Ambiguous as error:
            raise SetupError(f"{what}: {error}") from error
        except NotFound as error:
            raise SetupError(f"{what}: {error}: put it under accounts") from error
