"""Ports, trunks and routes."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ringback.cli.doctor.finding import Finding, fault, ok, warning
from ringback.config import Config
from ringback.engines.embedded.probe import Probed, addresses, probe
from ringback.engines.embedded.udp import look_up
from ringback.media.pool import conversations
from ringback.server.control import ControlError, ask
from ringback.server.run import control_path
from ringback.sip.message import Response
from ringback.telephony.trunks import Route, Trunk

ENOUGH = 50
"""Conversations."""
SHOWN = 5
"""How many ports in use are named."""


async def examine_network(config: Config, trunks: Sequence[Trunk]) -> list[Finding]:
    """Look at the ports, and ask each trunk whether it is there."""
    running = await _running(config)
    runs = running is not None
    found = [*_listening(config, runs=runs), *_sound_ports(config, runs=runs), *_advertise(config)]
    answers = {} if runs else await _answers(config, trunks)
    for trunk in trunks:
        probed = answers.get(trunk.name) or Probed(addresses(trunk))
        found += _address(config, trunk, probed.addresses)
        if running is not None:
            found.append(_as_the_server_sees_it(trunk, running))
        elif probed.addresses:
            found.append(_answer(trunk, probed.options))
    return found


async def _answers(config: Config, trunks: Sequence[Trunk]) -> Mapping[str, Probed]:
    try:
        return await probe(config.sip, trunks)
    except OSError:
        return {}  # `_listening` says what is wrong


async def _running(config: Config) -> Mapping[str, str] | None:
    """`Engine.trunk_states` of the running server; None if none is running."""
    try:
        states: Mapping[str, str] = (await ask(control_path(config), "trunks"))["troubles"]
    except ControlError:
        return None
    return states


def _listening(config: Config, *, runs: bool) -> Iterator[Finding]:
    listen = config.sip.listen
    if runs:
        yield ok("the server runs")
        return
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((listen.host, listen.port))
        yield ok(f"UDP {listen.host}:{listen.port} is free to listen on")
    except OSError as error:
        mending = (
            "another program has it: end that, or choose another port"
            if error.errno == errno.EADDRINUSE
            else f"{error.strerror}: write an address of this machine, or 0.0.0.0 for all,"
        )
        yield fault(f"UDP {listen.host}:{listen.port}: {mending} in [sip] listen")


def _sound_ports(config: Config, *, runs: bool) -> Iterator[Finding]:
    low, high = config.sip.rtp_ports
    what = f"[sip] rtp_ports {low}-{high}"
    calls = conversations((low, high), os.cpu_count() or 1)
    if not calls:
        yield fault(f"{what} have no room for a conversation, which takes four: write more")
        return
    yield (ok if calls >= ENOUGH else warning)(f"{what} are enough for {calls} conversations")
    taken = [] if runs else _taken(config.sip.listen.host, range(low, high + 1))
    if taken:
        more = ", ..." if len(taken) > SHOWN else ""
        listed = ", ".join(map(str, taken[:SHOWN]))
        yield (fault if len(taken) > high - low - 3 else warning)(
            f"{what}: other programs have {len(taken)} of them ({listed}{more}): end those, or "
            "choose other ports"
        )


def _taken(host: str, ports: Iterable[int]) -> list[int]:
    taken = []
    for port in ports:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((host, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    return []  # `_listening` tells what is wrong with the address
                taken.append(port)
    return taken


def _advertise(config: Config) -> Iterator[Finding]:
    host = config.sip.advertise
    if host is not None:
        try:
            look_up(host)
        except OSError as error:
            yield fault(
                f"[sip] advertise {host!r} cannot be looked up ({error.strerror}): nobody can send "
                "us anything: write your public address"
            )


def _address(config: Config, trunk: Trunk, addresses: Sequence[str]) -> Iterator[Finding]:
    if not addresses:
        yield fault(
            f"trunk {trunk.name}: host {trunk.host!r} cannot be looked up: check it, or the name "
            "server"
        )
        return
    advertised = _address_of(config.sip.advertise or config.sip.listen.host)
    public = [address for address in addresses if ipaddress.ip_address(address).is_global]
    if public and advertised != "0.0.0.0" and not _is_public(advertised):
        yield warning(
            f"trunk {trunk.name} is on the public network ({public[0]}), but calls advertise the "
            f"private address {advertised}: set [sip] advertise to your public one"
        )
    elif public and not config.sip.advertise:
        yield warning(
            f"trunk {trunk.name} is on the public network: behind NAT, set [sip] advertise to your "
            "public address"
        )


def _address_of(host: str) -> str:
    """Its address, where it has one."""
    try:
        return look_up(host)[0]
    except OSError:
        return host


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return True  # a name


def _as_the_server_sees_it(trunk: Trunk, troubles: Mapping[str, str]) -> Finding:
    if trunk.name not in troubles:
        return warning(f"trunk {trunk.name}: the server does not have it yet")
    trouble = troubles[trunk.name]
    if trouble:
        return warning(f"trunk {trunk.name} is down: {trouble}")
    return ok(f"trunk {trunk.name} is up")


def _answer(trunk: Trunk, answer: Response | None) -> Finding:
    where = f"trunk {trunk.name} ({trunk.host}:{trunk.port})"
    if answer is None:
        return warning(
            f"{where} does not answer OPTIONS: see that it runs and knows this machine, and that "
            "no firewall is between"
        )
    return ok(f"{where} answers: {answer.status} {answer.reason}")


def examine_routes(trunks: Sequence[Trunk], routes: Sequence[Route]) -> Iterator[Finding]:
    """Whether calls have a way out."""
    if not trunks:
        yield fault(
            "there is no trunk: no call can come in or go out: add one with ringback trunks add, "
            "or under trunks of the setup file"
        )
    elif not routes:
        yield fault("there is no route: no call can go out: add one with ringback routes add")
    elif all(route.prefix for route in routes):
        prefixes = ", ".join(route.prefix for route in routes)
        yield warning(f"only numbers that begin with {prefixes} have a route")
    else:
        yield ok("every number has a route")
