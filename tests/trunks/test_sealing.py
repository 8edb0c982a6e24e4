"""Sealed texts: opened by their key for their owner only."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.accounts.sealing import trunk_sealer
from ringback.accounts.secrets import Secrets
from ringback.sealing import BadSeal, Sealer

KEY = bytes(range(32))


@given(st.text(), st.text(), st.text())
def test_what_is_sealed_is_opened_for_its_owner_only(text: str, owner: str, other: str) -> None:
    sealed = Sealer(KEY).seal(owner, text)
    assert Sealer(KEY).unseal(owner, sealed) == text
    if other != owner:
        with pytest.raises(BadSeal):
            Sealer(KEY).unseal(other, sealed)


def test_equal_texts_do_not_look_equal() -> None:
    assert Sealer(KEY).seal("a", "secret") != Sealer(KEY).seal("a", "secret")


@given(st.one_of(st.text(), st.binary().map(lambda data: data.hex())))
def test_what_is_no_sealed_text_is_refused(text: str) -> None:
    with pytest.raises(BadSeal):
        Sealer(KEY).unseal("a", text)


def test_a_change_of_one_byte_is_noticed() -> None:
    sealed = base64.b64decode(Sealer(KEY).seal("a", "secret"))
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(BadSeal):
            Sealer(KEY).unseal("a", base64.b64encode(changed).decode())


def test_the_key_of_trunks_is_derived_from_that_of_the_file() -> None:
    sealed = trunk_sealer(Secrets(b"k" * 32)).seal("a", "secret")
    assert trunk_sealer(Secrets(b"k" * 32)).unseal("a", sealed) == "secret"
    for other in (Sealer(b"k" * 32), trunk_sealer(Secrets(b"l" * 32))):
        with pytest.raises(BadSeal):
            other.unseal("a", sealed)
