"""All verbs and reads that the code has, found by looking."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import ringback.management
import ringback.reports
from ringback.management.rights import Need, Right
from ringback.management.verbs import AtPlace, Personal

Ruled = AtPlace[Any, Any] | Personal[Any, Any]


def modules() -> Iterator[ModuleType]:
    for package in (ringback.management, ringback.reports):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


def ruled() -> dict[str, Ruled]:
    """By name."""
    found: dict[str, Ruled] = {}
    for module in modules():
        for value in vars(module).values():
            if isinstance(value, AtPlace | Personal):
                assert found.setdefault(value.rule.name, value) is value, (
                    f"two deeds have the name {value.rule.name}"
                )
    return found


def unruled() -> Iterator[str]:
    """Public functions that take what a verb takes, and have no rule."""
    for module in modules():
        for name, value in vars(module).items():
            if name.startswith("_") or not inspect.isfunction(value):
                continue
            if value.__module__ != module.__name__:
                continue
            taken = [each.annotation for each in inspect.signature(value).parameters.values()]
            if taken[:2] == ["Act", "Place"]:
                yield f"{module.__name__}.{name}"


OF_THE_SERVER = {Right.SEE_SERVER, Right.SERVER}
"""What these are about belongs to the account at the top."""


def is_of_the_server(deed: Ruled) -> bool:
    """Whether it is for those alone who have a role in that account."""
    needs = deed.rule.needs
    return isinstance(needs, Need) and needs.right in OF_THE_SERVER
