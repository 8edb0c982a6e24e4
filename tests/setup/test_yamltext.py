"""Entries as YAML: whatever is in them is read back the same."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ringback.setup.yamltext import WIDTH, comment, item, opened, values_in

TEXTS = st.text() | st.from_regex(r"\A[\w.:/+~ -]{1,12}\Z")
SCALARS = st.none() | st.booleans() | st.integers() | TEXTS
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(SCALARS, max_size=3)
        | st.lists(st.dictionaries(TEXTS, inner, min_size=1, max_size=2), max_size=2)
        | st.dictionaries(TEXTS, inner, max_size=3)
    ),
    max_leaves=8,
)
LOADERS: list[Any] = [
    yaml.SafeLoader,
    *([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else []),
]


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4), st.sampled_from([item, opened]))
def test_what_is_written_is_read_back(entry: dict[str, Any], write: Any) -> None:
    text = "\n".join(["list:", *write(entry, 2), *write(entry, 2), ""])
    for loader in LOADERS:
        assert yaml.load(text, Loader=loader) == {"list": [entry, entry]}


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_an_output_without_its_letters_is_read_back_too(entry: dict[str, Any]) -> None:
    """As standard output writes what its encoding does not have."""
    text = "\n".join(item(entry, 0)).encode("ascii", "backslashreplace").decode()
    for loader in LOADERS:
        assert yaml.load(text, Loader=loader) == [entry]


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_values_are_counted_as_a_reader_counts_them(entry: dict[str, Any]) -> None:
    kinds = (yaml.ScalarEvent, yaml.CollectionStartEvent)
    events = yaml.parse("\n".join(item(entry, 0)), Loader=LOADERS[-1])
    assert values_in(entry) == sum(isinstance(event, kinds) for event in events) - 1


@given(st.text())
def test_a_comment_is_a_comment(text: str) -> None:
    for loader in LOADERS:
        assert yaml.load(comment(text, 2) + "\na: 1\n", Loader=loader) == {"a": 1}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("Acme Travel", "Acme Travel"),
        ("Zażółć", '"Zażółć"'),
        ("//callback/bye.wav", "//callback/bye.wav"),
        ("0089", '"0089"'),
        ("08:00", '"08:00"'),
        ("1e3", '"1e3"'),
        ("NO", '"NO"'),
        ("y", '"y"'),
        ("", '""'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        (" a", '" a"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("a\u2028b", '"a\\u2028b"'),
        (True, "true"),
        (None, "null"),
        (-3, "-3"),
    ],
)
def test_only_what_may_be_misread_is_in_quotes(value: Any, written: str) -> None:
    assert [*item({"key": value}, 2)] == [f"  - {{key: {written}}}"]


def test_what_does_not_fit_into_a_line_is_in_several() -> None:
    entry: dict[str, Any] = {
        "name": "x" * 50,
        "list": ["y" * 60] * 2,
        "parts": [{"a": "z" * 99, "b": 1}],
    }
    assert [*item(entry, 0)] == [
        f"- name: {'x' * 50}",
        "  list:",
        f"    - {'y' * 60}",
        f"    - {'y' * 60}",
        "  parts:",
        f"    - a: {'z' * 99}",
        "      b: 1",
    ]
    short: dict[str, Any] = {"name": "x", "list": ["z"]}
    assert [*item(short, 0)] == ["- {name: x, list: [z]}"]
    assert [*opened(short, 0)] == ["- name: x", "  list: [z]"]
    for more in (0, 1):
        lines = [*item({"a": "b" * 40, "c": "d" * (46 + more)}, 2)]
        assert [len(line) for line in lines] == ([WIDTH] if not more else [47, 54])
