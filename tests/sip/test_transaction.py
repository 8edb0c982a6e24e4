"""The four transactions, each timer at its exact instant (RFC 3261 table 4, RFC 6026)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.sip.useragents import PEER, kind, reply, request

from ringback.clock import Instant
from ringback.sip.client_transaction import (
    CLIENT,
    CLIENT_INVITE,
    ClientTransaction,
    InviteClientTransaction,
)
from ringback.sip.hop import Hop
from ringback.sip.machine import Table
from ringback.sip.message import Request, Response, parse, respond
from ringback.sip.server_transaction import (
    SERVER,
    SERVER_INVITE,
    InviteServerTransaction,
    ServerTransaction,
)
from ringback.sip.timers import Timers
from ringback.sip.transaction import State, Transaction

TIMER_A = [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
TIMER_E = [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


class Bench:
    """What is round a transaction."""

    def __init__(self, peer: Hop = PEER) -> None:
        self.peer = peer
        self.timers = Timers()
        self.sent: list[bytes] = []
        self.got: list[tuple[Instant, int | None]] = []
        self.ended: list[tuple[Instant, bool]] = []
        self.over = False

    def send(self, data: bytes, peer: Hop) -> None:
        assert peer == self.peer
        self.sent.append(data)

    def on_response(self, response: Response | None, at: Instant) -> None:
        self.got.append((at, None if response is None else response.status))

    def finish(self) -> None:
        assert not self.over
        self.over = True

    def run(self, until: Instant) -> list[tuple[Instant, str]]:
        """What is sent, and when."""
        out = []
        while (due := self.timers.next()) is not None and due <= until:
            self.timers.run(due)
            out += [(due, kind(parse(data))) for data in self.taken()]
        return out

    def taken(self) -> list[bytes]:
        sent, self.sent = self.sent, []
        return sent

    def end_of(self, machine: Transaction, until: Instant = 1000.0) -> Instant:
        """When the machine terminates by itself."""
        now = 0.0
        while machine.state is not State.TERMINATED:
            due = self.timers.next()
            assert due is not None and due <= until
            now = due
            self.timers.run(now)
        assert self.over
        return now

    def invite(self) -> InviteClientTransaction:
        machine = InviteClientTransaction(
            request(), self.timers, self.send, self.peer, self.on_response, self.finish
        )
        machine.start(0.0)
        return machine

    def client(self) -> ClientTransaction:
        machine = ClientTransaction(
            request("BYE"), self.timers, self.send, self.peer, self.on_response, self.finish
        )
        machine.start(0.0)
        return machine

    def server_invite(self) -> InviteServerTransaction:
        machine = InviteServerTransaction(request(), self.timers, self.send, self.peer, self.finish)
        machine.on_end = lambda acknowledged, at: self.ended.append((at, acknowledged))
        machine.start(0.0)
        return machine

    def server(self) -> ServerTransaction:
        return ServerTransaction(self.timers, self.send, self.peer, self.finish)


# INVITE client


def test_timers_a_and_b() -> None:
    bench = Bench()
    machine = bench.invite()
    assert len(bench.taken()) == 1
    assert bench.run(31.9) == [(at, "INVITE") for at in TIMER_A]
    assert bench.got == []
    assert bench.run(33.0) == []
    assert bench.got == [(32.0, None)]
    assert machine.state is State.TERMINATED
    assert bench.over


def test_a_provisional_answer_stops_timers_a_and_b() -> None:
    bench = Bench()
    machine = bench.invite()
    bench.taken()
    machine.receive(reply(request(), 100), 0.3)
    assert bench.run(1000.0) == []
    assert machine.state is State.PROCEEDING
    assert bench.got == [(0.3, 100)]


@pytest.mark.parametrize("ringing", [False, True])
def test_a_rejection_is_acknowledged_and_absorbed_for_timer_d(ringing: bool) -> None:
    bench = Bench()
    machine = bench.invite()
    invite = parse(bench.taken()[0])
    if ringing:
        machine.receive(reply(request(), 180), 0.5)
    for at in (1.0, 1.5, 32.9):
        machine.receive(reply(request(), 486, tag="busy"), at)
        (ack,) = (parse(data) for data in bench.taken())
        assert isinstance(ack, Request) and isinstance(invite, Request)
        assert (ack.method, ack.uri) == ("ACK", invite.uri)
        assert str(ack.via) == str(invite.via)
        assert ack.to.tag == "busy"
        assert str(ack.cseq) == "1 ACK"
    assert [status for _, status in bench.got if status != 180] == [486]
    assert bench.end_of(machine) == 33.0


def test_2xx_is_passed_up_each_time_until_timer_m() -> None:
    bench = Bench()
    machine = bench.invite()
    bench.taken()
    for at in (2.0, 2.5, 33.9):
        machine.receive(reply(request(), 200), at)
    machine.receive(reply(request(), 486), 33.95)  # absorbed
    assert bench.got == [(2.0, 200), (2.5, 200), (33.9, 200)]
    assert bench.taken() == []  # the ACK is its user's
    assert bench.end_of(machine) == 34.0


# Other client


def test_timers_e_and_f() -> None:
    bench = Bench()
    bench.client()
    bench.taken()
    assert bench.run(31.9) == [(at, "BYE") for at in TIMER_E]
    assert bench.run(100.0) == []
    assert bench.got == [(32.0, None)]


def test_timer_e_is_t2_after_a_provisional_answer_and_f_goes_on() -> None:
    bench = Bench()
    machine = bench.client()
    bench.taken()
    assert bench.run(0.6) == [(0.5, "BYE")]
    machine.receive(reply(request("BYE"), 100), 0.6)
    assert [at for at, _ in bench.run(31.9)] == [1.5, 5.5, 9.5, 13.5, 17.5, 21.5, 25.5, 29.5]
    bench.run(100.0)
    assert bench.got == [(0.6, 100), (32.0, None)]


@pytest.mark.parametrize("status", [200, 481])
def test_timer_k_absorbs_repeated_answers(status: int) -> None:
    bench = Bench()
    machine = bench.client()
    bench.taken()
    machine.receive(reply(request("BYE"), status), 1.0)
    machine.receive(reply(request("BYE"), status), 2.0)
    assert bench.got == [(1.0, status)]
    assert bench.end_of(machine) == 6.0
    assert bench.sent == []


# INVITE server


def test_trying_after_200_ms_unless_something_was_said() -> None:
    bench = Bench()
    bench.server_invite()
    assert bench.run(10.0) == [(0.2, "100 INVITE")]
    bench = Bench()
    bench.server_invite().send_response(respond(request(), 180), 0.1)
    assert len(bench.taken()) == 1
    assert bench.run(10.0) == []


def test_trying_repeats_the_timestamp() -> None:
    bench = Bench()
    bench.server_invite().request.headers.add("timestamp", "54")
    bench.timers.run(0.2)
    assert parse(bench.taken()[0]).headers.get("timestamp") == "54"


def test_a_repeated_invite_gets_the_last_response() -> None:
    bench = Bench()
    machine = bench.server_invite()
    machine.feed("INVITE", 0.1)
    assert bench.taken() == []
    machine.send_response(respond(request(), 180), 0.1)
    machine.feed("INVITE", 0.5)
    assert [kind(parse(data)) for data in bench.taken()] == ["180 INVITE"] * 2


def test_timers_g_and_h() -> None:
    bench = Bench()
    machine = bench.server_invite()
    machine.send_response(respond(request(), 486), 0.0)
    bench.taken()
    assert bench.run(31.9) == [(at, "486 INVITE") for at in TIMER_E]
    assert bench.ended == []
    bench.run(33.0)
    assert bench.ended == [(32.0, False)]
    assert machine.state is State.TERMINATED


def test_timer_i_absorbs_repeated_acks() -> None:
    bench = Bench()
    machine = bench.server_invite()
    machine.send_response(respond(request(), 486), 0.0)
    bench.taken()
    for at in (0.3, 0.4, 5.2):
        machine.feed("ACK", at)
    assert bench.ended == [(0.3, True)]
    machine.feed("INVITE", 1.0)
    assert bench.end_of(machine) == 5.3
    assert bench.sent == []


def test_timer_l_absorbs_repeated_invites_after_2xx() -> None:
    bench = Bench()
    machine = bench.server_invite()
    machine.send_response(respond(request(), 200), 1.0)
    bench.taken()
    machine.feed("INVITE", 2.0)
    assert bench.end_of(machine) == 33.0
    assert bench.sent == []
    assert bench.ended == []


# Other server


@pytest.mark.parametrize("status", [200, 481])
def test_timer_j_repeats_the_response(status: int) -> None:
    bench = Bench()
    machine = bench.server()
    machine.feed("request", 0.0)
    assert bench.taken() == []
    machine.send_response(respond(request("BYE"), status), 0.1)
    machine.feed("request", 0.5)
    machine.feed("request", 32.0)
    assert len(bench.taken()) == 3
    assert bench.end_of(machine) == 32.1


# Over a reliable transport


TLS = Hop("tls", PEER.host, 5061)


@pytest.mark.parametrize("make", [Bench.invite, Bench.client])
def test_over_a_reliable_transport_no_request_is_sent_again(
    make: Callable[[Bench], Transaction],
) -> None:
    bench = Bench(TLS)
    make(bench)
    bench.taken()
    assert bench.run(100.0) == []
    assert bench.got == [(32.0, None)]


def test_over_a_reliable_transport_no_rejection_is_sent_again() -> None:
    bench = Bench(TLS)
    bench.server_invite().send_response(respond(request(), 486), 0.0)
    bench.taken()
    assert bench.run(100.0) == []
    assert bench.ended == [(32.0, False)]


def test_over_a_reliable_transport_an_answered_request_is_forgotten_at_once() -> None:
    bench = Bench(TLS)
    invite = bench.invite()
    invite.receive(reply(request(), 486), 1.0)
    assert bench.end_of(invite) == 1.0
    bench = Bench(TLS)
    client = bench.client()
    client.receive(reply(request("BYE"), 200), 1.0)
    assert bench.end_of(client) == 1.0
    bench = Bench(TLS)
    server = bench.server()
    server.send_response(respond(request("BYE"), 200), 1.0)
    assert bench.end_of(server) == 1.0
    bench = Bench(TLS)
    rejected = bench.server_invite()
    rejected.send_response(respond(request(), 486), 0.0)
    rejected.feed("ACK", 1.0)
    assert bench.end_of(rejected) == 1.0


# The tables


@pytest.mark.parametrize(
    ("table", "inputs"),
    [
        (CLIENT_INVITE, {"1xx", "2xx", "final", "given up", "A", "B", "D", "M"}),
        (CLIENT, {"1xx", "2xx", "final", "E", "F", "K"}),
        (
            SERVER_INVITE,
            {"INVITE", "ACK", "100", "send 1xx", "send 2xx", "send final", "G", "H", "I", "L"},
        ),
        (SERVER, {"request", "send 1xx", "send 2xx", "send final", "J"}),
    ],
)
def test_an_input_without_a_row_changes_and_sends_nothing(
    table: Table[State], inputs: set[str]
) -> None:
    bench = Bench()
    makers = {
        id(CLIENT_INVITE): bench.invite,
        id(CLIENT): bench.client,
        id(SERVER_INVITE): bench.server_invite,
        id(SERVER): bench.server,
    }
    machine = makers[id(table)]()
    bench.taken()
    assert {what for _, what in table} == inputs  # nothing in the table that no test feeds
    pending = len(bench.timers)
    for state in State:
        for what in inputs - {what for at, what in table if at is state}:
            machine.state = state
            machine.feed(what, 0.0)
            assert machine.state is state
    assert (bench.taken(), bench.got, bench.ended, bench.over) == ([], [], [], False)
    assert len(bench.timers) == pending


@pytest.mark.parametrize("table", [CLIENT_INVITE, CLIENT, SERVER_INVITE, SERVER])
def test_every_state_of_a_table_can_be_left_for_the_end(table: Table[State]) -> None:
    reached = {State.TERMINATED}
    while True:
        more = {at for (at, _), (to, _) in table.items() if to in reached} - reached
        if not more:
            break
        reached |= more
    assert {at for at, _ in table} <= reached


# The heap


def test_stopped_timers_are_passed_over_and_cleared_away() -> None:
    timers = Timers()
    called: list[Instant] = []
    kept = timers.set(5.0, called.append)
    for number in range(5000):
        timers.set(1800.0 + number, called.append).stop()
    assert len(timers) == 1
    assert len(timers._heap) < 2000
    assert timers.next() == 5.0
    timers.run(10.0)
    assert called == [5.0]
    kept.stop()  # too late, and harmless
    assert timers.next() is None
    assert len(timers) == 0


def test_timers_due_together_run_in_the_order_they_were_set() -> None:
    timers = Timers()
    called: list[str] = []
    timers.set(2.0, lambda at: called.append("second"))

    def set_another(at: Instant) -> None:
        timers.set(1.5, lambda due: called.append("set while running"))

    timers.set(1.0, set_another)
    timers.set(2.0, lambda at: called.append("third"))
    timers.run(2.0)
    assert called == ["set while running", "second", "third"]
