"""The key of PINs and passwords."""

from __future__ import annotations

import asyncio
import hmac
import random
import stat
from pathlib import Path

import pytest
from alembic import command
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import select
from tests.accounts.helpers import NOW

from ringback.accounts.foundation import OtherCurrency, lay_foundation
from ringback.accounts.secrets import VOID, BadKey, Secrets, check_key, derived, load_secrets
from ringback.store import Store, migrate
from ringback.store.migrate import alembic_config
from ringback.store.models import CallerIdRow, ExtensionRow
from ringback.store.opening import database_url, open_engine


def test_a_secret_is_a_text_of_digits_and_its_owners() -> None:
    own = Secrets(b"k" * 32)
    mac = own.mac("anna", "0042")
    assert own.matches("anna", "0042", mac)
    for entry in ("42", "00420", "", "0043"):
        assert not own.matches("anna", entry, mac)
    assert "0042" not in mac
    assert not Secrets(b"x" * 32).matches("anna", "0042", mac)
    assert own.mac("bob", "0042") != mac  # equal PINs do not look equal
    assert not own.matches("bob", "0042", mac)


def test_where_there_is_no_secret_nothing_matches() -> None:
    own = Secrets(b"k" * 32)
    for entry in ("", "0000", "0" * 64, VOID):
        assert not own.matches("anna", entry, None)
        assert not own.matches("anna", entry, VOID)


def test_keys_are_derived_as_rfc_5869_says() -> None:
    """HKDF of cryptography's, which backups use, is the other opinion."""
    other = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"for this")
    assert derived(b"k" * 32, b"for this") == other.derive(b"k" * 32)


def test_macs_of_an_older_ringback_are_bound_without_the_secrets(tmp_path: Path) -> None:
    """What it stored is HMAC(key, PIN). The first start binds it, once."""
    url = f"sqlite:///{tmp_path}/ringback.db"
    engine = open_engine(database_url(url))
    old = hmac.digest(b"k" * 32, b"0042", "sha256").hex()
    with engine.begin() as connection:
        command.upgrade(alembic_config(connection), "0008")
        for statement in (
            "INSERT INTO ledger_accounts VALUES ('l', 0, 0, 0, false)",
            "INSERT INTO accounts (id, level, name, contact_name, ledger_id) "
            "VALUES ('a', 'administrator', 'admin', 'x', 'l')",
            "INSERT INTO extensions (id, account_id, name, callback, password_mac) "
            f"VALUES ('e', 'a', 'e', '{{}}', '{old}')",
            *(
                f"INSERT INTO ledger_accounts VALUES ('of {id_}', 0, 0, 0, false)"
                for id_ in ("anna", "bob", "none")
            ),
            *(
                "INSERT INTO caller_ids (id, extension_id, number, enabled, pin_mac, speed_dials, "
                f"ledger_id) VALUES ('{id_}', 'e', '{id_}', true, {mac}, '{{}}', 'of {id_}')"
                for id_, mac in (("anna", f"'{old}'"), ("bob", f"'{old}'"), ("none", "NULL"))
            ),
        ):
            connection.exec_driver_sql(statement)
    migrate(url)
    own = Secrets(b"k" * 32)
    for _ in range(2):
        with engine.begin() as connection:
            lay_foundation(connection, own, "GBP", "GB", NOW, random.Random(1))
        with engine.connect() as connection:
            rows = connection.execute(select(CallerIdRow.id, CallerIdRow.pin_mac))
            macs = {row.id: row.pin_mac for row in rows}
            (password,) = connection.execute(select(ExtensionRow.password_mac)).scalars()
        assert macs == {
            "anna": own.mac("anna", "0042"),
            "bob": own.mac("bob", "0042"),
            "none": None,
        }
        assert own.matches("e", "0042", password)
    engine.dispose()


def test_another_currency_than_the_databases_is_refused(store: Store) -> None:
    own = Secrets(b"k" * 32)

    def start(currency: str) -> None:
        asyncio.run(
            store.run(lambda tx: lay_foundation(tx, own, currency, "GB", NOW, random.Random(1)))
        )

    start("EUR")
    start("EUR")
    with pytest.raises(OtherCurrency, match=r'currency is GBP.*in EUR: write currency = "EUR"'):
        start("GBP")


def test_the_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secrets.key"
    mac = load_secrets(path).mac("anna", "0042")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_secrets(path).matches("anna", "0042", mac)
    assert [each.name for each in tmp_path.iterdir()] == ["secrets.key"]
    assert load_secrets(tmp_path / "other.key").mac("anna", "0042") != mac


def test_of_two_that_begin_at_once_both_have_the_same_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "secrets.key"
    first = load_secrets(path)
    monkeypatch.setattr(Path, "exists", lambda self: False)  # as the second saw it before
    assert load_secrets(path).mac("anna", "0042") == first.mac("anna", "0042")


def test_a_bad_key_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "secrets.key"
    path.write_bytes(b"short")
    with pytest.raises(BadKey, match="not a key of 32 bytes: restore it"):
        load_secrets(path)
    with pytest.raises(BadKey, match="No such file or directory"):
        load_secrets(tmp_path / "none" / "secrets.key")
    with pytest.raises(BadKey, match="Is a directory"):
        load_secrets(tmp_path)
    lost = tmp_path / "lost.key"
    with pytest.raises(BadKey, match=r"lost\.key is missing.*`ringback new-key`"):
        load_secrets(lost, expected=True)
    assert not lost.exists()


def test_another_key_than_the_database_was_made_with_is_refused(store: Store) -> None:
    own, other = Secrets(b"k" * 32), Secrets(b"x" * 32)
    for _ in range(2):
        asyncio.run(store.run(lambda tx: check_key(tx, own)))
    with pytest.raises(BadKey, match=r"put the right secrets\.key into data_dir"):
        asyncio.run(store.run(lambda tx: check_key(tx, other)))
    asyncio.run(store.run(lambda tx: check_key(tx, own)))
