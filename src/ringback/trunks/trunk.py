"""The trunk that settings describe, with what its preset says and with the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringback.documents import merged
from ringback.numbering import NumberForm
from ringback.telephony.trunks import Trunk
from ringback.trunks.entries import number_form
from ringback.trunks.presets import PRESETS

_LISTS = ("sources", "codecs", "shown_prefixes")
_APART = ("name", "preset", "called", "caller", "shown", "country", "strip", "prepend", "plus")
_NOT_YET = ("srtp", "direct_media")


def effective(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with those of their preset, if they name one, under them."""
    preset = settings.get("preset")
    return dict(settings) if preset is None else merged(PRESETS[preset].values, settings)


def trunk_of(
    name: str,
    settings: Mapping[str, Any],
    *,
    id_: str = "",
    version: str = "",
    password: str | None = None,
    cost_plan: str | None = None,
) -> Trunk:
    """The trunk as calls meet it. The settings are such as `entries` has taken."""
    values = effective(settings)
    plain: dict[str, Any] = {
        key: tuple(value) if key in _LISTS else value
        for key, value in values.items()
        if key not in (*_APART, *_NOT_YET)
    }
    return Trunk(
        name=name,
        called=NumberForm(**number_form(values, "called")),
        caller=NumberForm(**number_form(values, "caller")),
        shown=NumberForm(**number_form(values, "shown")),
        password=password,
        cost_plan=cost_plan,
        id=id_,
        version=version,
        **plain,
    )


def far_end(trunk: Trunk) -> tuple[object, ...]:
    """What calls under way need to come to their end: where the trunk is, who may speak for it, and
    how it is asked."""
    where = trunk.host, trunk.port, trunk.transport, trunk.sources
    return *where, trunk.register, trunk.user, trunk.password
