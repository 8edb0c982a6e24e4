"""For each verb and read, arguments with which it is called: of an account, or of oneself.

A verb without a sample fails the authorization tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pyotp
from sqlalchemy import insert, select
from tests.management import extension_samples
from tests.management.world import (
    HASHER,
    NOW,
    PASSWORD,
    add_caller_id,
    add_extension,
    add_person,
    add_session,
)

from ringback.charging.decks import difference
from ringback.management import places, routes, trunks
from ringback.management.actor import Actor
from ringback.management.caller_ids.imports.unit import How
from ringback.management.letters import Purpose
from ringback.management.people import invitations, links, second_factor
from ringback.management.people.keys import PREFIX
from ringback.management.people.tokens import hash_of
from ringback.management.places import Kind
from ringback.management.plans import making, rates
from ringback.management.rights import Role
from ringback.management.sounds import changing as sounds
from ringback.management.sounds import folders
from ringback.management.verbs import Act
from ringback.sounds.convert import Converted
from ringback.store.models import ApiKeyRow, SignInRow

Arguments = Mapping[str, Any]
AtSample = Callable[[Act, str], tuple[str, Arguments]]
"""Makes, as the machine's owner, what the verb is about in an account or extension; returns the id
to call it with and the other arguments."""
OwnSample = Callable[[Act, str], Arguments]
"""Likewise for the login with that id."""


def _place(**arguments: Any) -> AtSample:
    return lambda act, place_id: (place_id, arguments)


def _somebody(act: Act, place_id: str) -> str:
    return add_person(act.tx, f"somebody@{place_id}.example", "x", (place_id, Role.READER))


def _person(**arguments: Any) -> AtSample:
    return lambda act, place_id: (
        place_id,
        {"login_id": _somebody(act, place_id), **arguments},
    )


def _invitation(act: Act, place_id: str) -> tuple[str, Arguments]:
    done = invitations.invite(act, place_id, email="new@example.org", role=Role.READER)
    return done.changes[0].id, {}


def add_key(act: Act, login_id: str, place_id: str, role: Role = Role.READER) -> str:
    """A key, as a row; its text is the prefix, the login and the place."""
    row = {
        "id": f"key-{login_id}-{place_id}",
        "login_id": login_id,
        "account_id": place_id,
        "role": role,
        "name": "old website",
        "token_hash": hash_of(f"{PREFIX}{login_id}{place_id}"),
        "tail": "0000",
        "made": NOW,
    }
    act.tx.execute(insert(ApiKeyRow), row)
    return str(row["id"])


def _key(act: Act, place_id: str) -> tuple[str, Arguments]:
    left = add_person(act.tx, f"left@{place_id}.example", "x")
    return add_key(act, left, place_id), {}


def _caller_id(**arguments: Any) -> AtSample:
    return lambda act, place_id: (add_caller_id(act.tx, place_id), arguments)


PLAN: dict[str, Any] = {
    "name": "retail",
    "kind": "postpaid",
    "limit": "50.00",
    "special_prefixes": ["44900"],
    "packages": [{"prefix": "44", "minutes": 100}],
}
_NO_RATES = difference([], [])


def add_plan(act: Act, place_id: str, **values: Any) -> str:
    """A plan of an account, or of that of an extension; returns its id."""
    return making.create(act, _account(act, place_id), values={"name": "retail", **values}).value


def _account(act: Act, place_id: str) -> str:
    place = places.of_id(act.tx, place_id)
    assert place is not None
    return place.id if place.kind is Kind.ACCOUNT else place.above[0]


def _plan(**arguments: Any) -> AtSample:
    return lambda act, place_id: (add_plan(act, place_id), arguments)


def _in_extension(act: Act, place_id: str) -> tuple[str, Arguments]:
    return add_extension(act.tx, place_id), {}


def _begun(act: Act, place_id: str) -> tuple[str, Arguments]:
    plan_id = add_plan(act, place_id)
    done = rates.begin(act, plan_id, source="x.csv", instead_of=None, differs=_NO_RATES)
    return plan_id, {"deck_id": done.value, "differs": _NO_RATES}


def _many(**arguments: Any) -> AtSample:
    return lambda act, place_id: (
        place_id,
        {"ids": [add_caller_id(act.tx, place_id)], **arguments},
    )


RECHARGE = {"amount": "5.00", "order_number": "A-1", "kind": "gift", "note": "as agreed"}

ACCOUNT = {
    "name": "new",
    "contact_name": "New",
    "country": "FR",
    "language": "fr",
    "time_zone": "Europe/Paris",
    "status": "suspended",
    "expires": "2030-01-01",
    "plan": None,
    "credit_limit": "5.00",
    "low_credit": "1.00",
    "limits": {"extensions": 3},
    "guards": {"sessions": 3},
    "destinations": {"deny": ["4470"]},
}
CALLER_ID: dict[str, Any] = {
    "number": "+447700900123",
    "name": "A. Reed",
    "reference": "R-7",
    "note": "new",
    "pin": "0042",
    "enabled": True,
    "expires": "2030-01-01",
    "language": "en",
    "speed_dials": {"1": "+442079460000"},
    "low_credit": "1.00",
    "guards": {"sessions": 2},
    "destinations": {"deny": ["4470"]},
    "credit": "5.00",
    "order_number": "A-1",
}


def add_trunk(act: Act, name: str = "london-1", **values: Any) -> str:
    """A trunk of the server administrator's."""
    said = {"name": name, "host": "sip.example.net", **values}
    return trunks.add(act, places.top(act.tx), values=said).value


