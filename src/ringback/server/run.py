"""The server as a whole: it takes a configuration, and carries calls until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ringback.accounts.foundation import lay_foundation
from ringback.accounts.sealing import trunk_sealer
from ringback.accounts.secrets import key_expected, load_secrets
from ringback.calls.exchange import Exchange
from ringback.calls.journal import Journal
from ringback.calls.services import Services
from ringback.charging import decks
from ringback.clock import Clock, LoopClock
from ringback.config import Config, ConfigError
from ringback.engines.choice import make_engine
from ringback.server.commands import call_me_back, states
from ringback.server.control import ControlError, ControlServer
from ringback.server.soundfiles import sweep_daily
from ringback.server.trunks import TrunkFollower
from ringback.sounds.library import SoundLibrary
from ringback.store import Store, StoreError, migrate, open_store

NODE = "main"
GRACE_SECONDS = 10.0
"""How long live calls may go on after SIGTERM."""
SWITCH_SECONDS = 0.0001
"""How long the writer thread may hold the interpreter while signalling waits."""
COLLECTIONS = (5_000, 10, 25)
"""How often garbage is looked for (`gc.set_threshold`). With hundreds of live sessions a full
search takes some 0.1 s. With these values it comes not every few seconds, but once in some two
thousand sessions, which leave 0.1 GB of garbage."""


def control_path(config: Config) -> Path:
    """The path of the control socket of a configuration's server."""
    return config.server.data_dir / "ringback.sock"


def key_path(config: Config) -> Path:
    """The path of the key of PINs and passwords."""
    return config.server.data_dir / "secrets.key"


def sounds_path(config: Config) -> Path:
    """The folder of the converted sounds."""
    return config.server.data_dir / "sounds"


def make_data_dir(config: Config) -> None:
    """Make the folder of the database and the key. Only its owner may enter it, since people's
    numbers are in it. Raises ConfigError."""
    try:
        config.server.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"[server] data_dir {config.server.data_dir} cannot be made: {error.strerror}"
        ) from error


async def serve(
    config: Config, journal: Journal, *, ready: Callable[[], None], grace: float = GRACE_SECONDS
) -> None:
    """Run the server until SIGTERM or SIGINT; `ready` is called once it takes calls.

    SIGHUP, which is sent when a terminal is closed, does the same, unless it is ignored, as under
    `nohup`. A second signal ends live calls at once.

    Raises StoreError, BadKey, ControlError or OSError if it cannot start.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    signals = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, stop.set)

    make_data_dir(config)
    url = config.database_url
    migrate(url)
    store = open_store(url, serving=True)
    clock, chance = LoopClock(loop), random.SystemRandom()
    secrets = load_secrets(key_path(config), expected=await store.read(key_expected))
    currency, home_country = config.server.currency, config.server.home_country
    await store.run(
        lambda tx: lay_foundation(tx, secrets, currency, home_country, clock.now(), chance)
    )

    def report(what: str) -> None:
        journal.trouble(None, what)

    sounds = SoundLibrary(
        sounds_path(config), lambda name: report(f"missing: {name}: it is skipped")
    )
    trunks = TrunkFollower(store, trunk_sealer(secrets), clock, report)
    await trunks.start()
    engine = make_engine(
        config, trunks.table, clock, chance, node=NODE, sound_path=sounds.path, report=report
    )
    services = Services(
        node=NODE,
        clock=clock,
        chance=chance,
        store=store,
        engine=engine,
        sounds=sounds,
        secrets=secrets,
        journal=journal,
        trunks=trunks.table,
        guards=config.guards.limits(),
        currency=config.server.currency,
    )
    exchange = Exchange(services)

    async def call(request: dict[str, Any]) -> dict[str, Any]:
        return await call_me_back(services, exchange, request)

    async def end(request: dict[str, Any]) -> dict[str, Any]:
        if not exchange.end(str(request.get("session")), "command line"):
            raise ControlError("no live session has this id")
        return {}

    async def credited(request: dict[str, Any]) -> dict[str, Any]:
        exchange.credited([str(id_) for id_ in request.get("ledger_ids", [])])
        return {}

    async def standing_changed(request: dict[str, Any]) -> dict[str, Any]:
        await exchange.standing_changed()
        return {}

    async def trunk_states(request: dict[str, Any]) -> dict[str, Any]:
        return {"troubles": engine.trunk_states()}

    async def trunks_changed(request: dict[str, Any]) -> dict[str, Any]:
        await trunks.look()
        return {}

    async def session_states(request: dict[str, Any]) -> dict[str, Any]:
        return states(exchange, request)

    handlers = {
        "call": call,
        "end": end,
        "credited": credited,
        "standing_changed": standing_changed,
        "trunks": trunk_states,
        "trunks_changed": trunks_changed,
        "sessions": session_states,
    }
    control = ControlServer(control_path(config), handlers)
    # What exists by now will stay: to search it for garbage would take a tenth of a second, during
    # which no timer goes off.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTIONS)
    await exchange.start()
    await control.start()
    ready()
    beside = [
        loop.create_task(_sweep_decks(store, clock, report)),
        loop.create_task(sweep_daily(store, sounds_path(config), clock, report)),
        loop.create_task(trunks.run()),
    ]
    await stop.wait()
    for number in signals:
        loop.add_signal_handler(number, exchange.end_all)
    if live := exchange.live():
        report(
            f"stopping: live sessions: {live}: they may go on for {grace:.0f} s; stop again to end "
            "them now"
        )
    for task in beside:
        task.cancel()
    await control.close()
    await exchange.close(grace)
    await store.close()


async def _sweep_decks(store: Store, clock: Clock, report: Callable[[str], None]) -> None:
    try:
        await decks.sweep(store, clock)
    except StoreError as error:
        report(f"rates that are no longer in force could not be deleted: {error}")
