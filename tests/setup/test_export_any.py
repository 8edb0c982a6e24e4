"""Whatever a setup file says is exported, and applies back without change."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.accounts.documents import documents
from tests.accounts.helpers import Place
from tests.setup.exports import apply_text, export

from ringback.accounts.schema import setup_schema
from ringback.accounts.setupfile import SetupError
from ringback.store import InlineStore

SCHEMA = setup_schema()


def entries(name: str, without: Sequence[str], fixed: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Entries of a kind as the schema has them, some of whose keys are left out or known."""
    known = {*without, *fixed}
    part = SCHEMA["$defs"][name]
    kind = {
        **part,
        "properties": {key: each for key, each in part["properties"].items() if key not in known},
        "required": [key for key in part.get("required", ()) if key not in known],
    }
    return documents(kind, SCHEMA).map(lambda found: {**fixed, **found})


SECRETS = ("pin", "password", "credit", "order_number", "plan", "balance", "credit_limit")
CALLBACK = {"open_to_anyone": True}
OTHERS = ("fixed_number", "caller_id_name", "caller_id_number", "return_calls")
FILES = st.fixed_dictionaries(
    {
        "accounts": st.tuples(
            entries("AccountEntry", SECRETS, {"name": "acme", "parent": "admin"})
        ),
        "extensions": st.tuples(
            entries(
                "ExtensionEntry",
                (*SECRETS, "callback", "access_numbers", "caller_ids", "limits"),
                {"name": "travellers", "account": "acme"},
            ).flatmap(
                lambda extension: st.fixed_dictionaries(
                    {
                        "callback": entries("CallbackEntry", (*SECRETS, *OTHERS), CALLBACK),
                        "caller_ids": st.tuples(
                            entries("CallerIdEntry", SECRETS, {"number": "+447700900123"})
                        ),
                    }
                ).map(lambda more: {**extension, **more})
            )
        ),
        "plans": st.tuples(entries("PlanEntry", ("rates", "packages", "limit"), {"name": "x"})),
    }
)


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(FILES)
def test_any_file(document: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder), InlineStore())
        place.document = yaml.safe_load(yaml.safe_dump(_lists(document)))
        try:
            place.apply()
        except SetupError:  # the schema knows no number plans
            assume(False)
        text = export(place).text
        assert apply_text(text, place.store, place.folder) == []
        other = Place(Path(folder), InlineStore())
        apply_text(text, other.store, other.folder)
        assert export(other).text == text
        other.document = place.document
        assert other.apply() == []
        for each in (place, other):
            asyncio.run(each.store.close())


def _lists(document: dict[str, Any]) -> dict[str, Any]:
    return {name: list(found) for name, found in document.items()}
