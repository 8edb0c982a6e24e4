"""A small tree of accounts with people, and shorthands for what they do.

admin
├── northline (provider)
│   ├── acme (organization): extension travellers
│   │   └── anna (user): extension phones
│   └── beta (organization): extension travellers
└── southline (provider)
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from argon2 import PasswordHasher
from sqlalchemy import Connection, insert

from ringback.accounts.foundation import insert_account
from ringback.accounts.secrets import Secrets
from ringback.charging import ledger
from ringback.clock import Instant
from ringback.faults import Faults
from ringback.ids import new_id
from ringback.management.actor import Actor, command_line
from ringback.management.desk import Desk
from ringback.management.people import credentials, keys
from ringback.management.people.credentials import Credential, KeyToken, SignInToken
from ringback.management.people.door import Door
from ringback.management.people.passwords import Passwords
from ringback.management.people.tokens import hash_of, new_token
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import Role
from ringback.management.verbs import Act
from ringback.store import Store
from ringback.store.models import CallerIdRow, ExtensionRow, LoginRoleRow, LoginRow, SignInRow

T = TypeVar("T")

NOW = 1_800_000_000.0
SECRETS = Secrets(b"k" * 32)
HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"
HOME = "192.0.2.7"
LEVELS = {
    "admin": (None, "administrator"),
    "northline": ("admin", "provider"),
    "acme": ("northline", "organization"),
    "beta": ("northline", "organization"),
    "anna": ("acme", "user"),
    "southline": ("admin", "provider"),
}
EXTENSIONS = {"acme-travellers": "acme", "beta-travellers": "beta", "anna-phones": "anna"}


class Time:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Instant:
        return self.now


class World:
    """The tree on a store. The id of each account is its name."""

    def __init__(self, store: Store, *, fill: bool = True, seed: int = 1) -> None:
        self.store = store
        self.time = Time()
        self.chance = random.Random(seed)
        self.desk = Desk(store, SECRETS, self.time, self.chance)
        self.passwords = Passwords(HASHER)
        self.door = Door(self.desk, self.passwords)
        if fill:
            self.now(store.run(self._fill))

    def _fill(self, tx: Connection) -> None:
        for name, (parent, level) in LEVELS.items():
            insert_account(
                tx,
                name,
                f"ledger-{name}",
                NOW,
                parent_id=parent,
                level=level,
                name=name,
                contact_name=name.title(),
            )
        for id_, account in EXTENSIONS.items():
            insert_account(
                tx,
                id_,
                f"ledger-{id_}",
                NOW,
                parent_id=account,
                level="extension",
                name=id_.partition("-")[2],
                contact_name=None,
            )
            tx.execute(insert(ExtensionRow), {"id": id_, "callback": {}})

    def now(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run(work)

    def do(self, who: Actor | Credential, deed: Callable[[Act], T], view: str | None = None) -> T:
        """What comes of a deed of an actor as it is, or of whoever a credential stands for."""
        if isinstance(who, Actor):
            return self.now(self.desk.run(lambda tx, now: who, deed, view=view))
        return self.now(self.desk.run(credentials.by(who), deed, view=view))

    def machine(self, deed: Callable[[Act], T]) -> T:
        """What comes of a deed of the command line."""
        return self.now(self.desk.run(command_line, deed))

    def person(self, email: str, *roles: tuple[str, Role], password: str = PASSWORD) -> str:
        """A person with roles, by account; returns the id of the login."""
        login_id = f"login-{email}"

        def work(tx: Connection) -> str:
            add_person(tx, email, HASHER.hash(password), *roles)
            return login_id

        return self.now(self.store.run(work))

    def sign_in(self, email: str, **more: Any) -> SignInToken:
        more = {"source": HOME, "password": PASSWORD} | more
        return self.now(self.door.sign_in(email, **more))

    def key(self, maker: Credential, account: str, role: Role, **more: Any) -> KeyToken:
        made = self.do(
            maker, lambda act: keys.make(act, account, name="booking", role=role, **more)
        )
        return KeyToken(made.value.text)


def add_extension(tx: Connection, place_id: str) -> str:
    """That extension itself; or, for an account, a new one of its own. Returns its id."""
    if place_id in EXTENSIONS:
        return place_id
    extension_id = f"{place_id}-own"
    insert_account(
        tx,
        extension_id,
        f"ledger-{extension_id}",
        NOW,
        parent_id=place_id,
        level="extension",
        name="own",
        contact_name=None,
    )
    tx.execute(insert(ExtensionRow), {"id": extension_id, "callback": {}})
    return extension_id


def add_caller_id(tx: Connection, place_id: str, number: str = "+447700900123") -> str:
    """A callerID, as rows, on such an extension. Returns its id."""
    extension_id = add_extension(tx, place_id)
    id_ = f"{extension_id}{number}"
    ledger.open_account(tx, f"ledger-{id_}", NOW)
    row = {
        "id": id_,
        "extension_id": extension_id,
        "number": number,
        "enabled": True,
        "speed_dials": {},
        "ledger_id": f"ledger-{id_}",
    }
    tx.execute(insert(CallerIdRow), row)
    return id_


def add_person(tx: Connection, email: str, password_hash: str, *roles: tuple[str, Role]) -> str:
    """A person with roles, as rows; returns the id of the login."""
    login_id = f"login-{email}"
    login = {
        "id": login_id,
        "email": email,
        "name": email.partition("@")[0],
        "password_hash": password_hash,
        "made": NOW,
    }
    tx.execute(insert(LoginRow), login)
    for account, role in roles:
        values = {"login_id": login_id, "account_id": account, "role": role, "since": NOW}
        tx.execute(insert(LoginRoleRow), values)
    return login_id


def add_session(act: Act, login_id: str) -> SignInToken:
    """A sign-in session, as a row."""
    token = new_token(act.chance)
    row = {
        "id": new_id(act.now, act.chance),
        "login_id": login_id,
        "token_hash": hash_of(token),
        "source": HOME,
        "agent": "",
        "made": act.now,
        "seen": act.now,
    }
    act.tx.execute(insert(SignInRow), row)
    return SignInToken(token)


def refusal(deed: Callable[[], object]) -> type[Exception] | None:
    """How the authorization refuses a deed; None if it does not, whatever else is wrong."""
    try:
        deed()
    except (NotFound, Forbidden) as refused:
        return type(refused)
    except Faults:
        return None  # it was allowed; one field alone may be too little to do it
    return None
