"""What was changed, for those who may read the audit log."""

from __future__ import annotations

from ringback.management import audit
from ringback.management.audit import Entry
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, read


@read("audit.list", Kind.AUDIT, Need(Right.SEE_AUDIT))
def changes(
    act: Act, place: Place, *, before: int | None = None, limit: int = audit.MOST
) -> list[Entry]:
    """The latest changes in an account and below, the latest first. `before`: the number of the
    last entry that one has already."""
    return audit.entries(act.tx, act.actor, place.id, before, limit)
