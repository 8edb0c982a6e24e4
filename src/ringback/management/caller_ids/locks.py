"""Taking locks off."""

from __future__ import annotations

from ringback.accounts import lockout
from ringback.clock import Instant, utc
from ringback.management import places
from ringback.management.caller_ids.found import lock_keys, locks_of
from ringback.management.caller_ids.rows import row_of
from ringback.management.change import Action
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, Done, verb


@verb("caller_id.unlock", Kind.CALLER_ID, Need(Right.SESSIONS), at=places.of_caller_id)
def unlock(act: Act, place: Place) -> Done[None]:
    """Take off what locks a callerID: wrong PINs typed on its own phone, wrong claims of it, wrong
    passwords on its phone. Claims made on its phone, of any callerIDs, are locked on the whole
    server: who may take locks off there takes that off, too."""
    row = row_of(act.tx, act.subject)
    told: dict[str, Instant] = {lock.what: lock.until for lock in locks_of(act, row)}
    keys = list(lock_keys(row))
    if act.actor.grant(places.of_id(act.tx, places.top(act.tx)), Need(Right.SESSIONS)) is not None:
        key = lockout.claims_from_key(row["number"])
        lock = lockout.load(act.tx, [key])[key]
        if lock.until is not None and lock.locked(act.now):
            told["claims made on its phone"] = lock.until
        keys.append(key)
    for key in keys:
        lockout.lift(act.tx, key)
    if not told:
        return Done(None)
    fields = {
        f"lock of {what}": (f"until {utc(until).isoformat(timespec='seconds')}", None)
        for what, until in told.items()
    }
    change = act.change(
        Action.UPDATED, place, kind=Kind.CALLER_ID, id=row["id"], name=row["number"], fields=fields
    )
    return Done(None, [change])
