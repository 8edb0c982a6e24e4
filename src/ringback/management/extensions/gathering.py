"""What is wrong with the parts of a request is told together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ringback.faults import Fault, Faults
from ringback.management.refusals import Forbidden


@contextmanager
def within(field: str) -> Iterator[None]:
    """What is refused within is told as a part of a field."""
    try:
        yield
    except Faults as found:
        raise Faults(Fault((field, *each.where), each.message) for each in found.found) from found
    except Forbidden as refused:
        parts = [Fault((field, *each.where), each.message) for each in refused.faults]
        raise Forbidden(str(refused), parts) from refused
