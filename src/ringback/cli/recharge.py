"""`ringback recharge`: adds money to an account or a callerID, or takes it out."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ringback.charging.ledger import RechargeKind
from ringback.cli.lines import say
from ringback.cli.managing import manage
from ringback.cli.options import DEFAULT_CONFIG, ConfigOption, PayerArgument
from ringback.config import load_config
from ringback.management import recharges
from ringback.management.naming import NamedCallerId, find_payer
from ringback.management.recharges import Recharge
from ringback.management.verbs import Act, Done


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
    values: dict[str, Any] = {"amount": amount, "order_number": order, "kind": str(kind)}
    if note is not None:
        values["note"] = note

    def deed(act: Act) -> Done[Recharge]:
        payer = find_payer(act.tx, act.actor, name, loaded.server.home_country)
        if isinstance(payer, NamedCallerId):
            return recharges.recharge_caller_id(act, payer.id, values=values)
        return recharges.recharge_account(act, payer.id, values=values)

    made = manage(loaded, deed).value
    if made.changed:
        say(f"recharged {made.whose} {made.by} ({kind}, order {order}): it has {made.left}")
    else:
        say(
            f"nothing changed: order {order} has been entered already; {made.whose} has {made.left}"
        )
