"""Names, as people give them to accounts, extensions and plans."""

from __future__ import annotations

from typing import Annotated

from ringback.accounts.callback import Text
from ringback.faults import form

ADMINISTRATOR = "admin"
"""Name of the account at the top, which every server has."""

Name = Annotated[
    Text, form("[^/:]*", "a name without / and :, which stand between the names of a path")
]
