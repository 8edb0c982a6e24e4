"""Dialogs: where requests within one go, and what they say (RFC 3261 section 12)."""

from __future__ import annotations

import json

import pytest
from tests.sip.useragents import PEER, reply, request

from ringback.sip.dialog import Dialog
from ringback.sip.hop import Hop

RECORDED = (
    ("record-route", "<sip:192.0.2.10;lr>, <sip:192.0.2.11:5066;lr>"),
    ("record-route", "<sip:p3.example.net;lr>"),
)


def ours(**more: str) -> Dialog:
    """A dialog that a response to our INVITE made."""
    contact = more.get("contact", "<sip:peer@192.0.2.2:5070>")
    routes = (("record-route", more["route"]),) if "route" in more else RECORDED
    invite = request(to_tag=None, cseq=7)
    return Dialog.of_response(invite, reply(invite, 200, headers=routes, contact=contact), PEER)


def test_the_callers_route_set_is_the_recorded_one_reversed() -> None:
    dialog = ours()
    bye = dialog.request("BYE")
    assert bye.uri == "sip:peer@192.0.2.2:5070"
    assert bye.headers.all("route") == [
        "<sip:p3.example.net;lr>",
        "<sip:192.0.2.11:5066;lr>",
        "<sip:192.0.2.10;lr>",
    ]
    assert str(bye.cseq) == "8 BYE"
    assert (bye.from_.tag, bye.to.tag) == ("theirs", "theirs")


def test_the_called_ends_route_set_is_the_recorded_one() -> None:
    dialog = Dialog.of_request(request(headers=RECORDED, cseq=7), "ours", PEER)
    bye = dialog.request("BYE")
    assert bye.headers.all("route")[0] == "<sip:192.0.2.10;lr>"
    assert dialog.destination() == Hop("udp", "192.0.2.10", 5060)
    assert (bye.from_.tag, bye.to.tag) == ("ours", "theirs")
    assert str(bye.cseq) == "1 BYE"


@pytest.mark.parametrize("route", ["<<sip:192.0.2.10>", '<sip:192.0.2.10;x="y">', "*"])
def test_a_route_that_cannot_be_read_goes_back_to_whoever_wrote_it(route: str) -> None:
    dialog = ours(route=route)
    bye = dialog.request("BYE")
    assert (bye.uri, bye.headers.get("route")) == ("sip:peer@192.0.2.2:5070", route)
    assert dialog.destination() == PEER


def test_a_strict_router_is_written_into_the_request_uri() -> None:
    dialog = ours(route="<sip:192.0.2.10;lr>, <sip:192.0.2.11>")
    bye = dialog.request("BYE")
    assert bye.uri == "sip:192.0.2.11"
    assert bye.headers.all("route") == ["<sip:192.0.2.10;lr>", "<sip:peer@192.0.2.2:5070>"]
    assert dialog.destination() == Hop("udp", "192.0.2.11", 5060)


@pytest.mark.parametrize(
    ("contact", "destination"),
    [
        ("<sip:peer@192.0.2.9:5099>", Hop("udp", "192.0.2.9", 5099)),
        ("<sip:peer@192.0.2.9;transport=UDP>", Hop("udp", "192.0.2.9", 5060)),
        ("<sip:peer@192.0.2.9:0>", Hop("udp", "192.0.2.9", 5060)),
        ("<sip:peer@phone.example.net>", PEER),
        ("<sip:peer@192.0.2.999>", PEER),
        ("<sip:peer@010.0.2.9>", PEER),
        ("<sip:peer@[2001:db8::1]>", PEER),
        ("<tel:+4420>", PEER),
    ],
)
def test_requests_go_to_the_contact_or_where_that_is_no_address_to_the_peer(
    contact: str, destination: Hop
) -> None:
    dialog = Dialog.of_response(request(), reply(request(), 200, contact=contact), PEER)
    assert dialog.destination() == destination


