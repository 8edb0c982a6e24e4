"""What calls read of extensions and callerIDs."""

from __future__ import annotations

from pathlib import Path

from tests.accounts.helpers import KEY, Place

from ringback.accounts import tree
from ringback.store import Store


def test_an_extension_with_what_it_inherits(tmp_path: Path, store: Store) -> None:
    place = Place(tmp_path, store)
    place.apply()
    number = place.read(lambda tx: tree.find_access_number(tx, "+442079460001"))
    assert number is not None
    assert (number.number, number.destination) == ("+442079460001", None)
    found = number.extension
    assert found.name == "travellers"
    assert found.setup.ring_seconds == 8
    assert KEY.matches(found.id, "0815", found.password_mac)
    assert found.access_numbers == ("+442071838750", "+442079460001")
    assert found.public_number == "+442071838750"
    assert found.contact_name == "Anna"  # its own account's
    assert (found.country, found.language, found.time_zone) == ("GB", "en", "Europe/London")
    assert len(found.chain) == 4  # itself, anna, acme, admin
    assert place.read(lambda tx: tree.load_extension(tx, found.id)) == found
    assert place.read(lambda tx: tree.find_access_number(tx, "+442079460009")) is None
    assert place.read(lambda tx: tree.is_access_number(tx, "+442079460001"))
    assert not place.read(lambda tx: tree.is_access_number(tx, "+442079460009"))


def test_the_nearest_account_that_says_something_counts(tmp_path: Path, store: Store) -> None:
    place = Place(tmp_path, store)
    place.document["accounts"][1] |= {"country": "IE", "language": "ga"}
    place.document["extensions"][0]["callback"]["language"] = "cy"
    place.apply()
    found = place.read(lambda tx: tree.find_by_name(tx, None))
    assert found is not None
    assert (found.country, found.language, found.time_zone) == ("IE", "cy", "Europe/London")


def test_on_top_is_the_home_country(tmp_path: Path, store: Store) -> None:
    place = Place(tmp_path, store)
    for key in ("country", "language", "time_zone"):
        del place.document["accounts"][0][key]
    place.apply(home_country="DE")
    found = place.read(lambda tx: tree.find_by_name(tx, "travellers"))
    assert found is not None
    assert (found.country, found.language, found.time_zone) == ("DE", "en", "UTC")
    assert place.apply(home_country="AT") == ["account admin: country DE -> AT"]


def test_an_authorized_caller_id(tmp_path: Path, store: Store) -> None:
    place = Place(tmp_path, store)
    place.apply()
    extension = place.read(lambda tx: tree.find_by_name(tx, None))
    assert extension is not None
    found = place.read(lambda tx: tree.find_caller_id(tx, extension.id, "+447700900123"))
    assert found is not None
    assert (found.enabled, found.last_number, found.language) == (True, None, None)
    assert found.speed_dials == {"1": "+442079460000"}
    assert KEY.matches(found.id, "0042", found.pin_mac)
    assert place.read(lambda tx: tree.find_caller_id(tx, extension.id, "+447700900124")) is None
    assert place.read(lambda tx: tree.find_caller_id(tx, "other", "+447700900123")) is None

    def owned(number: str) -> bool:
        return place.read(lambda tx: tree.owns_number(tx, extension, number))

    assert owned("+447700900123")
    assert owned("+442079460001")
    assert not owned("+447700900124")


def test_without_a_name_only_a_single_extension_is_meant(tmp_path: Path, store: Store) -> None:
    place = Place(tmp_path, store)
    place.document["extensions"].append({"name": "others", "account": "acme"})
    place.apply()
    assert place.read(lambda tx: tree.find_by_name(tx, None)) is None
    found = place.read(lambda tx: tree.find_by_name(tx, "others"))
    assert found is not None
    assert found.public_number is None
    assert place.read(lambda tx: tree.find_by_name(tx, "none")) is None
