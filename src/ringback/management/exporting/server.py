"""Trunks and routes, which are the server administrator's alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ringback.management import places
from ringback.management.exporting.form import Exported, in_order, names_of, said
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, read
from ringback.trunks.entries import FormEntry, TrunkEntry
from ringback.trunks.stored import StoredTrunk, load


@dataclass(frozen=True, slots=True)
class Ways:
    """Ways to the telephone network."""

    trunks: Sequence[Exported]
    """By name: what was said of each, without what its preset says."""
    routes: Sequence[Mapping[str, Any]]
    """By prefix."""


@read("setup.ways", Kind.ACCOUNT, Need(Right.SEE_SERVER), at=places.only_top)
def ways(act: Act, place: Place) -> Ways:
    """All trunks and routes."""
    stored = load(act.tx)
    trunks = sorted(stored.trunks, key=lambda each: each.name)
    routes = sorted(stored.routes, key=lambda each: each.prefix)
    return Ways(
        [_trunk(each) for each in trunks],
        [
            {"prefix": each.prefix, **said(trunks=list(each.trunks), weights=list(each.weights))}
            for each in routes
        ],
    )


_FORM = names_of(FormEntry)
_ORDER = [*(name for name in names_of(TrunkEntry) if name not in _FORM), *_FORM]


def _trunk(trunk: StoredTrunk) -> Exported:
    settings = {
        name: in_order(value, _FORM) if isinstance(value, Mapping) else value
        for name, value in trunk.settings.items()
    }
    found = {"name": trunk.name, **settings, **said(cost_plan=trunk.cost_plan)}
    remark = "" if trunk.password is None else "it has a password: elsewhere, set password"
    return Exported(in_order(found, _ORDER), remark)