def test_target_refresh_moves_the_target_and_keeps_the_route_set() -> None:
    dialog = ours()
    routes = list(dialog.routes)
    dialog.refresh_target(request(contact="<sip:moved@192.0.2.77>", headers=RECORDED[:1]))
    assert dialog.target == "sip:moved@192.0.2.77"
    assert dialog.routes == routes
    dialog.refresh_target(request(contact=None))
    assert dialog.target == "sip:moved@192.0.2.77"


def test_cseq_must_not_fall() -> None:
    dialog = Dialog.of_request(request(cseq=7), "ours", PEER)
    assert not dialog.in_order(request("BYE", cseq=6))
    assert dialog.in_order(request("INFO", cseq=9))
    assert not dialog.in_order(request("INFO", cseq=8))
    assert dialog.in_order(request("BYE", cseq=10))


def test_a_dialog_survives_being_stored() -> None:
    dialog = ours()
    dialog.request("INFO")
    again = Dialog.from_json(json.loads(json.dumps(dialog.to_json())))
    assert again.key == dialog.key
    assert again.request("BYE").encode() == dialog.request("BYE").encode()
    assert again.destination() == dialog.destination()


def test_a_dialog_that_was_stored_with_host_and_port_only_goes_by_udp() -> None:
    document = ours().to_json()
    assert document["peer"] == ["udp", "192.0.2.2", 5070]
    document["peer"] = ["192.0.2.2", 5070]
    assert Dialog.from_json(document).peer == PEER


def test_odd_parameters_survive_being_stored_and_sent_back() -> None:
    invite = request(headers=(("record-route", '<sip:192.0.2.10;lr>;x="a\\"b,<c"'),))
    invite.headers.set("from", '"A \\"B\\" <x>" <sip:peer@192.0.2.2>;tag=theirs;y="q\\";z"')
    dialog = Dialog.of_request(invite, "ours", PEER)
    again = Dialog.from_json(json.loads(json.dumps(dialog.to_json())))
    bye = again.request("BYE")
    assert bye.headers.all("route") == ['<sip:192.0.2.10;lr>;x="a\\"b,<c"']
    assert bye.to.tag == "theirs"
    assert bye.to.display == 'A "B" <x>'
    assert dict(bye.to.params) == dict(invite.from_.params)


@pytest.mark.parametrize(
    ("peer", "contact", "destination"),
    [
        (Hop("tls", "8.8.8.8", 5061), "<sip:gw@9.9.9.9:5062>", Hop("tls", "9.9.9.9", 5062)),
        (Hop("udp", "2a00::1", 5060), "<sip:gw@[2a00::2]>", Hop("udp", "2a00::2", 5060)),
        (Hop("udp", "2a00::1", 5060), "<sip:gw@[fd00::2]>", Hop("udp", "2a00::1", 5060)),
        (Hop("udp", "2a00::1", 5060), "<sip:gw@9.9.9.9>", Hop("udp", "2a00::1", 5060)),
        (Hop("udp", "8.8.8.8", 1024), "<sip:phone@10.0.0.7:5062>", Hop("udp", "8.8.8.8", 1024)),
        (Hop("udp", "8.8.8.8", 1024), "<sip:phone@100.64.0.7:5062>", Hop("udp", "8.8.8.8", 1024)),
        (Hop("udp", "8.8.8.8", 1024), "<sip:gw@9.9.9.9:5062>", Hop("udp", "9.9.9.9", 5062)),
        (Hop("udp", "10.0.0.1", 5060), "<sip:phone@10.0.0.7:5062>", Hop("udp", "10.0.0.7", 5062)),
    ],
)
def test_a_contact_that_cannot_be_reached_the_way_its_messages_come_is_not_used(
    peer: Hop, contact: str, destination: Hop
) -> None:
    invite = request(to_tag=None, cseq=7)
    dialog = Dialog.of_response(invite, reply(invite, 200, contact=contact), peer)
    assert dialog.destination() == destination
