"""Countries, as files name them."""

from __future__ import annotations

from typing import Annotated

import phonenumbers

from ringback.faults import Check


def known_country(code: str) -> str:
    """The code itself; raises ValueError if no country has it."""
    if code not in phonenumbers.SUPPORTED_REGIONS:
        hint = ": the United Kingdom is GB" if code == "UK" else ""
        raise ValueError(f"write a country of ISO 3166 in two capitals, such as GB{hint}")
    return code


COUNTRIES = tuple(sorted(phonenumbers.SUPPORTED_REGIONS))
Country = Annotated[str, Check(known_country, {"enum": list(COUNTRIES)})]
