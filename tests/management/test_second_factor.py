"""The second factor: TOTP codes and recovery codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from sqlalchemy import Connection, select
from tests.management.samples import second_factor_for
from tests.management.world import HOME, NOW, PASSWORD, World

from ringback.accounts.sealing import BadSeal, seal, unseal
from ringback.accounts.secrets import Secrets
from ringback.faults import Faults
from ringback.management.history import changes
from ringback.management.letters import Notice
from ringback.management.people import logins, second_factor
from ringback.management.people.credentials import SignInToken
from ringback.management.people.door import Refused
from ringback.management.people.second_factor import Offer
from ringback.management.refusals import Forbidden, NotFound, NotSignedIn
from ringback.management.rights import Role
from ringback.management.verbs import Act, Done
from ringback.store import InlineStore, Store
from ringback.store.models import LoginRow

ANNA = "anna@example.org"


@pytest.fixture
def world() -> World:
    world = World(InlineStore())
    world.person(ANNA, ("acme", Role.OWNER))
    return world


def proven(world: World, session: SignInToken, deed: Callable[[Act], Done[Any]]) -> Any:
    return world.now(world.door.proven(session, PASSWORD, HOME, deed)).value


def set_up(world: World, session: SignInToken) -> tuple[pyotp.TOTP, list[str]]:
    """The authenticator and the recovery codes."""
    offer: Offer = proven(world, session, second_factor.offer)
    authenticator = pyotp.TOTP(offer.secret)
    assert pyotp.parse_uri(offer.uri).secret == offer.secret
    code = authenticator.at(int(world.time.now))
    codes = world.do(session, lambda act: second_factor.confirm(act, code=code)).value
    world.time.now += 30
    return authenticator, codes


def test_from_the_offer_to_the_next_sign_in(store: Store) -> None:
    world = World(store)
    world.person(ANNA, ("acme", Role.OWNER))
    session, other = world.sign_in(ANNA), world.sign_in(ANNA)
    authenticator, codes = set_up(world, session)
    assert len(set(codes)) == 10
    with pytest.raises(NotSignedIn):
        world.do(other, lambda act: None)
    with pytest.raises(Refused):
        world.sign_in(ANNA)
    code = authenticator.at(int(world.time.now))
    world.sign_in(ANNA, code=f"{code[:3]} {code[3:]}")
    with pytest.raises(Refused):
        world.sign_in(ANNA, code=code)
    (person,) = world.do(session, lambda act: logins.people(act, "acme"))
    assert person.second_factor
    (entry,) = world.do(session, lambda act: changes(act, "acme"))
    assert (entry.verb, entry.secrets) == ("second_factor.confirm", {"second_factor": "set"})


@pytest.mark.parametrize(
    ("late", "taken"),
    [(-61, False), (-30, True), (0, True), (30, True), (61, False)],
)
def test_a_code_is_taken_one_step_early_or_late(world: World, late: int, taken: bool) -> None:
    authenticator, _ = set_up(world, world.sign_in(ANNA))
    world.time.now = NOW + 3000
    code = authenticator.at(int(world.time.now) + late)
    if taken:
        world.sign_in(ANNA, code=code)
    else:
        with pytest.raises(Refused):
            world.sign_in(ANNA, code=code)


def test_no_code_of_an_earlier_step_is_taken_after_a_later_one(world: World) -> None:
    authenticator, _ = set_up(world, world.sign_in(ANNA))
    world.time.now = NOW + 3000
    earlier = authenticator.at(int(world.time.now) - 30)
    world.sign_in(ANNA, code=authenticator.at(int(world.time.now)))
    with pytest.raises(Refused):
        world.sign_in(ANNA, code=earlier)


def test_a_recovery_code_works_once_and_however_it_is_typed(world: World) -> None:
    _, codes = set_up(world, world.sign_in(ANNA))
    world.sign_in(ANNA, code=codes[0])
    with pytest.raises(Refused):
        world.sign_in(ANNA, code=codes[0])
    world.sign_in(ANNA, code=codes[1].replace("-", " ").upper())
    with pytest.raises(Refused):
        world.sign_in(ANNA, password="wrong", code=codes[2])
    session = world.sign_in(ANNA, code=codes[2])
    fresh = proven(world, session, second_factor.new_codes)
    with pytest.raises(Refused):
        world.sign_in(ANNA, code=codes[3])
    world.sign_in(ANNA, code=fresh[0])


def test_a_recovery_code_is_its_own_persons_only(world: World) -> None:
    world.person("other@example.org", ("acme", Role.OWNER))
    _, codes = set_up(world, world.sign_in(ANNA))
    set_up(world, world.sign_in("other@example.org"))
    with pytest.raises(Refused):
        world.sign_in("other@example.org", code=codes[0])


def test_it_is_taken_off_with_the_password_only(world: World) -> None:
    session = world.sign_in(ANNA)
    set_up(world, session)
    with pytest.raises(Forbidden, match="give your password again"):
        world.do(session, second_factor.take_off)
    with pytest.raises(Refused):
        world.now(world.door.proven(session, "wrong", HOME, second_factor.take_off))
    proven(world, session, second_factor.take_off)
    world.sign_in(ANNA)
    with pytest.raises(Faults, match="second_factor: is not set"):
        proven(world, session, second_factor.new_codes)


def test_a_secret_takes_effect_with_its_first_code(world: World) -> None:
    session = world.sign_in(ANNA)
    proven(world, session, second_factor.offer)
    world.sign_in(ANNA)
    with pytest.raises(Faults, match="code: is wrong"):
        world.do(session, lambda act: second_factor.confirm(act, code="000000"))
    world.sign_in(ANNA)


def test_a_lost_one_is_reset_by_an_owner_of_all_accounts_of_the_person(world: World) -> None:
    lena = world.person("lena@example.org", ("acme", Role.READER), ("beta", Role.READER))
    world.machine(lambda act: second_factor_for(act, lena))
    world.person("boss@example.org", ("northline", Role.OWNER))
    boss, anna = world.sign_in("boss@example.org"), world.sign_in(ANNA)

    def reset(who: SignInToken, account: str, login_id: str = lena) -> Done[None]:
        return world.do(who, lambda act: second_factor.reset(act, account, login_id=login_id))

    with pytest.raises(Forbidden, match="only an owner of all accounts of this person"):
        reset(anna, "acme")
    with pytest.raises(NotFound):
        reset(boss, "anna")  # she has no role there
    done = reset(boss, "acme")
    assert [letter.what for letter in done.letters] == [Notice.SECOND_FACTOR_RESET]
    assert sorted(change.place.id for change in done.changes) == ["acme", "beta"]
    world.sign_in("lena@example.org")
    with pytest.raises(Forbidden, match="take your own second factor off"):
        reset(boss, "northline", "login-boss@example.org")


def test_the_secret_is_sealed_and_bound_to_its_person(world: World) -> None:
    session = world.sign_in(ANNA)
    authenticator, _ = set_up(world, session)

    def stored(tx: Connection) -> str:
        return str(tx.execute(select(LoginRow.totp_secret)).scalar_one())

    sealed = world.now(world.store.read(stored))
    assert authenticator.secret not in sealed
    own = f"login-{ANNA}"
    key = Secrets(b"k" * 32)
    assert unseal(key, "second factor", own, sealed) == authenticator.secret
    for other in (
        (Secrets(b"x" * 32), "second factor", own, sealed),
        (key, "something else", own, sealed),
        (key, "second factor", "login-other", sealed),
        (key, "second factor", own, sealed[:-8] + "AAAAAAA="),
        (key, "second factor", own, "no base64!"),
        (key, "second factor", own, ""),
    ):
        with pytest.raises(BadSeal):
            unseal(*other)
    assert seal(key, "p", "o", "same") != seal(key, "p", "o", "same")
