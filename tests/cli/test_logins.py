"""`ringback logins`, and the first administrator's link."""

from __future__ import annotations

import asyncio
import json
import random
import time
from pathlib import Path
from typing import Any

import pyotp
import pytest
from sqlalchemy import select
from tests.cli.helpers import Commands
from tests.management.samples import second_factor_for
from tests.management.world import HASHER
from typer.testing import CliRunner

from ringback.accounts.secrets import load_secrets
from ringback.cli.administrator import first_administrator
from ringback.cli.app import app
from ringback.cli.managing import manage
from ringback.cli.options import CommandError
from ringback.config import ConfigError, load_config
from ringback.management.desk import Desk
from ringback.management.people.door import Door, Refused
from ringback.management.people.passwords import Passwords
from ringback.management.verbs import Act, Done
from ringback.server.run import key_path
from ringback.store import open_store
from ringback.store.models import LoginRow

PUBLIC = "https://ringback.example.org"
PASSWORD = "correct horse battery"
TOM = "tom@example.org"


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    commands = Commands(tmp_path)
    _set_public_url(tmp_path)
    return commands


def _set_public_url(folder: Path) -> None:
    text = f'[server]\ndata_dir = "data"\npublic_url = "{PUBLIC}"\n'
    (folder / "ringback.toml").write_text(text)


def open_link(folder: Path, link: str, **more: str) -> None:
    """Accept the invitation of a link, or set the password by it."""
    config = load_config(folder / "ringback.toml")
    *_, purpose, token = link.split("/")

    async def work() -> None:
        store = open_store(config.database_url)
        desk = Desk(store, load_secrets(key_path(config)), time.time, random.SystemRandom())
        door = Door(desk, Passwords(HASHER))
        if purpose == "invitation":
            await door.accept(token, password=PASSWORD, name="Tom", source="192.0.2.1", **more)
        else:
            await door.reset(token, password=PASSWORD)
        await store.close()

    asyncio.run(work())


def add(ringback: Commands, email: str = TOM, *more: str) -> str:
    """The link."""
    told: dict[str, Any] = json.loads(ringback("logins", "add", email, *more, "--json"))
    return str(told["links"][email])


def listed(ringback: Commands, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ringback("logins", "list", *more, "--json"))
    return found


def test_from_the_invitation_to_the_reset(ringback: Commands) -> None:
    shown = ringback("logins", "add", TOM, "--account", "acme", "--role", "operator")
    assert shown.startswith(f"created invitation {TOM} of acme\n")
    assert f"the link for {TOM}, which works once: {PUBLIC}/invitation/" in shown
    (waiting,) = listed(ringback)
    assert (waiting["email"], waiting["account"], waiting["role"], waiting["invited_by"]) == (
        TOM,
        "acme",
        "operator",
        "command line",
    )
    open_link(ringback.folder, shown.split()[-1])
    (person,) = listed(ringback)
    assert person == {
        "email": TOM,
        "name": "Tom",
        "account": "acme",
        "role": "operator",
        "second_factor": False,
        "sign_ins": 0,
        "last_seen": None,
    }
    assert ringback("logins", "change", TOM, "--role", "reader") == (
        f"login {TOM} of acme: role operator -> reader\n"
    )
    assert ringback("logins", "change", TOM, "--role", "reader") == "nothing changed\n"
    link = ringback("logins", "reset", TOM).split()[-1]
    assert link.startswith(f"{PUBLIC}/reset/")
    open_link(ringback.folder, link)
    assert ringback("logins", "remove", TOM) == f"deleted login {TOM} of acme\n"
    assert listed(ringback) == []


def test_the_table_says_who_is_here_and_who_is_invited(ringback: Commands) -> None:
    open_link(ringback.folder, add(ringback))
    add(ringback, "ines@example.org", "--account", "acme", "--role", "reader")
    lines = ringback("logins", "list").splitlines()
    assert lines[1].split() == [TOM, "Tom", "admin", "owner", "off"]
    assert lines[2].split()[:5] == ["ines@example.org", "invited", "acme", "reader", "until"]
    assert [row["email"] for row in listed(ringback, "--account", "acme")] == ["ines@example.org"]