def add_route(act: Act, prefix: str = "44", trunk: str = "london-1") -> str:
    """A route over a trunk that there is."""
    said = {"prefix": prefix, "trunks": [trunk]}
    return routes.add(act, places.top(act.tx), values=said).value


def _trunk(**arguments: Any) -> AtSample:
    return lambda act, place_id: (add_trunk(act), arguments)


def _route(**arguments: Any) -> AtSample:
    def made(act: Act, place_id: str) -> tuple[str, Arguments]:
        add_trunk(act)
        return add_route(act), arguments

    return made


UPLOAD = Converted("upload.wav", 1.0, 16044)


def _sound(**arguments: Any) -> AtSample:
    def made(act: Act, place_id: str) -> tuple[str, Arguments]:
        done = sounds.put(act, place_id, path="/a/bye.wav", language="en", upload=UPLOAD)
        return done.value, arguments

    return made


def _new_route(act: Act, place_id: str) -> tuple[str, Arguments]:
    add_trunk(act)
    return place_id, {"values": {"prefix": "44", "trunks": ["london-1"]}}


_NEW_TRUNK = {"name": "london-2", "host": "sip.example.net"}


def _seen_sound(act: Act, place_id: str) -> tuple[str, Arguments]:
    return place_id, {"sound_id": _sound()(act, place_id)[0]}


def _folder(**arguments: Any) -> AtSample:
    return lambda act, place_id: (folders.make(act, place_id, path="/b").value, arguments)


AT_PLACES: Mapping[str, AtSample] = {
    **extension_samples.of(ACCOUNT),
    "account.change": _place(values=ACCOUNT),
    "account.create": _place(values={**ACCOUNT, "level": "user", "balance": "5.00"}),
    "account.delete": _place(),
    "account.get": _place(),
    "account.list": _place(),
    "account.recharge": _place(values=RECHARGE),
    "account.recharges": _place(),
    "account.statement": _place(period=lambda zone: (None, None)),
    "audit.list": _place(),
    "caller_id.recharge": _caller_id(values=RECHARGE),
    "caller_id.recharges": _caller_id(),
    "caller_id.statement": _caller_id(period=lambda zone: (None, None)),
    "caller_id.change": _caller_id(values=CALLER_ID),
    "caller_id.change_many": _many(
        values={k: v for k, v in CALLER_ID.items() if k not in ("number", "pin")}
    ),
    "caller_id.create": _place(values=CALLER_ID),
    "caller_id.delete": _caller_id(),
    "caller_id.delete_many": _many(),
    "caller_id.get": _caller_id(),
    "caller_id.import": _place(lines=[], how=How()),
    "caller_id.import_into": _place(columns=["number"]),
    "caller_id.try_import": _place(lines=[], how=How(), enabled=0),
    "caller_id.list": _place(),
    "caller_id.unlock": _caller_id(),
    "example.change": _place(
        values={"contact_name": "x", "note": "x", "status": "x", "credit": "5.00"}
    ),
    "folder.change": _folder(private=True),
    "folder.delete": _folder(),
    "folder.list": _place(),
    "folder.make": _place(path="/b"),
    "invitation.list": _place(below=True),
    "invitation.make": _place(email="new@example.org", role=Role.OPERATOR),
    "invitation.make_first": _place(),
    "invitation.withdraw": _invitation,
    "key.end": _key,
    "key.list": _place(),
    "key.make": _place(name="booking", role=Role.READER),
    "key.take_over": _key,
    "login.change_role": _person(role=Role.OPERATOR),
    "login.end_sign_ins": _person(),
    "login.list": _place(below=True),
    "login.remove": _person(),
    "plan.change": _plan(values=PLAN),
    "plan.create": lambda act, place_id: (_account(act, place_id), {"values": PLAN}),
    "plan.delete": _plan(),
    "plan.get": _plan(),
    "plan.given_to": _plan(),
    "plan.list": _place(),
    "rates.begin": _plan(source="x.csv", instead_of=None, differs=_NO_RATES),
    "rates.check": _plan(number="+447700900123"),
    "rates.check_extension": lambda act, place_id: (
        add_extension(act.tx, place_id),
        {"number": "+447700900123"},
    ),
    "rates.list": _plan(),
    "rates.put_in_force": _begun,
    "route.add": _new_route,
    "route.change": _route(values={"prefix": "4420"}),
    "route.get": _route(),
    "route.list": _place(),
    "route.put": _new_route,
    "route.remove": _route(),
    "second_factor.reset": _person(),
    "session.list": _place(),
    "setup.account": _place(),
    "setup.caller_ids": _in_extension,
    "setup.extension": _in_extension,
    "setup.numbers": _place(),
    "setup.plan": _plan(),
    "setup.plans": _place(),
    "setup.sounds": _place(),
    "setup.tree": lambda act, place_id: (_account(act, place_id), {}),
    "setup.ways": _place(),
    "sound.delete": _sound(),
    "sound.get": _seen_sound,
    "sound.list": _place(),
    "sound.put": _place(path="/a/bye.wav", language="en", upload=UPLOAD),
    "sound.rename": _sound(path="/b/bye.wav"),
    "trunk.add": _place(values=_NEW_TRUNK),
    "trunk.change": _trunk(values={"port": 5080}),
    "trunk.get": _trunk(),
    "trunk.list": _place(),
    "trunk.put": _place(values=_NEW_TRUNK),
    "trunk.remove": _trunk(),
    "trunk.test": _trunk(),
}


