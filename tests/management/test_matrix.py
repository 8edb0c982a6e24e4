"""Who may do what: over every verb and read that the code has, each role, and every relation of
what it is about to the account of the role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.management import everything
from tests.management.example import change_example
from tests.management.samples import AT_PLACES, OWN, add_key
from tests.management.world import World, add_person, add_session, refusal

from ringback.management.actor import Actor, command_line, nobody
from ringback.management.people.credentials import Credential, KeyToken, actor_of
from ringback.management.people.keys import PREFIX
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import MAY, Need, Reach, Right, Role
from ringback.management.verbs import Act, AtPlace, Personal, Who
from ringback.store import InlineStore

RULED = everything.ruled()
PLACED = {name: deed for name, deed in RULED.items() if isinstance(deed, AtPlace)}
PERSONAL = {name: deed for name, deed in RULED.items() if isinstance(deed, Personal)}
TRIED = PLACED | {"example.change": change_example}

HOME, TOP = "acme", "admin"
RELATIONS = {
    "own": "acme",
    "own extension": "acme-travellers",
    "below": "anna",
    "far below": "anna-phones",
    "above": "northline",
    "top": "admin",
    "beside": "beta",
    "beside, below": "beta-travellers",
    "absent": "nowhere",
}
IN_SIGHT = {"own", "own extension", "below", "far below"}


class _Undo(Exception):
    pass


def need_of(name: str) -> Need:
    needs = TRIED[name].rule.needs
    assert isinstance(needs, Need)
    return needs


@pytest.fixture(scope="module")
def world() -> World:
    return World(InlineStore())


def outcome(
    world: World,
    name: str,
    field: str | None,
    role: Role,
    relation: str,
    *,
    by_key: bool,
    home: str = HOME,
) -> object:
    """How one deed is refused, with one of its fields, of somebody with a role in acme, or in
    another account; all of it undone afterwards."""
    found: list[object] = []
    deed = TRIED[name]

    def work(act: Act) -> None:
        place_id = RELATIONS[relation]
        if relation == "absent":
            subject, arguments = AT_PLACES[name](act, home)
            subject = place_id
        else:
            subject, arguments = AT_PLACES[name](act, place_id)
        if deed.rule.fields:
            values = arguments["values"]
            assert set(values) == set(deed.rule.fields), f"the sample of {name} lacks a field"
            given = {} if field is None else {field: values[field]}
            arguments = {**arguments, "values": given}
        login_id = add_person(act.tx, "me@example.org", "x", (home, Role.OWNER if by_key else role))
        credential: Credential = add_session(act, login_id)
        if by_key:
            add_key(act, login_id, home, role)
            credential = KeyToken(f"{PREFIX}{login_id}{home}")
        actor = actor_of(act.tx, credential, act.now)
        found.append(refusal(lambda: deed(replace(act, actor=actor), subject, **arguments)))
        raise _Undo

    with pytest.raises(_Undo):
        world.machine(work)
    return found[0]


def expected(needs: list[Need], role: Role, relation: str) -> object:
    if relation not in IN_SIGHT or needs[0].right in everything.OF_THE_SERVER:
        return NotFound
    stands = {
        Reach.ANY: True,
        Reach.ABOVE: relation != "own",
        Reach.OWN: relation == "own",
        Reach.TOP: False,
    }
    allowed = (stands[need.reach] and need.right in MAY[role] for need in needs)
    return None if all(allowed) else Forbidden


@pytest.mark.parametrize("name", TRIED)
def test_every_deed_at_a_place_and_every_field(world: World, name: str) -> None:
    assert name in AT_PLACES, f"{name} has no sample in tests/management/samples.py"
    rule = TRIED[name].rule
    for field in (None, *rule.fields):
        needs = [need_of(name), *([] if field is None else [rule.fields[field]])]
        for role in Role:
            for relation in RELATIONS:
                for by_key in (False, True):
                    found = outcome(world, name, field, role, relation, by_key=by_key)
                    told = (field, role, relation, by_key)
                    assert found is expected(needs, role, relation), told


@pytest.mark.parametrize(
    "name", [n for n in PLACED if need_of(n).right in everything.OF_THE_SERVER]
)
def test_every_deed_about_the_server(world: World, name: str) -> None:
    """Who has a role at the top may what that says; the others have seen above that there is
    nothing for them."""
    for role in Role:
        for by_key in (False, True):
            found = outcome(world, name, None, role, "top", by_key=by_key, home=TOP)
            allowed = need_of(name).right in MAY[role]
            assert found is (None if allowed else Forbidden), (role, by_key)


def person_actor(act: Act, *, proven: bool) -> Actor:
    login_id = add_person(act.tx, "me@example.org", "x", (HOME, Role.READER))
    actor = actor_of(act.tx, add_session(act, login_id), act.now)
    return replace(actor, proven=proven)


MAY_PERSONALLY: Mapping[Who, set[str]] = {
    Who.ANYBODY: {"nobody", "person", "proven", "key", "machine"},
    Who.YOURSELF: {"person", "proven"},
    Who.PROVEN: {"proven"},
    Who.MACHINE: {"machine"},
}


@pytest.mark.parametrize("name", PERSONAL)
@pytest.mark.parametrize("who", sorted(MAY_PERSONALLY[Who.ANYBODY]))
def test_every_personal_deed(world: World, name: str, who: str) -> None:
    assert name in OWN, f"{name} has no sample in tests/management/samples.py"
    deed = PERSONAL[name]
    assert isinstance(deed.rule.needs, Who)
    found: list[object] = []

    def work(act: Act) -> None:
        person = person_actor(act, proven=who == "proven")
        arguments = OWN[name](act, str(person.login_id))
        actors = {
            "nobody": nobody(act.tx, act.now),
            "person": person,
            "proven": person,
            "key": replace(person, sign_in_id=None, key_id="k"),
            "machine": command_line(act.tx, act.now),
        }
        found.append(refusal(lambda: deed(replace(act, actor=actors[who]), **arguments)))
        raise _Undo

    with pytest.raises(_Undo):
        world.machine(work)
    assert found[0] is (None if who in MAY_PERSONALLY[deed.rule.needs] else Forbidden)


def test_no_verb_is_without_a_rule() -> None:
    helpers = {
        "ringback.management.extensions.setups.judge",
        "ringback.management.extensions.setups.put",
        "ringback.management.extensions.setups.stored",
        "ringback.management.numbers.leading.led",
        "ringback.management.numbers.leading.list_faults",
    }
    assert set(everything.unruled()) == helpers
    assert set(AT_PLACES) == set(TRIED)
    assert set(OWN) == set(PERSONAL)


def test_the_roles_are_those_of_the_spec() -> None:
    """Section 2: the table of roles, written out once more."""
    alone = {
        Right.LOGINS,
        Right.KEYS,
        Right.WEBHOOKS,
        Right.ACCOUNTS,
        Right.GUARDS,
        Right.OPEN_TO_ANYONE,
        Right.SERVER,
        Right.NUMBERS,
    }
    assert MAY[Role.OWNER] == set(Right)
    for role in (Role.OPERATOR, Role.ACCOUNTANT, Role.READER):
        assert not MAY[role] & alone
    assert MAY[Role.OPERATOR] - {Right.VIEW, Right.SEE_CREDIT} == {
        Right.SET_UP,
        Right.CALLER_IDS,
        Right.SOUNDS,
        Right.SESSIONS,
    }
    assert MAY[Role.ACCOUNTANT] - MAY[Role.READER] == {Right.RECHARGE, Right.PLANS}
    reads = {right for right in Right if right.startswith(("see", "look", "read", "have reports"))}
    assert MAY[Role.READER] == reads


def test_who_gives_roles_and_keys_has_all_rights() -> None:
    """So that nobody gives more than they have."""
    for role in Role:
        if MAY[role] & {Right.LOGINS, Right.KEYS}:
            assert MAY[role] == set(Right)


WRITTEN_DOWN = {
    "account.change": (Right.VIEW, Reach.ANY),
    "account.create": (Right.ACCOUNTS, Reach.ANY),
    "account.delete": (Right.ACCOUNTS, Reach.ABOVE),
    "account.get": (Right.VIEW, Reach.ANY),
    "account.list": (Right.VIEW, Reach.ANY),
    "account.recharge": (Right.RECHARGE, Reach.ABOVE),
    "account.recharges": (Right.SEE_MONEY, Reach.ANY),
    "account.statement": (Right.SEE_MONEY, Reach.ANY),
    "caller_id.recharge": (Right.RECHARGE, Reach.ANY),
    "caller_id.recharges": (Right.SEE_CREDIT, Reach.ANY),
    "caller_id.statement": (Right.SEE_CREDIT, Reach.ANY),
    "audit.list": (Right.SEE_AUDIT, Reach.ANY),
    "callback.change": (Right.SET_UP, Reach.ANY),
    "callback.get": (Right.VIEW, Reach.ANY),
    "extension.change": (Right.SET_UP, Reach.ANY),
    "extension.create": (Right.ACCOUNTS, Reach.ANY),
    "extension.get": (Right.VIEW, Reach.ANY),
    "extension.list": (Right.VIEW, Reach.ANY),
    "folder.change": (Right.SOUNDS, Reach.ANY),
    "folder.delete": (Right.SOUNDS, Reach.ANY),
    "folder.list": (Right.VIEW, Reach.ANY),
    "folder.make": (Right.SOUNDS, Reach.ANY),
    "caller_id.change": (Right.VIEW, Reach.ANY),
    "caller_id.change_many": (Right.VIEW, Reach.ANY),
    "caller_id.create": (Right.CALLER_IDS, Reach.ANY),
    "caller_id.delete": (Right.CALLER_IDS, Reach.ANY),
    "caller_id.delete_many": (Right.CALLER_IDS, Reach.ANY),
    "caller_id.get": (Right.SEE_CREDIT, Reach.ANY),
    "caller_id.import": (Right.CALLER_IDS, Reach.ANY),
    "caller_id.import_into": (Right.CALLER_IDS, Reach.ANY),
    "caller_id.list": (Right.SEE_CREDIT, Reach.ANY),
    "caller_id.try_import": (Right.CALLER_IDS, Reach.ANY),
    "caller_id.unlock": (Right.SESSIONS, Reach.ANY),
    "invitation.list": (Right.SEE_PEOPLE, Reach.ANY),
    "invitation.make": (Right.LOGINS, Reach.ANY),
    "invitation.make_first": (Right.LOGINS, Reach.ABOVE),
    "invitation.withdraw": (Right.LOGINS, Reach.ANY),
    "key.end": (Right.KEYS, Reach.OWN),
    "key.list": (Right.SEE_PEOPLE, Reach.OWN),
    "key.make": (Right.KEYS, Reach.ANY),
    "key.take_over": (Right.KEYS, Reach.OWN),
    "login.change_role": (Right.LOGINS, Reach.ANY),
    "login.end_sign_ins": (Right.LOGINS, Reach.ANY),
    "login.list": (Right.SEE_PEOPLE, Reach.ANY),
    "login.remove": (Right.LOGINS, Reach.ANY),
    "plan.change": (Right.PLANS, Reach.ANY),
    "plan.create": (Right.PLANS, Reach.ANY),
    "plan.delete": (Right.PLANS, Reach.ANY),
    "plan.get": (Right.SEE_MONEY, Reach.ANY),
    "plan.given_to": (Right.SEE_MONEY, Reach.ANY),
    "plan.list": (Right.SEE_MONEY, Reach.ANY),
    "rates.begin": (Right.PLANS, Reach.ANY),
    "rates.check": (Right.SEE_MONEY, Reach.ANY),
    "rates.check_extension": (Right.SEE_MONEY, Reach.ANY),
    "rates.list": (Right.SEE_MONEY, Reach.ANY),
    "rates.put_in_force": (Right.PLANS, Reach.ANY),
    "route.add": (Right.SERVER, Reach.ANY),
    "route.change": (Right.SERVER, Reach.ANY),
    "route.get": (Right.SEE_SERVER, Reach.ANY),
    "route.list": (Right.SEE_SERVER, Reach.ANY),
    "route.put": (Right.SERVER, Reach.ANY),
    "route.remove": (Right.SERVER, Reach.ANY),
    "number.add": (Right.NUMBERS, Reach.TOP),
    "number.change": (Right.SET_UP, Reach.ANY),
    "number.hand": (Right.NUMBERS, Reach.ANY),
    "number.lead": (Right.SET_UP, Reach.ANY),
    "number.list": (Right.VIEW, Reach.ANY),
    "number.remove": (Right.NUMBERS, Reach.TOP),
    "second_factor.reset": (Right.LOGINS, Reach.ANY),
    "session.list": (Right.VIEW, Reach.ANY),
    "setup.account": (Right.SEE_MONEY, Reach.ANY),
    "setup.caller_ids": (Right.SEE_CREDIT, Reach.ANY),
    "setup.extension": (Right.VIEW, Reach.ANY),
    "setup.numbers": (Right.VIEW, Reach.ANY),
    "setup.plan": (Right.SEE_MONEY, Reach.ANY),
    "setup.plans": (Right.SEE_MONEY, Reach.ANY),
    "setup.sounds": (Right.VIEW, Reach.ANY),
    "setup.tree": (Right.SEE_MONEY, Reach.ANY),
    "setup.ways": (Right.SEE_SERVER, Reach.ANY),
    "sound.delete": (Right.SOUNDS, Reach.ANY),
    "sound.get": (Right.VIEW, Reach.ANY),
    "sound.list": (Right.VIEW, Reach.ANY),
    "sound.put": (Right.SOUNDS, Reach.ANY),
    "sound.rename": (Right.SOUNDS, Reach.ANY),
    "trunk.add": (Right.SERVER, Reach.ANY),
    "trunk.change": (Right.SERVER, Reach.ANY),
    "trunk.get": (Right.SEE_SERVER, Reach.ANY),
    "trunk.list": (Right.SEE_SERVER, Reach.ANY),
    "trunk.put": (Right.SERVER, Reach.ANY),
    "trunk.remove": (Right.SERVER, Reach.ANY),
    "trunk.test": (Right.SERVER, Reach.ANY),
}
"""What each deed needs, a second time: a rule is changed on purpose, or not at all."""


def test_what_each_deed_needs_is_written_down_twice() -> None:
    found = {name: (need_of(name).right, need_of(name).reach) for name in PLACED}
    assert found == WRITTEN_DOWN
