"""`ringback doctor`: what would keep calls from working."""

from __future__ import annotations

import ipaddress
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ringback.accounts.secrets import KEY_BYTES
from ringback.config import Config, Trunk
from ringback.server.run import key_path
from ringback.store import StoreError, migrate

LEAST_FREE_BYTES = 500 * 1024 * 1024
PORTS_A_CALL = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """`grade`: "ok", "WARNING" or "FAULT"."""

    grade: str
    text: str


def examine(config: Config) -> list[Finding]:
    """Everything that was looked at."""
    return [
        *_data(config),
        *_sip(config),
        *(finding for trunk in config.trunk for finding in _trunk(config, trunk)),
        *_routes(config),
    ]


def _data(config: Config) -> Iterator[Finding]:
    folder = config.server.data_dir
    if not folder.exists():
        yield Finding("WARNING", f"{folder} is not there yet: run ringback apply setup.yaml")
        return
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        yield Finding("WARNING", f"{folder}: only {free // 1024**2} MB are free: make room")
    try:
        migrate(config.database_url)
        yield Finding("ok", "the database can be used")
    except StoreError as error:
        yield Finding("FAULT", str(error))
    yield from _key(key_path(config))


def _key(path: Path) -> Iterator[Finding]:
    if not path.exists():
        yield Finding("WARNING", f"{path} is not there yet: it is made with the first setup")
    elif path.stat().st_size != KEY_BYTES:
        yield Finding("FAULT", f"{path} is no key: restore it from a backup")
    elif path.stat().st_mode & 0o077:
        yield Finding("WARNING", f"{path} can be read by others: chmod 600 {path}")
    else:
        yield Finding("ok", "the key of PINs and passwords is there, for its owner only")


def _sip(config: Config) -> Iterator[Finding]:
    sip = config.sip
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((sip.listen.host, sip.listen.port))
        yield Finding("ok", f"UDP {sip.listen.host}:{sip.listen.port} is free to listen on")
    except OSError as error:
        yield Finding(
            "WARNING",
            f"UDP {sip.listen.host}:{sip.listen.port}: {error.strerror}: either the server runs "
            "already, or another program has it: choose another in [sip] listen",
        )
    low, high = sip.rtp_ports
    calls = (high - low + 1) // PORTS_A_CALL
    grade = "ok" if calls >= 50 else "WARNING"
    yield Finding(grade, f"[sip] rtp_ports {low}-{high} are enough for {calls} conversations")


def _trunk(config: Config, trunk: Trunk) -> Iterator[Finding]:
    try:
        found = socket.getaddrinfo(trunk.host, trunk.port, socket.AF_INET, socket.SOCK_DGRAM)
    except OSError as error:
        yield Finding(
            "FAULT",
            f"trunk {trunk.name}: host {trunk.host!r} cannot be looked up: {error.strerror}",
        )
        return
    addresses = {str(address[0]) for *_, address in found}
    yield Finding("ok", f"trunk {trunk.name}: {trunk.host} is {', '.join(sorted(addresses))}")
    advertised = config.sip.advertise or config.sip.listen.host
    public = [address for address in addresses if ipaddress.ip_address(address).is_global]
    if public and advertised != "0.0.0.0" and not _is_public(advertised):
        yield Finding(
            "WARNING",
            f"trunk {trunk.name} is on the public network ({public[0]}), but calls advertise the "
            f"private address {advertised}: set [sip] advertise to your public one",
        )
    elif public and not config.sip.advertise:
        yield Finding(
            "WARNING",
            f"trunk {trunk.name} is on the public network: behind NAT, set [sip] advertise to your "
            "public address",
        )


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return True  # a name


def _routes(config: Config) -> Iterator[Finding]:
    if not config.trunk:
        yield Finding("FAULT", "there is no [[trunk]]: no call can come in or go out")
    elif not config.route:
        yield Finding("FAULT", "there is no [[route]]: no call can go out")
    elif all(route.prefix for route in config.route):
        prefixes = ", ".join(route.prefix for route in config.route)
        yield Finding("WARNING", f"only numbers that begin with {prefixes} have a route")
    else:
        yield Finding("ok", "every number has a route")
