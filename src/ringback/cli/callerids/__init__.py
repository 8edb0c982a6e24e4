"""`ringback caller-ids` and `ringback unlock`."""

from ringback.cli.callerids import importing, many
from ringback.cli.callerids.command import app, unlock_

__all__ = ["app", "importing", "many", "unlock_"]
