"""Countries, as files name them."""

from __future__ import annotations

from typing import Annotated

import phonenumbers
from pydantic import AfterValidator


def known_country(code: str) -> str:
    """The code itself; raises ValueError if no country has it."""
    if code not in phonenumbers.SUPPORTED_REGIONS:
        hint = ": the United Kingdom is GB" if code == "UK" else ""
        raise ValueError(f"write a country of ISO 3166 in two capitals, such as GB{hint}")
    return code


Country = Annotated[str, AfterValidator(known_country)]
