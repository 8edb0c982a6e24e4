"""Sealed texts: opened by their key for their owner only."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.accounts.secrets import Secrets
from ringback.sealing import CannotOpen, Sealer

KEY = bytes(range(32))


@given(st.text(), st.text(), st.text())
def test_what_is_sealed_is_opened_for_its_owner_only(text: str, owner: str, other: str) -> None:
    sealed = Sealer(KEY).seal(owner, text)
    assert Sealer(KEY).open(owner, sealed) == text
    if other != owner:
        with pytest.raises(CannotOpen):
            Sealer(KEY).open(other, sealed)


def test_equal_texts_do_not_look_equal() -> None:
    assert Sealer(KEY).seal("a", "secret") != Sealer(KEY).seal("a", "secret")


@given(st.one_of(st.text(), st.binary().map(lambda data: "1:" + data.hex())))
def test_what_is_no_sealed_text_is_refused(text: str) -> None:
    with pytest.raises(CannotOpen):
        Sealer(KEY).open("a", text)


def test_a_change_of_one_byte_is_noticed() -> None:
    sealed = base64.b64decode(Sealer(KEY).seal("a", "secret").removeprefix("1:"))
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(CannotOpen):
            Sealer(KEY).open("a", "1:" + base64.b64encode(changed).decode())


def test_the_key_of_trunks_is_derived_from_that_of_the_file() -> None:
    sealed = Secrets(b"k" * 32).sealer().seal("a", "secret")
    assert Secrets(b"k" * 32).sealer().open("a", sealed) == "secret"
    for other in (Sealer(b"k" * 32), Secrets(b"l" * 32).sealer()):
        with pytest.raises(CannotOpen):
            other.open("a", sealed)
