"""`ringback logins`: people and their roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from ringback.accounts.names import ADMINISTRATOR
from ringback.cli.lines import say
from ringback.cli.managing import look, manage, public_url
from ringback.cli.options import (
    DEFAULT_CONFIG,
    CommandError,
    ConfigOption,
    JsonOption,
    print_json,
    print_list,
)
from ringback.clock import Instant, utc
from ringback.config import load_config
from ringback.management.change import Change
from ringback.management.naming import find_place
from ringback.management.people import access, invitations, logins
from ringback.management.people.logins import Person
from ringback.management.rights import Role
from ringback.management.verbs import Act, Done

app = typer.Typer(help="People who sign in, and their roles.", no_args_is_help=True)

EmailArgument = Annotated[str, typer.Argument(help="The person's e-mail address.")]
AccountOption = Annotated[
    str | None, typer.Option(help="The account by its path or name; by default the only one.")
]


@dataclass(frozen=True, slots=True)
class _Told:
    """What a command tells of what it did."""

    changes: list[str]
    links: dict[str, str]
    """By the address that each is for."""

    def print(self, *, as_json: bool) -> None:
        if as_json:
            print_json({"changes": self.changes, "links": self.links})
            return
        for line in self.changes or ["nothing changed"]:
            say(line)
        for address, link in self.links.items():
            say(f"the link for {address}, which works once: {link}")


@app.command(name="list")
def list_(
    account: Annotated[str, typer.Option(help="The account by its path or name.")] = ADMINISTRATOR,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List who has a role in an account or below it, and who is invited."""

    def deed(act: Act) -> list[dict[str, Any]]:
        place = find_place(act.tx, act.actor, account)
        people, after = [], None
        while page := logins.people(act, place.id, below=True, after=after):
            people += page
            after = (page[-1].email, page[-1].account_id)
        waiting = invitations.invited(act, place.id, below=True)
        return [_of_person(person) for person in people] + [
            {
                "email": each.email,
                "account": each.path,
                "role": each.role,
                "invited_by": each.by,
                "expires": _time(each.expires),
            }
            for each in waiting
        ]

    names = ("e-mail", "name", "account", "role", "second factor", "last seen")
    print_list(look(load_config(config), deed), names, _cells, as_json=as_json)


def _cells(row: Mapping[str, Any]) -> tuple[str | None, ...]:
    name, seen = row.get("name"), row.get("last_seen")
    if "expires" in row:
        name, seen = "invited", f"until {row['expires'][:10]}"
    factor = {True: "on", False: "off", None: ""}[row.get("second_factor")]
    return row["email"], name, row["account"], row["role"], factor, seen


@app.command()
def add(
    email: EmailArgument,
    role: Annotated[Role, typer.Option(help="The role.")] = Role.OWNER,
    account: Annotated[str, typer.Option(help="The account by its path or name.")] = ADMINISTRATOR,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Invite somebody to a role in an account. Pass the link on to them."""
    loaded = load_config(config)
    begins = public_url(loaded)

    def deed(act: Act) -> Done[Instant]:
        place = find_place(act.tx, act.actor, account)
        return invitations.invite(act, place.id, email=email, role=role)

    _told(manage(loaded, deed), begins).print(as_json=as_json)


@app.command()
def change(
    email: EmailArgument,
    role: Annotated[Role, typer.Option(help="The new role.")],
    account: AccountOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Give somebody another role in an account."""

    def deed(act: Act) -> Done[None]:
        person = _person(act, email, account)
        return logins.change_role(act, person.account_id, login_id=person.login_id, role=role)

    _told(manage(load_config(config), deed)).print(as_json=as_json)


@app.command()
def remove(
    email: EmailArgument,
    account: AccountOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take somebody's role in an account away, at once, or their invitation to one back."""

    def deed(act: Act) -> Done[None]:
        waiting = _waiting(act, email, account)
        if waiting is not None:
            return invitations.withdraw(act, waiting)
        person = _person(act, email, account)
        return logins.remove(act, person.account_id, login_id=person.login_id)

    _told(manage(load_config(config), deed)).print(as_json=as_json)


@app.command()
def reset(
    email: EmailArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Take somebody's second factor off, sign them out, and make a link by which they set their
    password."""
    loaded = load_config(config)
    begins = public_url(loaded)
    done = manage(loaded, lambda act: access.give_reset(act, email=email))
    _told(done, begins).print(as_json=as_json)


def _told(done: Done[Any], begins: str = "") -> _Told:
    changes: Iterable[Change] = done.changes
    lines = [line for change in changes for line in change.lines()]
    links = {
        letter.to or "whoever opens it": letter.link(begins)
        for letter in done.letters
        if letter.token is not None
    }
    return _Told(lines, links)


def _waiting(act: Act, email: str, account: str | None) -> str | None:
    """The id of their one invitation, if they have no role where it is looked for."""
    place = find_place(act.tx, act.actor, account or ADMINISTRATOR)
    address = email.strip().lower()
    if logins.people(act, place.id, below=account is None, email=address):
        return None
    found = invitations.invited(act, place.id, below=account is None)
    meant = [each for each in found if each.email == address]
    if len(meant) > 1:
        accounts = ", ".join(sorted(each.path for each in meant))
        raise CommandError(f"{address} is invited to several: name one with --account: {accounts}")
    return meant[0].id if meant else None


def _person(act: Act, email: str, account: str | None) -> Person:
    """Whom the address means in the account, or in the only one where they have a role."""
    place = find_place(act.tx, act.actor, account or ADMINISTRATOR)
    address = email.strip().lower()
    found = logins.people(act, place.id, below=account is None, email=address)
    if not found:
        raise CommandError(f"{address} has no role {'there' if account else 'anywhere'}")
    if len(found) > 1:
        accounts = ", ".join(sorted(person.path for person in found))
        raise CommandError(f"{address} has several roles: name one with --account: {accounts}")
    return found[0]


def _of_person(person: Person) -> dict[str, Any]:
    return {
        "email": person.email,
        "name": person.name,
        "account": person.path,
        "role": person.role,
        "second_factor": person.second_factor,
        "sign_ins": person.sign_ins,
        "last_seen": _time(person.last_seen),
    }


def _time(instant: Instant | None) -> str | None:
    return None if instant is None else utc(instant).isoformat(timespec="seconds")
