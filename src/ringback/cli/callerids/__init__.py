"""`ringback caller-ids` and `ringback unlock`."""

from ringback.cli.callerids import importing
from ringback.cli.callerids.command import app, unlock_

__all__ = ["app", "importing", "unlock_"]
