"""CallerIDs written out, so that they can be imported again: without PINs, and with their credit
under an order number that gives nothing to the callerID it came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ringback.clock import utc
from ringback.management.caller_ids.found import CallerId
from ringback.management.caller_ids.lists import Filter, caller_ids
from ringback.management.desk import Desk, Identity
from ringback.management.paging import LARGEST_PAGE, Page
from ringback.management.verbs import Act
from ringback.spreadsheets import Cell

HEADS = (
    *("number", "name", "reference", "note", "enabled", "expires", "language"),
    *("credit", "order number", "pin set", "extension"),
)


def order_of(caller_id: str) -> str:
    """The order number of a callerID's credit in an export."""
    return f"export {caller_id}"


async def export(
    desk: Desk,
    who: Identity,
    place_id: str,
    which: Filter,
    row: Callable[[Sequence[Cell]], None],
) -> int:
    """Write the callerIDs of an account or extension and all below, by their numbers; returns how
    many. They are read some at a time, so those that change meanwhile are as before or as after.
    Raises NotFound, Forbidden, Faults, StoreError."""
    row(HEADS)
    cursor: str | None = None
    count = 0
    while True:

        def page(act: Act, cursor: str | None = cursor) -> Page[CallerId]:
            return caller_ids(act, place_id, which=which, limit=LARGEST_PAGE, cursor=cursor)

        found = await desk.read(who, page)
        for each in found.items:
            row(cells(each))
        count += len(found.items)
        cursor = found.next
        if cursor is None:
            return count


def cells(each: CallerId) -> Sequence[Cell]:
    """Those of `HEADS`."""
    credit: Cell = None
    order = None
    if each.credit.unlimited:
        credit = "unlimited"
    elif each.credit.balance:
        credit, order = each.credit.balance, order_of(each.id)
    return (
        *(each.number, each.name, each.reference, each.note, each.enabled),
        *(None if each.expires is None else utc(each.expires), each.language),
        *(credit, order, each.pin_set, each.extension),
    )
