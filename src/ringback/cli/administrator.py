"""The link of the first administrator, which `ringback init` prints."""

from __future__ import annotations

import asyncio

from ringback.cli.managing import manage, public_url
from ringback.cli.place import founded
from ringback.config import Config
from ringback.management import places
from ringback.management.people import invitations


def first_administrator(config: Config) -> str:
    """Make key and database where there are none, and say how the first administrator comes in.
    Raises CommandError where there is one already, or no public_url; BadKey, StoreError."""
    begins = public_url(config)
    asyncio.run(founded(config))
    done = manage(config, lambda act: invitations.invite_first(act, places.top(act.tx)))
    (letter,) = done.letters
    return (
        f"the first administrator's link, which works once, for seven days: {letter.link(begins)}"
    )
