"""Which trunks may carry a call, in which order (spec section 5)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import repeat

from ringback.telephony.trunks import Route


def trunks_for(e164: str, routes: Sequence[Route], chance: random.Random) -> list[str]:
    """The trunks of the route with the longest prefix of the number, in the order to try them.

    Without weights that is the order of the route. With weights each place is drawn among the
    trunks left, in proportion to their weights.
    """
    digits = e164.removeprefix("+")
    matching = [route for route in routes if digits.startswith(route.prefix)]
    if not matching:
        return []
    route = max(matching, key=lambda route: len(route.prefix))
    if not route.weights:
        return list(route.trunks)
    left = dict(zip(route.trunks, route.weights, strict=True))
    ordered = []
    for _ in repeat(None, len(left)):
        trunk = chance.choices(list(left), list(left.values()))[0]
        del left[trunk]
        ordered.append(trunk)
    return ordered
