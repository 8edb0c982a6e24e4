"""Who is shown as the caller, to the byte of the INVITE: where the trunk wants it, in the form that
it wants, and only what it takes (spec section 5; RFC 3261 section 20.20, 3323, 3325)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.engines.test_outleg import DIGEST, World

from ringback.accounts.callback import CallbackSetup
from ringback.calls.presentation import Presented, shown_to_callee, shown_to_caller
from ringback.engines.simulated import run_virtual
from ringback.numbering import NumberForm
from ringback.telephony.port import Shown
from ringback.telephony.trunks import ShowIn, Trunk

CARRIER = replace(DIGEST, host="sip.example.net", user="acme")
ACCESS, OTHER, CALLER = "+442071838750", "+441614960140", "+447700900123"
OWN = Presented(CALLER, "A. Reed", is_own=True)


def identity(trunk: Trunk, shown: Shown) -> list[str]:
    """The lines of the INVITE that say who calls, as they stand in the datagram."""

    found: list[str] = []

    async def main() -> None:
        world = World(trunk, shown)
        world.leg.dial()
        head = world.last["INVITE"].encode().decode().partition("\r\n\r\n")[0]
        wanted = ("From:", "P-Asserted-Identity:", "P-Preferred-Identity:", "Privacy:")
        found.extend(line for line in head.split("\r\n") if line.startswith(wanted))

    run_virtual(main())
    return [line.partition(";tag=")[0] for line in found]


OURS, THEIRS = "<sip:{}@192.0.2.1>", "<sip:{}@sip.example.net>"


@pytest.mark.parametrize(
    ("trunk", "lines"),
    [
        ({}, [f"From: {OURS.format(ACCESS)}"]),
        ({"from_host": "domain"}, [f"From: {THEIRS.format(ACCESS)}"]),
        (
            {"show_in": "p_asserted_identity"},
            [f"From: {OURS.format(ACCESS)}", f"P-Asserted-Identity: {OURS.format(ACCESS)}"],
        ),
        (
            {"show_in": "p_asserted_identity", "from_user": "user"},
            [f"From: {OURS.format('acme')}", f"P-Asserted-Identity: {OURS.format(ACCESS)}"],
        ),
        (
            {"show_in": "p_preferred_identity", "from_user": "user", "from_host": "domain"},
            [f"From: {THEIRS.format('acme')}", f"P-Preferred-Identity: {THEIRS.format(ACCESS)}"],
        ),
        (
            {"show_in": "p_preferred_identity", "from_user": "user", "user": "acme@example.net"},
            [
                f"From: {OURS.format('acme%40example.net')}",
                f"P-Preferred-Identity: {OURS.format(ACCESS)}",
            ],
        ),
    ],
)
def test_from_and_identity_are_as_the_trunk_wants_them(
    trunk: dict[str, Any], lines: list[str]
) -> None:
    assert identity(replace(CARRIER, **trunk), Shown(ACCESS)) == lines


@pytest.mark.parametrize("show_in", ["from", "p_asserted_identity", "p_preferred_identity"])
@pytest.mark.parametrize(
    ("trunk", "sender"),
    [
        ({}, "<sip:anonymous@anonymous.invalid>"),
        ({"from_host": "domain"}, "<sip:anonymous@anonymous.invalid>"),
        ({"from_user": "user"}, OURS.format("acme")),
        ({"from_user": "user", "from_host": "domain"}, THEIRS.format("acme")),
    ],
)
def test_hidden_no_number_and_no_name_leaves_us(
    show_in: ShowIn, trunk: dict[str, Any], sender: str
) -> None:
    """A carrier that finds our account in From finds it there all the same."""
    found = identity(replace(CARRIER, show_in=show_in, **trunk), Shown(None, "Acme"))
    assert found == [f'From: "Anonymous" {sender}', "Privacy: id"]


def test_numbers_shown_have_a_form_of_their_own() -> None:
    trunk = replace(
        CARRIER,
        called=NumberForm("GB", 2, "0", plus=False),
        shown=NumberForm(plus=False),
        show_in="p_preferred_identity",
    )
    shown = shown_to_caller(ACCESS, ACCESS, "Acme", trunk)
    assert identity(trunk, shown) == [
        f'From: "Acme" {OURS.format(ACCESS[1:])}',
        f'P-Preferred-Identity: "Acme" {OURS.format(ACCESS[1:])}',
    ]
    assert trunk.called.write("+442079460000") == "02079460000"


def setup(**number: Any) -> CallbackSetup:
    return CallbackSetup.model_validate({"caller_id_number": number})


@pytest.mark.parametrize(
    ("trunk", "by_equipment", "by_user", "return_call"),
    [
        ({}, CALLER, OTHER, OTHER),
        ({"foreign_numbers": False}, ACCESS, OTHER, OTHER),
        ({"shown_prefixes": ("4420",)}, ACCESS, ACCESS, ACCESS),
        ({"shown_prefixes": ("44161", "447")}, CALLER, OTHER, OTHER),
        ({"shown_prefixes": ("44161", "447"), "foreign_numbers": False}, ACCESS, OTHER, OTHER),
        ({"shown_prefixes": ("33",)}, ACCESS, ACCESS, ACCESS),
    ],
)
def test_what_the_trunk_does_not_take_is_the_public_number(
    trunk: dict[str, Any], by_equipment: str, by_user: str, return_call: str
) -> None:
    """`foreign_numbers` and `shown_prefixes`: any other number is replaced by `server`."""
    made = replace(CARRIER, **trunk)

    def leaves(shown: Shown) -> str:
        (line,) = identity(made, shown)
        return line.partition("<sip:")[2].partition("@")[0]

    def callee(**number: Any) -> Shown:
        return shown_to_callee(setup(**number), "Acme", ACCESS, OWN, made)

    assert leaves(callee(set_by="server")) == ACCESS
    assert leaves(callee(set_by="equipment")) == by_equipment
    assert leaves(callee(set_by="user", value=OTHER)) == by_user
    assert leaves(shown_to_caller(OTHER, ACCESS, "Acme", made)) == return_call
