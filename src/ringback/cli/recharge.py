"""`ringback recharge`: adds money to an account or a callerID, or takes it out."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection

from ringback.accounts.callback import Text
from ringback.accounts.naming import BadName, NamedPayer, find_payer
from ringback.amounts import BadAmount, format_amount, parse_amount
from ringback.charging import ledger
from ringback.charging.ledger import Recharged, RechargeKind, RechargeRefused
from ringback.cli.lines import say
from ringback.cli.options import (
    DEFAULT_CONFIG,
    CommandError,
    ConfigOption,
    PayerArgument,
    ready_database,
)
from ringback.config import load_config
from ringback.faults import faults_of
from ringback.server.commands import tell_credited
from ringback.server.run import control_path
from ringback.store import open_store

UNLIMITED = "unlimited"
WHO = "command line"

_TEXT = TypeAdapter[str](Text)


def command(
    name: PayerArgument,
    amount: Annotated[
        str, typer.Argument(help="Such as 5.00 or -5.00; for a callerID also unlimited.")
    ],
    order: Annotated[str, typer.Option(help="The order number: each one recharges only once.")],
    kind: Annotated[
        RechargeKind, typer.Option(help="The kind of recharge.")
    ] = RechargeKind.PAYMENT,
    note: Annotated[str | None, typer.Option(help="A text to keep with it.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Recharge an account or a callerID. Its live calls go on for longer at once. What is reserved
    for them cannot be taken away."""
    loaded = load_config(config)
    try:
        asked = None if amount == UNLIMITED else parse_amount(amount)
    except BadAmount as error:
        raise CommandError(f"{error}, or {UNLIMITED}") from error
    _see_text("--order", order)
    if note is not None:
        _see_text("--note", note)

    def work(tx: Connection) -> tuple[NamedPayer, Recharged]:
        payer = find_payer(tx, name, loaded.server.home_country)
        if asked is None and not payer.is_caller_id:
            raise CommandError(
                f"{payer.name}: only the credit of a callerID can be unlimited: give the account a "
                "credit_limit"
            )
        made = ledger.recharge(
            tx, payer.ledger_id, asked, order, time.time(), kind=kind, note=note, who=WHO
        )
        return payer, made

    async def run(url: str) -> tuple[NamedPayer, Recharged]:
        store = open_store(url)
        try:
            payer, made = await store.run(work)
        finally:
            await store.close()
        if made.changed:
            await tell_credited(control_path(loaded), [payer.ledger_id])
        return payer, made

    try:
        payer, made = asyncio.run(run(ready_database(loaded)))
    except (BadName, RechargeRefused, BadAmount) as error:
        raise CommandError(str(error)) from error
    left = UNLIMITED if made.credit.unlimited else format_amount(made.credit.balance)
    if not made.changed:
        say(f"nothing changed: order {order} has been entered already; {payer.name} has {left}")
        return
    by = "without limit" if asked is None else f"by {format_amount(asked)}"
    say(f"recharged {payer.name} {by} ({kind}, order {order}): it has {left}")


def _see_text(option: str, text: str) -> None:
    try:
        _TEXT.validate_python(text)
    except ValidationError as error:
        raise CommandError(f"{option}: {faults_of(error)[0].message}") from error
