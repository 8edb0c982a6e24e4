"""CallerIDs added, changed and deleted, one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringback.management import places
from ringback.management.caller_ids.fields import FIELDS
from ringback.management.caller_ids.rows import row_of
from ringback.management.caller_ids.storing import AuthorizedList, Written
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, Done, verb


@verb("caller_id.create", Kind.CALLER_ID, Need(Right.CALLER_IDS), fields=FIELDS)
def create(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[Written]:
    """Add a callerID to an extension. Raises Faults."""
    return _done(AuthorizedList(act, place, enabling=True).create(values))


@verb("caller_id.change", Kind.CALLER_ID, Need(Right.VIEW), at=places.of_caller_id, fields=FIELDS)
def change(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[Written]:
    """Change a callerID: what is left out stays, null is none or the default. With another number
    it keeps all else, its locks too. Raises Faults."""
    listed = AuthorizedList(act, place, enabling="enabled" in values)
    return _done(listed.change(row_of(act.tx, act.subject), values))


@verb("caller_id.delete", Kind.CALLER_ID, Need(Right.CALLER_IDS), at=places.of_caller_id)
def delete(act: Act, place: Place) -> Done[Written]:
    """Take a callerID out of use and free its number. What is left of its credit is taken off, for
    which one needs the right to recharge; what its live calls have reserved, once they are
    settled. Raises Forbidden."""
    return _done(AuthorizedList(act, place, enabling=False).delete(row_of(act.tx, act.subject)))


def _done(made: Written) -> Done[Written]:
    return Done(made, made.changes, credited=made.credited)
