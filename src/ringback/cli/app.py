"""`ringback`: its commands, their arguments, and how they end.

A command that cannot do its work prints a line that says why and how to mend it, and exits with 1.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import signal
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from ringback.accounts.foundation import OtherCurrency
from ringback.accounts.secrets import BadKey
from ringback.accounts.setupfile import SetupError
from ringback.backup.archive import BadArchive
from ringback.backup.restoring import NotEmpty
from ringback.backup.sealing import WrongPassphrase
from ringback.charging.decks import DeckGone
from ringback.charging.payers import NoRate
from ringback.charging.statement import BooksDisagree
from ringback.cli import accessnumbers as numbers_command
from ringback.cli import accounts as accounts_command
from ringback.cli import apply as apply_command
from ringback.cli import backup as backup_command
from ringback.cli import callerids as caller_ids_command
from ringback.cli import demo as demo_command
from ringback.cli import export as export_command
from ringback.cli import extensions as extensions_command
from ringback.cli import init as init_command
from ringback.cli import logins as logins_command
from ringback.cli import newkey as newkey_command
from ringback.cli import plans as plans_command
from ringback.cli import rates as rates_command
from ringback.cli import recharge as recharge_command
from ringback.cli import routes as routes_command
from ringback.cli import sessions as sessions_command
from ringback.cli import sounds as sounds_command
from ringback.cli import statement as statement_command
from ringback.cli import trunks as trunks_command
from ringback.cli.administrator import first_administrator
from ringback.cli.doctor.examine import examine
from ringback.cli.lines import say
from ringback.cli.options import (
    DEFAULT_CONFIG,
    CommandError,
    ConfigOption,
)
from ringback.cli.phone import command as phone_command
from ringback.cli.streams import make_streams
from ringback.config import ConfigError, load_config, see_none_moved
from ringback.server.control import ControlError, ask
from ringback.server.log import LogJournal, make_logger
from ringback.server.private import see_private
from ringback.server.run import control_path, serve
from ringback.sounds.convert import BadSound
from ringback.store import StoreError

app = typer.Typer(
    help="A callback-calling server: ring it, it calls you back, you dial anywhere.",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # which joins the lines of a docstring
    pretty_exceptions_enable=False,
)

INTERRUPTED = 130
"""The status of a command that Ctrl-C ended: 128 and the number of SIGINT, as shells have it."""

_ERRORS = (
    CommandError,
    ConfigError,
    SetupError,
    StoreError,
    BadKey,
    OtherCurrency,
    ControlError,
    DeckGone,
    NoRate,
    BooksDisagree,
    BadArchive,
    NotEmpty,
    WrongPassphrase,
    BadSound,
    OSError,
)


def main() -> None:
    """Run a command; if it fails, print why."""
    make_streams()
    status = _status()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError as error:
        status = 1
        with contextlib.suppress(OSError):
            print(f"ringback: output cannot be written: {error.strerror}", file=sys.stderr)
        sys.stdout = sys.stderr = io.StringIO()  # or Python would try again at its end
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # from here on there is nothing to interrupt
    sys.exit(status)


def _status() -> int:
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        app()
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except UnicodeEncodeError:
        _print_reason("an argument is not text in UTF-8")
        return 1
    except _ERRORS as error:
        _print_reason(_reason(error))
        return 1
    return 0


def _print_reason(reason: str) -> None:
    for line in reason.splitlines() or ["it failed"]:
        say(f"ringback: {line}", stream=sys.stderr)


def _reason(error: Exception) -> str:
    """The text of an error; for a system's error, without its number."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"ringback {version('ringback')}")
        raise typer.Exit


@app.callback()
def ringback(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """A callback-calling server: ring it, it calls you back, you dial anywhere."""


@app.command()
def demo(
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the server running afterwards.")
    ] = False,
) -> None:
    """Show a whole callback call, on real SIP and RTP between processes on this machine."""
    raise typer.Exit(asyncio.run(demo_command.run(keep=keep)))


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write the files.")] = Path(),
) -> None:
    """Write a ringback.toml and a setup.yaml that work as they are, make key and database, and
    print the first administrator's link."""
    try:
        for path in init_command.write_files(folder):
            print(f"wrote {path}")
    except init_command.AlreadyThere as error:
        raise ConfigError(str(error)) from error
    say(first_administrator(load_config(folder / "ringback.toml")))
    say("next: ringback apply setup.yaml, ringback serve, and in another terminal ringback phone")


@app.command(name="serve")
def serve_(
    config: ConfigOption = DEFAULT_CONFIG,
    log_json: Annotated[bool, typer.Option("--json", help="Log as JSON.")] = False,
) -> None:
    """Run the server."""
    loaded = load_config(config)
    see_none_moved(loaded, config)
    see_private(loaded, config)
    logger = make_logger(as_json=log_json)

    def ready() -> None:
        listen = loaded.sip.listen
        logger.info(f"taking calls on {listen.host}:{listen.port}; stop with Ctrl-C")

    uvloop.run(serve(loaded, LogJournal(logger), ready=ready))


@app.command()
def call(
    number: Annotated[str, typer.Argument(help="The number to call back.")],
    destination: Annotated[
        str | None, typer.Argument(help="A number to dial next, without asking for one.")
    ] = None,
    extension: Annotated[
        str | None,
        typer.Option(help="The extension as ACCOUNT:NAME or by its name, if there are several."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Have the running server call a number back, without a trigger call."""
    answer = asyncio.run(
        ask(
            control_path(load_config(config)),
            "call",
            number=number,
            destination=destination,
            extension=extension,
        )
    )
    print(answer["session"])


@app.command()
def doctor(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Look for what would keep calls from working, and say how to mend it."""
    findings = asyncio.run(examine(load_config(config), config))
    for finding in findings:
        say(f"{finding.grade:<7} {finding.text}", indent=8)
    raise typer.Exit(1 if any(finding.grade == "FAULT" for finding in findings) else 0)


app.command(name="apply")(apply_command.command)
app.command(name="export")(export_command.command)
app.command(name="recharge", context_settings={"ignore_unknown_options": True})(
    recharge_command.command  # -5.00 is an amount, not an option
)
app.command(name="backup")(backup_command.backup)
app.command(name="restore")(backup_command.restore)
app.command(name="new-key")(newkey_command.command)
app.command(name="sessions")(sessions_command.command)
app.command(name="statement")(statement_command.command)
app.add_typer(plans_command.app, name="plans")
app.add_typer(rates_command.app, name="rates")
app.add_typer(accounts_command.app, name="accounts")
app.add_typer(extensions_command.app, name="extensions")
app.add_typer(numbers_command.app, name="access-numbers")
app.add_typer(trunks_command.app, name="trunks")
app.add_typer(routes_command.app, name="routes")
app.add_typer(caller_ids_command.app, name="caller-ids")
app.command(name="unlock")(caller_ids_command.unlock_)
app.add_typer(logins_command.app, name="logins")
app.add_typer(sounds_command.app, name="sounds")
app.command(name="phone")(phone_command.phone)
