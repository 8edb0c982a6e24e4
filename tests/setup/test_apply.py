"""Applying a setup file."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, select
from tests.accounts.helpers import (
    FIRST,
    KEY,
    Place,
    caller_id_of,
    count,
    credit,
    extension_of,
    faults,
    rates_of,
)
from tests.charging.helpers import check_books

from ringback.accounts import tree
from ringback.accounts.secrets import BadKey, Secrets
from ringback.accounts.setupfile import SetupError
from ringback.guards.settings import Destinations, Guards, Subject
from ringback.store import Store
from ringback.store.models import (
    AccessNumberRow,
    AccountRow,
    CallerIdRow,
    ExtensionRow,
    LedgerAccountRow,
    LedgerEntryRow,
    PlanRow,
    SoundRow,
    SoundVariantRow,
)

CALLER_ID = "callerID +447700900123 of acme/anna:travellers"


def test_what_it_says_is_brought_about_once(tmp_path: Path, store: Store) -> None:
    place = Place(tmp_path, store)
    assert place.apply() == FIRST
    assert place.apply() == []
    assert credit(place).available == Decimal(5)
    place.read(check_books)

    def acme(tx: Connection) -> tuple[str, str, Decimal, str | None]:
        row = tx.execute(
            select(
                AccountRow.level, AccountRow.contact_name, LedgerAccountRow.balance, PlanRow.name
            )
            .join(LedgerAccountRow, LedgerAccountRow.id == AccountRow.ledger_id)
            .join(PlanRow, PlanRow.id == AccountRow.plan_id)
            .where(AccountRow.name == "acme")
        ).one()
        return row.level, row.contact_name, row.balance, row.name

    assert place.read(acme) == ("organization", "Acme Travel", Decimal(100), "retail")
    entries = place.read(lambda tx: tx.execute(select(LedgerEntryRow.kind)).scalars().all())
    assert sorted(entries) == ["opening", "payment"]


def test_a_dry_run_tells_the_same_and_changes_nothing(tmp_path: Path, store: Store) -> None:
    place = Place(tmp_path, store)
    (tmp_path / "bye.wav").write_bytes(b"bye")
    place.document["sounds"] = [{"account": "acme", "path": "/bye.wav", "file": "bye.wav"}]
    told = place.apply(dry_run=True)
    assert told == [*FIRST, "created sound /bye.wav of acme"]
    for model in (AccountRow, ExtensionRow, CallerIdRow, LedgerEntryRow, SoundRow):
        assert count(place, model) == 0
    assert not place.sounds.exists()
    assert place.apply() == told


def test_a_changed_setup_is_told_field_by_field(place: Place) -> None:
    extension_of(place)["callback"] = {
        "ring_seconds": 8,
        "require_caller_pin": True,
        "disconnect_sound": "//bye.wav",
        "minimum_credit": "0.50",
        "closed": ["2026-12-25"],
    }
    assert place.apply() == [
        "extension acme/anna:travellers: disconnect_sound none -> //bye.wav",
        "extension acme/anna:travellers: minimum_credit 0.00 -> 0.50",
        'extension acme/anna:travellers: closed none -> ["2026-12-25"]',
    ]
    assert place.apply() == []


def test_what_a_setup_leaves_out_stays_and_null_is_the_default(place: Place) -> None:
    extension_of(place)["callback"] = {"hours": [{"days": ["mon"], "from": "08:00", "to": "09:00"}]}
    place.apply()
    extension_of(place)["callback"] = {}
    assert place.apply() == []
    extension_of(place)["callback"] = {"ring_seconds": None, "hours": None, "pin_attempts": None}
    assert [line.split(": ", 1)[1] for line in place.apply()] == [
        "ring_seconds 8 -> 5",
        'hours [{"days": ["mon"], "from": "08:00", "to": "09:00"}] -> none',
    ]
    found = place.read(lambda tx: tree.find_by_name(tx, None))
    assert found is not None
    assert KEY.matches(found.id, "0815", found.password_mac)
    assert found.setup.require_caller_pin


def test_contradictions_are_judged_on_what_the_setup_comes_to(place: Place) -> None:
    callback = extension_of(place)["callback"] = {"return_calls": "fixed"}
    assert faults(place) == [
        "extension travellers: callback.fixed_number: is required with return_calls: fixed"
    ]
    callback["fixed_number"] = "+442071234567"
    place.apply()
    del callback["fixed_number"]
    callback["require_caller_pin"] = False  # the password is there still
    place.apply()
    callback["password"] = None
    with pytest.raises(SetupError, match=r"callback\.open_to_anyone: return_calls: fixed with nei"):
        place.apply(allow_loss=True)
    extension_of(place)["callback"] = {"return_calls": None}
    assert faults(place) == [
        "extension travellers: callback.fixed_number: goes with return_calls: fixed only: take it "
        "out"
    ]
    extension_of(place)["callback"] = {"return_calls": None, "fixed_number": None}
    assert len(place.apply()) == 2


def test_a_secret_is_taken_off_only_if_that_is_allowed(place: Place) -> None:
    caller_id_of(place)["pin"] = None
    extension_of(place)["callback"]["password"] = None
    assert faults(place) == [
        "extension travellers: this would take its password off: leave it out of the file, or add "
        "--allow-loss",
    ]
    del extension_of(place)["callback"]["password"]
    assert faults(place) == [
        "callerID +447700900123: this would take its pin off: leave it out of the file, or add "
        "--allow-loss",
    ]
    assert place.apply(allow_loss=True) == [
        "callerID +447700900123 of acme/anna:travellers: pin taken off"
    ]


def test_most_of_a_plans_rates_are_taken_out_only_if_that_is_allowed(place: Place) -> None:
    rates = place.document["plans"][0]["rates"]
    rates += [{"prefix": prefix, "price_per_minute": "1"} for prefix in ("33", "49", "1")]
    place.apply()
    kept = place.document["plans"][0]["rates"] = rates[:1]
    assert faults(place) == [
        "plan retail: this would take out 3 of its 4 rates: leave rates out of the file, or add "
        "--allow-loss"
    ]
    kept.append(rates[1])
    place.apply()
    kept[0]["price_per_minute"] = kept[1]["price_per_minute"] = "7"  # each prefix keeps a rate
    assert place.apply() == ["plan retail of admin: rates: 2 added, 2 taken out"]
    kept.clear()
    assert len(place.apply(allow_loss=True)) == 1


@pytest.mark.parametrize("numbers", [None, [], ["+442071838750"]])
def test_a_wrong_account_makes_no_second_extension(place: Place, numbers: list[str] | None) -> None:
    extension_of(place).update(account="acme", access_numbers=numbers)
    if numbers is None:
        del extension_of(place)["access_numbers"]
    (fault, *_) = faults(place)
    assert fault == (
        "extension travellers: account: acme has no extension of this name, but acme/anna has: "
        "write that account; or, for another extension, access_numbers of its own"
    )
    assert count(place, ExtensionRow) == 1
    extension_of(place).update(access_numbers=["+442079460005"], caller_ids=[])
    assert place.apply()[0] == "created extension acme:travellers"
    assert count(place, ExtensionRow) == 2


def test_an_account_by_its_path(place: Place) -> None:
    extension_of(place).update(account="acme/anna", callback={"ring_seconds": 9})
    place.document["accounts"] = [{"name": "anna", "parent": "acme", "contact_name": "Anna B."}]
    assert place.apply() == [
        "account acme/anna: contact_name Anna -> Anna B.",
        "extension acme/anna:travellers: ring_seconds 8 -> 9",
    ]
    extension_of(place)["account"] = "anna/acme"
    assert faults(place) == [
        "extension travellers: account: there is no account 'anna/acme': put it under accounts"
    ]


def test_what_it_does_not_name_is_left_alone(place: Place) -> None:
    place.document = {
        "accounts": [{"name": "acme"}],
        "plans": [{"name": "retail"}],
        "extensions": [
            {"name": "travellers", "account": "anna", "caller_ids": [{"number": "+447700900123"}]}
        ],
    }
    assert place.apply() == []
    place.document = {}
    assert place.apply() == []
    found = place.read(lambda tx: tree.find_access_number(tx, "+442071838750"))
    assert found is not None
    assert found.extension.setup.ring_seconds == 8


def test_what_it_empties_is_taken_out(place: Place) -> None:
    place.document["accounts"][0] |= {"plan": None, "country": None}
    place.document["plans"][0] |= {"rates": [], "special_prefixes": []}
    extension_of(place)["access_numbers"] = []
    caller_id_of(place).update(pin=None, enabled=False, speed_dials=None)
    assert place.apply(allow_loss=True) == [
        "account acme: country GB -> none",
        'plan retail of admin: special_prefixes ["881"] -> []',
        "plan retail of admin: rates: 0 added, 1 taken out",
        "account acme: plan retail -> none",
        "callerID +447700900123 of acme/anna:travellers: enabled true -> false",
        'callerID +447700900123 of acme/anna:travellers: speed_dials {"1": "+442079460000"} -> {}',
        "callerID +447700900123 of acme/anna:travellers: pin taken off",
        'extension acme/anna:travellers: access_numbers ["+442071838750", "+442079460001"] -> []',
    ]
    assert rates_of(place, "retail") == []
    assert place.read(lambda tx: tree.find_access_number(tx, "+442071838750")) is None
    assert count(place, AccessNumberRow) == 2, "the account holds them still"


def test_secrets_are_changed_but_not_told(place: Place) -> None:
    caller_id_of(place)["pin"] = "4711"
    extension_of(place)["callback"]["password"] = "081500"
    assert place.apply() == [
        "extension acme/anna:travellers: password changed",
        "callerID +447700900123 of acme/anna:travellers: pin changed",
    ]


def test_access_numbers_move_within_one_file(place: Place) -> None:
    place.document["extensions"] = [
        {"name": "others", "account": "acme", "access_numbers": ["+442071838750"]},
        {**extension_of(place), "access_numbers": ["+442079460001"]},
    ]
    assert place.apply() == [
        "created extension acme:others",
        'extension acme:others: access_numbers [] -> ["+442071838750"]',
        "extension acme/anna:travellers: access_numbers "
        '["+442071838750", "+442079460001"] -> ["+442079460001"]',
    ]
    found = place.read(lambda tx: tree.find_access_number(tx, "+442071838750"))
    assert found is not None
    assert found.extension.name == "others"


def test_an_access_number_of_another_extension_is_refused(place: Place) -> None:
    place.document["extensions"] = [
        {"name": "others", "account": "acme", "access_numbers": ["+442071838750"]}
    ]
    assert faults(place) == [
        "extension others: access number +442071838750 leads to the extension travellers already: "
        "take it out there first"
    ]


def test_a_shown_number_must_be_an_access_number_of_the_account(place: Place) -> None:
    shown = {"set_by": "user", "value": "+442079460009"}
    extension_of(place)["callback"]["caller_id_number"] = shown
    assert faults(place) == [
        "extension travellers: callback.caller_id_number.value: +442079460009 is no access number "
        "of the account anna"
    ]
    place.document["extensions"].append(
        {"name": "others", "account": "anna", "access_numbers": ["+442079460009"]}
    )
    assert 'extension acme/anna:others: access_numbers [] -> ["+442079460009"]' in place.apply()


def test_all_faults_are_told_and_nothing_is_done(place: Place) -> None:
    place.document["accounts"] += [
        {"name": "late", "parent": "later"},
        {"name": "later", "parent": "anna", "level": "user"},
    ]
    place.document["accounts"][0] |= {"level": "provider", "contact_name": "Changed"}
    place.document["plans"].append({"name": "other", "account": "nobody"})
    place.document["extensions"].append({"name": "lost", "account": "nowhere"})
    place.document["sounds"] = []
    assert faults(place) == [
        "account acme: it is there already, as organization: keep that level",
        "account late: there is no account 'later' for its parent: put it before this one",
        "account later: level: must be below that of the account above, user",
        "plan other: account: there is no account 'nobody': put it under accounts",
        "extension lost: account: there is no account 'nowhere': put it under accounts",
    ]
    assert count(place, AccountRow) == 4  # with the extension
    place.document["accounts"] = [{"name": "acme", "plan": "gold"}]
    place.document["extensions"] = place.document["plans"] = []
    (fault,) = faults(place)
    assert fault == "account acme: plan: no account above it has a plan 'gold': make that first"


def test_a_plan_is_given_to_accounts_below_its_maker_only(place: Place) -> None:
    place.document = {
        "accounts": [
            {"name": "carrier", "level": "provider", "plan": "of carrier"},
            {"name": "bob", "parent": "carrier", "plan": "of carrier"},
            {"name": "anna", "plan": "of carrier"},
        ],
        "plans": [{"name": "of carrier", "account": "carrier"}],
    }
    assert faults(place) == [
        f"account {name}: plan: no account above it has a plan 'of carrier': make that first"
        for name in ("carrier", "anna")
    ]
    del place.document["accounts"][0]["plan"]
    place.document["accounts"].pop()
    assert "account carrier/bob: plan none -> of carrier" in place.apply()


def test_the_administrator_has_a_plan_too(place: Place) -> None:
    place.document = {"accounts": [{"name": "admin", "contact_name": "Us", "plan": "retail"}]}
    assert place.apply() == [
        "account admin: contact_name Server administrator -> Us",
        "account admin: plan none -> retail",
    ]


def test_an_extension_has_what_any_account_has(place: Place) -> None:
    said = {
        "status": "suspended",
        "expires": "2030-01-01",
        "low_credit": "1.00",
        "limits": {"caller_ids": 5},
        "plan": "retail",
    }
    for entry in (place.document["accounts"][0], place.document["extensions"][0]):
        entry |= said
    place.apply()
    assert place.apply() == []

    def rows(tx: Connection) -> list[tuple[object, ...]]:
        columns = (AccountRow.status, AccountRow.expires, AccountRow.low_credit, AccountRow.limits)
        query = select(*columns, PlanRow.name).join(PlanRow, PlanRow.id == AccountRow.plan_id)
        return [tuple(row) for row in tx.execute(query)]

    assert (
        place.read(rows)
        == [("suspended", 1893456000.0, Decimal(1), {"caller_ids": 5}, "retail")] * 2
    )
    place.document["extensions"][0] |= {"status": None, "expires": None, "limits": None}
    place.apply()
    assert ("enabled", None, Decimal(1), {}, "retail") in place.read(rows)


def test_sounds_are_converted_and_named_by_what_is_in_them(place: Place, tmp_path: Path) -> None:
    (tmp_path / "bye.wav").write_bytes(b"bye")
    sounds = [
        {"account": "acme", "path": "/a_b.wav", "file": "bye.wav"},
        {"account": "acme", "path": "/a/b.wav", "file": "bye.wav", "language": "de"},
    ]
    place.document["sounds"] = sounds
    assert place.apply() == [
        "created sound /a_b.wav of acme",
        "created sound /a/b.wav of acme",
    ]
    assert place.apply() == []
    (first,) = place.sounds.iterdir()
    (tmp_path / "other.wav").write_bytes(b"other")
    sounds[0]["file"] = "other.wav"
    (change,) = place.apply()
    assert change.startswith(f"sound /a_b.wav of acme: file (en) {first.name} -> ")
    assert first.read_bytes() == b"bye"  # a call may be playing it
    rows = place.read(
        lambda tx: tx.execute(
            select(SoundRow.path, SoundVariantRow.file, SoundVariantRow.seconds).join(
                SoundVariantRow, SoundVariantRow.sound_id == SoundRow.id
            )
        ).all()
    )
    assert {
        (path, (place.sounds / file).read_bytes(), seconds) for path, file, seconds in rows
    } == {
        ("/a_b.wav", b"other", 1.5),
        ("/a/b.wav", b"bye", 1.5),
    }


def test_a_missing_sound_file_stops_all_of_it(place: Place) -> None:
    place.document["accounts"][0]["contact_name"] = "Changed"
    place.document["sounds"] = [
        {"account": "acme", "path": f"/{name}.wav", "file": f"{name}.wav"} for name in "ab"
    ]
    assert faults(place) == [
        "sound /a.wav: a.wav: there is no such file",
        "sound /b.wav: b.wav: there is no such file",
    ]
    names = place.read(lambda tx: tx.execute(select(AccountRow.contact_name)).scalars().all())
    assert "Changed" not in names


def test_another_key_is_refused(place: Place) -> None:
    with pytest.raises(BadKey):
        place.apply(secrets=Secrets(b"x" * 32))
    assert place.apply(secrets=KEY) == []


def test_guards_and_destinations_are_changed_one_by_one(place: Place) -> None:
    """What is left out stays, and null is the default again."""
    account, extension = place.document["accounts"][0], extension_of(place)
    caller_id = extension["caller_ids"][0]
    account["guards"] = {"calls_per_hour": 500, "spend_per_day": "250.00"}
    extension["destinations"] = {"allow": ["44", "33"], "deny": ["4470"]}
    caller_id["guards"] = {"sessions": "unlimited", "spend_per_call": "0.10"}
    assert place.apply() == [
        'account acme: guards {} -> {"calls_per_hour": 500, "spend_per_day": "250.00"}',
        "extension acme/anna:travellers: destinations {} -> "
        '{"allow": ["44", "33"], "deny": ["4470"]}',
        f'{CALLER_ID}: guards {{}} -> {{"sessions": "unlimited", "spend_per_call": "0.10"}}',
    ]
    assert place.apply() == []

    account["guards"] = {"sessions": 3, "calls_per_hour": None}
    extension["destinations"] = {"allow": ["44"]}
    caller_id["guards"] = None
    assert place.apply() == [
        'account acme: guards {"calls_per_hour": 500, "spend_per_day": "250.00"} -> '
        '{"sessions": 3, "spend_per_day": "250.00"}',
        'extension acme/anna:travellers: destinations {"allow": ["44", "33"], "deny": ["4470"]} -> '
        '{"allow": ["44"], "deny": ["4470"]}',
        f'{CALLER_ID}: guards {{"sessions": "unlimited", "spend_per_call": "0.10"}} -> {{}}',
    ]


def test_new_ones_have_their_guards_at_once(tmp_path: Path, store: Store) -> None:
    place = Place(tmp_path, store)
    place.document["accounts"][0]["guards"] = {"spend_per_day": "250.00"}
    extension_of(place)["guards"] = {"calls_per_hour": 7}
    extension_of(place)["caller_ids"][0]["destinations"] = {"deny": ["4470"]}
    assert place.apply() == FIRST
    assert place.apply() == []

    def look(tx: Connection) -> list[Subject]:
        extension = tree.find_by_name(tx, "travellers")
        assert extension is not None
        caller_id = tree.find_caller_id(tx, extension.id, "+447700900123")
        assert caller_id is not None
        return [caller_id.guarded, *extension.guarded]

    found = {subject.name: (subject.guards, subject.destinations) for subject in place.read(look)}
    assert found["+447700900123"] == (Guards(20, 1), Destinations(deny=("4470",)))
    assert found["travellers"] == (Guards(7, 50), Destinations())
    assert found["acme"] == (Guards(1000, 200, Decimal(250)), Destinations())
    assert found["admin"] == (Guards(1000, 200), Destinations())