def _link(purpose: Purpose, email: str | None = None) -> OwnSample:
    def made(act: Act, login_id: str) -> Arguments:
        _, token, _ = links.make(act, purpose, email=email, login_id=login_id)
        more = {"password_hash": HASHER.hash(PASSWORD)} if purpose is Purpose.RESET else {}
        return {"token": token, **more}

    return made


def _invited(act: Act, login_id: str) -> Arguments:
    place, role = "acme", Role.READER
    _, token, _ = links.make(
        act, Purpose.INVITATION, email="new@example.org", account_id=place, role=role
    )
    return {"token": token}


def _accepting(act: Act, login_id: str) -> Arguments:
    more = {"email": "new@example.org", "name": "New", "password_hash": "x", "known_hash": None}
    return {**_invited(act, login_id), **more}


def _looking(act: Act, login_id: str) -> Arguments:
    return {"token": _link(Purpose.RESET)(act, login_id)["token"]}


def _with_factor(act: Act, login_id: str) -> Arguments:
    second_factor_for(act, login_id)
    return {}


def _offered(act: Act, login_id: str) -> Arguments:
    authenticator = second_factor_for(act, login_id, confirmed=False)
    return {"code": authenticator.at(int(act.now))}


def second_factor_for(act: Act, login_id: str, *, confirmed: bool = True) -> pyotp.TOTP:
    """Give a person a second factor, or offer one; returns the authenticator."""

    person = Actor("x", {}, login_id=login_id, sign_in_id="x", proven=True)
    offer = second_factor.offer(replace(act, actor=person)).value
    authenticator = pyotp.TOTP(offer.secret)
    if confirmed:
        second_factor.confirm(replace(act, actor=person), code=authenticator.at(int(act.now)))
    return authenticator


OWN: Mapping[str, OwnSample] = {
    "address.ask": lambda act, login_id: {"email": "other@example.org"},
    "address.confirm": _link(Purpose.EMAIL, "other@example.org"),
    "invitation.accept": _accepting,
    "invitation.look": _invited,
    "key.end_own": lambda act, login_id: {"key_id": add_key(act, login_id, "acme")},
    "key.list_own": lambda act, login_id: {},
    "password.ask_reset": lambda act, login_id: {"email": "x@example.org", "source": "192.0.2.1"},
    "password.change": lambda act, login_id: {"password_hash": HASHER.hash(PASSWORD)},
    "password.give_reset": lambda act, login_id: {"email": login_id.removeprefix("login-")},
    "password.look_reset": _looking,
    "password.reset": _link(Purpose.RESET),
    "second_factor.confirm": _offered,
    "second_factor.new_codes": _with_factor,
    "second_factor.offer": lambda act, login_id: {},
    "second_factor.take_off": _with_factor,
    "sign_in.end": lambda act, login_id: {"sign_in_id": session_of(act, login_id)},
    "sign_in.end_others": lambda act, login_id: {},
    "sign_in.list": lambda act, login_id: {},
}


def session_of(act: Act, login_id: str) -> str:

    token = add_session(act, login_id)
    query = select(SignInRow.id).where(SignInRow.token_hash == hash_of(token.text))
    return act.tx.execute(query).scalar_one()
