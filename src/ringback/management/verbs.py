"""Verbs and reads: what people do and look at, each with its rule.

A verb is a unit of work. Its decorator finds the place concerned, decides whether the actor may
(`actor.authorize`), checks each field of the request, and writes what changed to the audit log. So
a verb's own text holds none of that:

    @verb("account.rename", Kind.ACCOUNT, Need(Right.ACCOUNTS))
    def rename(act: Act, place: Place, *, name: str) -> Done[None]:
        ...
        return Done(None, [act.change(Action.UPDATED, place, fields={"name": (old, name)})])

It is called with the id of the place (or of what `at` takes): `rename(act, account_id, name="x")`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from sqlalchemy import Connection

from ringback.accounts.secrets import Secrets
from ringback.changes import NoSuch
from ringback.clock import Instant
from ringback.faults import Fault, Faults
from ringback.ids import is_id, new_id
from ringback.management import audit, places
from ringback.management.actor import Actor, authorize
from ringback.management.change import (
    NO_FIELDS,
    Action,
    Altered,
    Author,
    Change,
    SecretChange,
)
from ringback.management.letters import Letter
from ringback.management.places import Kind, Place
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import Need

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Act:
    """One act of somebody: all that a verb has beside its arguments."""

    tx: Connection
    actor: Actor
    now: Instant
    chance: random.Random
    secrets: Secrets
    verb: str = ""
    """Name of the verb that is at work."""
    subject: str = ""
    """The id that the verb was called with."""
    by_account_id: str | None = None
    """The account whose role allowed it."""

    def new_id(self) -> str:
        return new_id(self.now, self.chance)

    def change(
        self,
        action: Action,
        place: Place,
        *,
        kind: Kind | None = None,
        id: str | None = None,
        name: str = "",
        fields: Mapping[str, tuple[Any, Any]] = NO_FIELDS,
        secrets: Mapping[str, SecretChange] = NO_FIELDS,
        line: str = "",
    ) -> Change:
        """A change of the place itself, or of what is named, which belongs to the place."""
        what = Altered(kind or place.kind, action, id or place.id, name, fields, secrets, line)
        return self.told(place, what)

    def told(self, place: Place, what: Altered) -> Change:
        """The same, of what a unit of work of another package has done."""
        actor = self.actor
        nearest = next((id_ for id_ in place.chain if id_ in actor.grants), None)
        author = Author(
            actor.name,
            actor.login_id,
            actor.key_id,
            self.by_account_id or nearest,
            None if actor.view is None else actor.view.id,
        )
        return Change(
            kind=Kind(what.kind),
            action=what.action,
            id=what.id,
            name=what.name,
            fields=what.fields,
            secrets=what.secrets,
            line=what.line,
            verb=self.verb,
            place=place,
            path=actor.path_of(place),
            author=author,
        )


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """What came of a verb."""

    value: T
    changes: Sequence[Change] = ()
    """Empty if nothing changed."""
    letters: Sequence[Letter] = ()
    """To be sent once the unit of work is committed."""
    credited: Sequence[str] = ()
    """The ledger accounts whose credit is another now: live calls on them are to be told."""


class Who(StrEnum):
    """Who may do a deed that belongs to no place."""

    ANYBODY = "anybody, also without signing in"
    YOURSELF = "a person, about themself, in a sign-in session"
    PROVEN = "the same, who gave their password for it"
    MACHINE = "the command line of the machine's owner"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do a deed. The authorization tests are made from these."""

    name: str
    kind: Kind
    needs: Need | Who
    fields: Mapping[str, Need]
    """What each field of `values` needs beside; a field that is not here is refused."""
    in_view: bool
    """Whether it may be done while acting for another account."""


def not_shared(tx: Connection, actor: Actor, subject_id: str) -> Place | None:
    """Most things are for those above only."""
    return None