def test_an_invitation_is_taken_back(ringback: Commands) -> None:
    for account in ("acme", "admin"):
        add(ringback, TOM, "--account", account)
    with pytest.raises(CommandError, match=r"invited to several: name one .*: acme, admin"):
        ringback("logins", "remove", TOM)
    told = ringback("logins", "remove", TOM, "--account", "acme")
    assert told == f"deleted invitation {TOM} of acme\n"
    assert ringback("logins", "remove", TOM) == f"deleted invitation {TOM} of admin\n"
    with pytest.raises(CommandError, match="has no role anywhere"):
        ringback("logins", "remove", TOM)


def test_who_has_several_roles_is_named_with_the_account(ringback: Commands) -> None:
    open_link(ringback.folder, add(ringback, TOM, "--account", "admin"))
    open_link(ringback.folder, add(ringback, TOM, "--account", "acme", "--role", "reader"))
    with pytest.raises(CommandError, match=r"several roles: name one with --account: acme, admin"):
        ringback("logins", "remove", TOM)
    ringback("logins", "remove", TOM, "--account", "acme")
    with pytest.raises(CommandError, match="role: is that of the last owner here"):
        ringback("logins", "remove", TOM)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "tom"), "email: write an e-mail address"),
        (("add", TOM, "--account", "nobody"), "there is no account 'nobody'"),
        (("change", TOM, "--role", "owner"), f"{TOM} has no role anywhere"),
        (("remove", TOM, "--account", "acme"), f"{TOM} has no role there"),
        (("reset", TOM), "there is no such login"),
    ],
)
def test_what_cannot_be_done(ringback: Commands, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        ringback("logins", *arguments)


def test_without_a_public_url_no_link_is_made(tmp_path: Path) -> None:
    ringback = Commands(tmp_path)
    with pytest.raises(CommandError, match=r"set \[server\] public_url"):
        ringback("logins", "add", TOM)
    assert listed(ringback) == []


def test_another_key_voids_second_factors_and_says_whose(ringback: Commands) -> None:
    open_link(ringback.folder, add(ringback))
    config = load_config(ringback.folder / "ringback.toml")

    def give(act: Act) -> Done[pyotp.TOTP]:
        login_id = act.tx.execute(select(LoginRow.id)).scalar_one()
        return Done(second_factor_for(act, login_id))

    authenticator = manage(config, give).value

    async def sign_in() -> None:
        store = open_store(config.database_url)
        later = time.time() + 60
        desk = Desk(store, load_secrets(key_path(config)), lambda: later, random.SystemRandom())
        door, code = Door(desk, Passwords(HASHER)), authenticator.at(int(later))
        try:
            await door.sign_in(TOM, PASSWORD, code=code, source="192.0.2.1")
        finally:
            await store.close()

    asyncio.run(sign_in())
    told = ringback("new-key", "--force")
    assert f"void: second factor of {TOM}: use ringback logins reset {TOM}\n" in told
    with pytest.raises(Refused):
        asyncio.run(sign_in())
    ringback("logins", "reset", TOM)
    asyncio.run(sign_in())


@pytest.mark.parametrize("url", ["ringback.example.org", "ftp://x", "https://a b", "https://x/?a"])
def test_a_public_url_is_checked(tmp_path: Path, url: str) -> None:
    path = tmp_path / "ringback.toml"
    path.write_text(f'[server]\npublic_url = "{url}"\n')
    with pytest.raises(ConfigError, match=r"ringback.toml:2: server.public_url: write the address"):
        load_config(path)


def test_the_first_administrators_link(tmp_path: Path) -> None:
    _set_public_url(tmp_path)
    config = load_config(tmp_path / "ringback.toml")
    line = first_administrator(config)
    assert line.startswith("the first administrator's link, which works once, for seven days: ")
    open_link(tmp_path, line.split()[-1], email=TOM)
    (person,) = listed(Commands(tmp_path, apply=False))
    assert (person["email"], person["account"], person["role"]) == (TOM, "admin", "owner")
    with pytest.raises(CommandError, match="role: there is an owner already"):
        first_administrator(config)


def test_init_makes_key_and_database_and_prints_the_first_administrators_link(
    tmp_path: Path,
) -> None:
    told = CliRunner().invoke(app, ["init", str(tmp_path)], catch_exceptions=False).output
    (line,) = (line for line in told.splitlines() if "administrator's link" in line)
    assert "http://127.0.0.1:8080/invitation/" in line
    assert {path.name for path in (tmp_path / "data").iterdir()} >= {
        "ringback.sqlite",
        "secrets.key",
    }
    open_link(tmp_path, line.split()[-1], email=TOM)
