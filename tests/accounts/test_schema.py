"""The JSON Schema of the setup file: it is complete, and accepts what `apply` accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from tests.accounts.documents import documents, validator, with_something_odd
from tests.accounts.helpers import DOCUMENT
from typer.testing import CliRunner

from ringback.accounts.entries import SetupFile
from ringback.accounts.schema import setup_schema
from ringback.cli.app import app
from ringback.cli.init import write_files
from ringback.faults import Fault, faults_of

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = setup_schema()
CHECK = validator(SCHEMA)

UNSAYABLE = [
    "is there twice",
    "holds at a time when",
    "must be after valid_from",
    "is the same as from",
    "no number that can be dialled",
    "wrong length for a number",
    "zero in front that its country does not know",
    "is no number: write digits only",
    "lacks its area code",
    "write a time zone by its name",
    "are together above the largest amount",
    "write IPv4 addresses or networks",
    "write a date or a time",
    "is not between 1970 and 9999",
    "is no path of a sound",
    "is the access number itself",
]
"""What a schema cannot say: what takes two values, arithmetic, or a table of the world."""


def faults(document: object) -> list[Fault]:
    """What `apply` refuses of a document, before it looks at the database."""
    try:
        SetupFile.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        return faults_of(error)
    return []


def fields() -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, part in {"SetupFile": SCHEMA, **SCHEMA["$defs"]}.items():
        for name, field in part.get("properties", {}).items():
            yield f"{kind}.{name}", field


def test_what_is_published_is_that_of_the_entries() -> None:
    """After a change of an entry: ringback apply --schema > docs/setup.schema.json"""
    published = (DOCS / "setup.schema.json").read_text()
    assert json.loads(published) == SCHEMA
    printed = CliRunner().invoke(app, ["apply", "--schema"])
    assert (printed.exit_code, printed.output) == (0, published)


def test_it_is_a_schema_of_2020_12() -> None:
    assert SCHEMA["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(("name", "field"), [*fields()])
def test_each_field_is_described(name: str, field: dict[str, Any]) -> None:
    said = field.get("description", "")
    assert said.endswith("."), f"{name} needs a docstring below it, which is its description"
    if name.endswith("_seconds"):
        assert "seconds" in said, f"{name} does not name its unit"


def test_amounts_have_no_limits_that_only_numbers_know() -> None:
    """pydantic writes such a limit of an `Amount | None` as a word that no schema has."""
    text = json.dumps(SCHEMA)
    assert '"ge"' not in text
    assert '"type": "number"' not in text


@pytest.mark.parametrize("section", SCHEMA["properties"])
@settings(max_examples=100)
@given(data=st.data())
def test_apply_and_the_schema_agree(section: str, data: st.DataObject) -> None:
    entries = documents(SCHEMA["properties"][section], SCHEMA)
    document = data.draw(st.fixed_dictionaries({section: entries}))
    if data.draw(st.booleans()):
        document = data.draw(with_something_odd(document))
    found = faults(document)
    if CHECK.is_valid(document):
        unknown = [f for f in found if not any(part in f.message for part in UNSAYABLE)]
        assert not unknown, "the schema accepts what apply refuses"
    else:
        assert found, "the schema refuses what apply accepts"


def test_init_names_the_schema_that_it_writes(tmp_path: Path) -> None:
    write_files(tmp_path)
    text = (tmp_path / "setup.yaml").read_text()
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert named is not None
    schema = json.loads((tmp_path / named[1]).read_text())
    assert list(validator(schema).iter_errors(yaml.safe_load(text))) == []


def examples() -> Iterator[Any]:
    yield DOCUMENT
    for page in ("setup.md", "trunks.md", "going-live.md"):
        for block in re.findall("```yaml\n(.*?) *```", (DOCS / page).read_text(), re.DOTALL):
            yield yaml.safe_load(block)


@pytest.mark.parametrize("document", [*examples(), {}])
def test_good_files(document: object) -> None:
    assert [error.message for error in CHECK.iter_errors(document)] == []
    assert faults(document) == []


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "accounts: null",
        "phones: []",
        "accounts: [{}]",
        "accounts: [{name: a, balance: 5.00}]",
        "accounts: [{name: a, balance: '-0.01'}]",
        "accounts: [{name: a/b}]",
        "accounts: [{name: a, country: UK}]",
        "accounts: [{name: a, level: administrator}]",
        "accounts: [{name: a, guards: {sessions: -1}}]",
        "accounts: [{name: a, guards: {spend_per_day: '-1'}}]",
        "accounts: [{name: a, destinations: {deny: ['+44']}}]",
        "accounts: [{name: admin, balance: '1'}]",
        "extensions: [{name: e}]",
        *(
            f"extensions: [{{name: e, account: a, {part}}}]"
            for part in (
                "access_numbers: [+442071838750]",
                "callback: {ring_seconds: 121}",
                "callback: {ring_seconds: '5'}",
                "callback: {return_calls: all}",
                "callback: {password: '123'}",
                "callback: {no_credit_sound: bye.wav}",
                "callback: {closed: ['2026-02-30']}",
                "callback: {closed: ['20261224']}",
                "callback: {hours: [{days: [], from: '08:00', to: '09:00'}]}",
                "callback: {hours: [{days: [mon], from: '24:00', to: '09:00'}]}",
                "caller_ids: [{number: '+447700900123', pin: 0042}]",
                "caller_ids: [{number: '+447700900123', credit: '5'}]",
                "caller_ids: [{number: '+447700900123', speed_dials: {abc: '+442079460000'}}]",
            )
        ),
        "plans: [{name: p, limit: '1'}]",
        "plans: [{name: p, packages: [{prefix: '44', minutes: 0}]}]",
        "plans: [{name: p, rates: [{prefix: '044', price_per_minute: '1'}]}]",
        "plans: [{name: p, rates: [{prefix: '44', price_per_minute: '1', valid_to: 2026-W01}]}]",
        "sounds: [{account: a, path: //bye.wav, file: bye.wav}]",
        "trunks: [{name: t, preset: nobody}]",
        "trunks: [{name: t, transport: tls}]",
        "trunks: [{name: t, codecs: []}]",
        "trunks: [{name: t, srtp: true}]",
        "routes: [{prefix: '', trunks: [a, a]}]",
    ],
)
def test_bad_files(text: str) -> None:
    document = yaml.safe_load(text)
    assert not CHECK.is_valid(document)
    assert faults(document)
