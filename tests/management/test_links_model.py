"""Links against a small model: made, taken, taken back, replaced and left to expire, in any order.

At most one use of each has an effect, whatever comes between.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule
from tests.management.world import HOME, PASSWORD, World

from ringback.management.letters import Purpose
from ringback.management.people import access, invitations, logins
from ringback.management.people.door import Refused
from ringback.management.people.links import LASTS, BadLink
from ringback.management.rights import Role
from ringback.store import InlineStore

EMAILS = st.sampled_from(["anna@example.org", "ben@example.org"])
ACCOUNTS = st.sampled_from(["acme", "beta"])


@dataclass
class Made:
    """A link as the model knows it."""

    purpose: Purpose
    email: str
    account: str
    token: str
    expires: float
    works: bool = True


class Links(RuleBasedStateMachine):
    made = Bundle("made")

    def __init__(self) -> None:
        super().__init__()
        self.world = World(InlineStore())
        self.links: list[Made] = []
        self.roles: set[tuple[str, str]] = set()
        self.passwords: dict[str, str] = {}
        self.number = 0

    @rule(target=made, email=EMAILS, account=ACCOUNTS)
    def invite(self, email: str, account: str) -> Made | None:
        if (email, account) in self.roles:
            return None
        done = self.world.machine(
            lambda act: invitations.invite(act, account, email=email, role=Role.READER)
        )
        for link in self.links:
            if (link.purpose, link.email, link.account) == (Purpose.INVITATION, email, account):
                link.works = False
        return self._note(Purpose.INVITATION, email, account, str(done.letters[0].token))

    @rule(target=made, email=EMAILS)
    def ask_reset(self, email: str) -> Made | None:
        source = f"198.51.100.{self.number % 250}"
        self.number += 1
        done = self.world.machine(lambda act: access.ask_reset(act, email=email, source=source))
        if not done.letters:
            return None
        assert email in self.passwords
        return self._note(Purpose.RESET, email, "", str(done.letters[0].token))

    @rule(link=made)
    def withdraw(self, link: Made | None) -> None:
        if link is None or link.purpose is not Purpose.INVITATION:
            return
        waiting = self.world.machine(lambda act: invitations.invited(act, link.account))
        for each in waiting:
            if each.email == link.email:
                self.world.machine(lambda act, id_=each.id: invitations.withdraw(act, id_))  # type: ignore[misc]
                for other in self.links:
                    if (other.purpose, other.email, other.account) == (
                        link.purpose,
                        link.email,
                        link.account,
                    ):
                        other.works = False

    @rule(link=made)
    def use(self, link: Made | None) -> None:
        if link is None:
            return
        should = link.works and self.world.time.now < link.expires
        try:
            if link.purpose is Purpose.INVITATION:
                self._accept(link)
            else:
                self._reset(link)
        except BadLink:
            assert not should
        else:
            assert should
            link.works = False
        self._check_roles()

    @rule(link=made)
    def use_for_something_else(self, link: Made | None) -> None:
        if link is None:
            return
        world = self.world
        try:
            if link.purpose is Purpose.RESET:
                world.now(world.door.accept(link.token, password=PASSWORD, source=HOME))
            else:
                world.now(world.door.reset(link.token, password=PASSWORD))
        except BadLink:
            return
        raise AssertionError("a link did what it is not for")

    @rule(hours=st.sampled_from([0.5, 1.0, 24.0, 168.0]))
    def wait(self, hours: float) -> None:
        self.world.time.now += hours * 3600

    def _check_roles(self) -> None:
        found = set()
        for account in ("acme", "beta"):
            people = self.world.machine(
                lambda act, id_=account: logins.people(act, id_)  # type: ignore[misc]
            )
            found |= {(person.email, account) for person in people}
        assert found == self.roles

    def _accept(self, link: Made) -> None:
        password = self.passwords.get(link.email, PASSWORD)
        world = self.world
        world.now(world.door.accept(link.token, password=password, name="X", source=HOME))
        self.passwords[link.email] = password
        self.roles.add((link.email, link.account))

    def _reset(self, link: Made) -> None:
        self.number += 1
        password = f"{PASSWORD} {self.number}"
        world = self.world
        world.now(world.door.reset(link.token, password=password))
        self.passwords[link.email] = password
        for other in self.links:
            if other.purpose is Purpose.RESET and other.email == link.email:
                other.works = False

    def _note(self, purpose: Purpose, email: str, account: str, token: str) -> Made:
        expires = self.world.time.now + LASTS[purpose]
        self.links.append(Made(purpose, email, account, token, expires))
        return self.links[-1]

    def teardown(self) -> None:
        async def signed_in(email: str, password: str) -> bool:
            try:
                await self.world.door.sign_in(email, password, source="203.0.113.5")
            except Refused:
                return False
            return True

        self.world.time.now += 24 * 3600
        for email, password in self.passwords.items():
            assert asyncio.run(signed_in(email, password))
            assert not asyncio.run(signed_in(email, password + "x"))
        self.world.passwords.close()
        asyncio.run(self.world.store.close())


Links.TestCase.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
TestLinks = Links.TestCase
