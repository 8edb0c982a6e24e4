"""The setup file as a JSON Schema (draft 2020-12), by which editors help to write one.

It follows from the entries. It says as much of what `apply` refuses as a schema can say; what
takes two entries, or a table of the world's numbers or time zones, it leaves to `apply`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from ringback.accounts.entries import SetupFile
from ringback.amounts import FORM, format_amount
from ringback.countries import COUNTRIES
from ringback.faults import whole

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def setup_schema() -> dict[str, Any]:
    """The schema, as a document."""
    written = SetupFile.model_json_schema(schema_generator=_Generator)
    written["$defs"] = {**written["$defs"], "Country": {"enum": list(COUNTRIES)}}
    tidied: dict[str, Any] = _tidied(written)
    return {"$schema": DIALECT, "title": "setup.yaml of Ringback", **tidied}


class _Generator(GenerateJsonSchema):
    """Amounts are texts; what only says null or repeats a name is left out."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> dict[str, Any]:
        amount = {"type": "string", "pattern": whole(FORM), "examples": ["5.00"]}
        return amount | ({"not": {"pattern": "-.*[1-9]"}} if schema.get("ge") == 0 else {})

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> dict[str, Any]:
        written = super().default_schema(schema)
        return {
            name: value for name, value in written.items() if (name, value) != ("default", None)
        }

    def encode_default(self, dft: Any) -> Any:
        return format_amount(dft) if isinstance(dft, Decimal) else super().encode_default(dft)

    def dict_schema(self, schema: core_schema.DictSchema) -> dict[str, Any]:
        return {**super().dict_schema(schema), "additionalProperties": False}


def _tidied(part: Any) -> Any:
    """Without the titles that repeat a name; each description in one line; the countries once."""
    if isinstance(part, list):
        return [_tidied(each) for each in part]
    if not isinstance(part, dict):
        return " ".join(part.split()) if isinstance(part, str) else part
    if part.get("enum") == list(COUNTRIES) and "type" in part:
        return {"$ref": "#/$defs/Country"}
    named = {name: _tidied(value) for name, value in part.items()}
    return {name: value for name, value in named.items() if not _is_title(name, value)}


def _is_title(name: str, value: object) -> bool:
    return name == "title" and isinstance(value, str)