class AtPlace(Generic[P, T]):
    """A verb or read about something that belongs to a place."""

    def __init__(
        self,
        rule: Rule,
        at: Callable[[Connection, str], Place | None],
        shared: Callable[[Connection, Actor, str], Place | None],
        body: Callable[Concatenate[Act, Place, P], T],
    ) -> None:
        self.rule = rule
        self.__doc__ = body.__doc__
        self._at = at
        self._shared = shared
        self._body = body

    def __call__(self, act: Act, subject_id: str, /, *args: P.args, **named: P.kwargs) -> T:
        """Raises NotFound, Forbidden, Faults, and what the body raises."""
        rule = self.rule
        assert isinstance(rule.needs, Need)
        found = self._place(act, subject_id) if is_id(subject_id) else None
        place, granted = authorize(act.actor, rule.kind, found, rule.needs)
        if act.actor.view is not None and not rule.in_view:
            raise Forbidden("not while you act for another account")
        if rule.fields:
            values = named["values"]
            assert isinstance(values, Mapping)
            check_fields(act.actor, place, values, rule.fields)
        act = replace(act, verb=rule.name, subject=subject_id, by_account_id=granted)
        try:
            return _recorded(act, self._body(act, place, *args, **named))
        except NoSuch as gone:  # since `at` has found it
            raise NotFound(rule.kind) from gone

    def _place(self, act: Act, subject_id: str) -> Place | None:
        own = self._at(act.tx, subject_id)
        return own if act.actor.sees(own) else self._shared(act.tx, act.actor, subject_id) or own


class Personal(Generic[P, T]):
    """A verb or read that belongs to no place: of a person about themself, or of anybody."""

    def __init__(self, rule: Rule, body: Callable[Concatenate[Act, P], T]) -> None:
        self.rule = rule
        self.__doc__ = body.__doc__
        self._body = body

    def __call__(self, act: Act, /, *args: P.args, **named: P.kwargs) -> T:
        """Raises Forbidden, and what the body raises."""
        needs = self.rule.needs
        actor = act.actor
        if needs is Who.MACHINE and not actor.is_command_line:
            raise Forbidden("only the command line on the server's machine may do this")
        if needs in (Who.YOURSELF, Who.PROVEN) and actor.sign_in_id is None:
            raise Forbidden("only a person who has signed in may do this")
        if needs is Who.PROVEN and not actor.proven:
            raise Forbidden("give your password again to do this")
        act = replace(act, verb=self.rule.name)
        return _recorded(act, self._body(act, *args, **named))


def check_fields(
    actor: Actor, place: Place, values: Mapping[str, object], needs: Mapping[str, Need]
) -> None:
    """A field in a request needs the right that its own verb needs. Raises Faults for fields that
    do not exist, Forbidden with each field that the actor may not set."""
    unknown = [name for name in values if name not in needs]
    if unknown:
        raise Faults(Fault((name,), "there is no such field") for name in unknown)
    refused = [
        Fault((name,), str(needs[name]))
        for name in values
        if actor.grant(place, needs[name]) is None
    ]
    if refused:
        raise Forbidden("", refused)


def _recorded(act: Act, result: T) -> T:
    if isinstance(result, Done):
        audit.write(act.tx, act.now, result.changes)
    return result


def verb(
    name: str,
    kind: Kind,
    needs: Need,
    *,
    at: Callable[[Connection, str], Place | None] = places.of_id,
    fields: Mapping[str, Need] = NO_FIELDS,
    in_view: bool = True,
) -> Callable[[Callable[Concatenate[Act, Place, P], Done[T]]], AtPlace[P, Done[T]]]:
    """Make a verb. `at` finds the place by the id that the verb is called with. A verb with
    `fields` has a parameter `values`, the fields of the request by their names."""

    def made(body: Callable[Concatenate[Act, Place, P], Done[T]]) -> AtPlace[P, Done[T]]:
        return AtPlace(Rule(name, kind, needs, fields, in_view), at, not_shared, body)

    return made


def read(
    name: str,
    kind: Kind,
    needs: Need,
    *,
    at: Callable[[Connection, str], Place | None] = places.of_id,
    shared: Callable[[Connection, Actor, str], Place | None] = not_shared,
) -> Callable[[Callable[Concatenate[Act, Place, P], T]], AtPlace[P, T]]:
    """Make a read. `at` finds the place by the id that the read is called with. If that is out of
    the actor's sight, `shared` finds the place in sight, if there is one, through which it is seen
    all the same."""

    def made(body: Callable[Concatenate[Act, Place, P], T]) -> AtPlace[P, T]:
        return AtPlace(Rule(name, kind, needs, NO_FIELDS, in_view=True), at, shared, body)

    return made


def personal(
    name: str, kind: Kind, who: Who
) -> Callable[[Callable[Concatenate[Act, P], T]], Personal[P, T]]:
    """Make a verb or read that belongs to no place."""

    def made(body: Callable[Concatenate[Act, P], T]) -> Personal[P, T]:
        return Personal(Rule(name, kind, who, NO_FIELDS, in_view=True), body)

    return made
