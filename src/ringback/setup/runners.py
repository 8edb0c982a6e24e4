"""Who does the steps of an application: on a copy, to find every fault, or for real."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from ringback.accounts.foundation import lay_foundation
from ringback.accounts.setupfile import SetupError
from ringback.charging.decks import DeckGone
from ringback.setup.work import Terms, Work
from ringback.store import Store, StoreError

T = TypeVar("T")

_GO_ON = "what is printed above has been applied, the rest has not: mend this, and apply again"


class HalfApplied(SetupError):
    """A step failed after others had been applied."""

    def __init__(self, message: str, credited: list[str]) -> None:
        super().__init__(message)
        self.credited = credited
        """The ledger accounts whose credit is another now."""


class Runner(Protocol):
    """Does one step after another."""

    async def run(self, step: Callable[[Work], T], *, entries: int = 0) -> T | None:
        """Do a step, with which so many entries of the file are done. None where it failed and the
        others are to be tried all the same."""
        ...


@dataclass(frozen=True, slots=True)
class _Changed:
    """What a step has changed."""

    told: tuple[str, ...]
    credited: frozenset[str]
    """The ledger accounts whose credit changed."""


class _Steps:
    """The units of work of an application."""

    def __init__(self, store: Store, terms: Terms, chance: random.Random) -> None:
        self.changes: list[str] = []
        self.credited: set[str] = set()
        self._store = store
        self._terms = terms
        self._chance = chance

    async def _do(self, step: Callable[[Work], T]) -> tuple[_Changed, T]:
        """Raises SetupError with every fault of the step, and then none of it is kept."""
        seed = self._chance.getrandbits(256)
        terms = self._terms

        def unit(tx: Connection) -> tuple[_Changed, T]:
            chance = random.Random(seed)  # done anew, it gives the same ids
            work = Work(tx, terms, chance)
            result = step(work)
            if work.faults:
                raise SetupError("\n".join(work.faults))
            work.finish()
            return _Changed(tuple(work.changes), frozenset(work.credited)), result

        changed, result = await self._store.run(unit)
        self.changes += changed.told
        self.credited |= changed.credited
        return changed, result


class Rehearsal(_Steps):
    """Does all steps on a copy, whatever fails, so that every fault is told at once."""

    def __init__(
        self, copy: Store, terms: Terms, chance: random.Random, done: Callable[[int], None]
    ) -> None:
        super().__init__(copy, terms, chance)
        self.faults: list[str] = []
        self._done = done

    async def run(self, step: Callable[[Work], T], *, entries: int = 0) -> T | None:
        try:
            _, result = await self._do(step)
        except SetupError as error:
            self.faults.append(str(error))
            return None
        finally:
            self._done(entries)
        return result


class ForReal(_Steps):
    """Stops at the first step that fails: what was checked has been changed by others since, or
    the database fails."""

    def __init__(
        self,
        store: Store,
        terms: Terms,
        chance: random.Random,
        done: Callable[[int], None],
        tell: Callable[[str], None],
        pause: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(store, terms, chance)
        self._done = done
        self._tell = tell
        self._pause = pause

    async def run(self, step: Callable[[Work], T], *, entries: int = 0) -> T | None:
        try:
            changed, result = await self._do(step)
        except (SetupError, StoreError, DeckGone) as error:
            raise self._half(str(error)) from error
        except IntegrityError as error:
            raise self._half("somebody else has changed the same thing meanwhile") from error
        for change in changed.told:
            self._tell(change)
        self._done(entries)
        await self._pause()
        return result

    def _half(self, why: str) -> SetupError:
        if not self.changes:
            return SetupError(why)
        return HalfApplied(f"{why}\n{_GO_ON}", sorted(self.credited))


def lay(work: Work) -> None:
    """The first step."""
    terms = work.terms
    work.changes += lay_foundation(
        work.tx, terms.secrets, terms.currency, terms.home_country, terms.now, work.chance
    )
