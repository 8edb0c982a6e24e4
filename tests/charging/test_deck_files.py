"""Decks as CSV: what is good, what is bad, and what is hostile."""

from __future__ import annotations

import io
from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.charging.helpers import rate

from ringback.charging.decks import BadDeck, overlaps, read_deck, reading, write_deck
from ringback.charging.rating import SECOND, Rate, charge

HEADER = "prefix,setup,first_block,first_price,next_block,price_per_minute,valid_from,valid_to\n"


def read(text: str, columns: Mapping[str, str] | None = None) -> list[Rate]:
    return read_deck(text.encode(), columns or {}).rates


def faults(text: str | bytes, columns: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(BadDeck) as caught:
        read_deck(text if isinstance(text, bytes) else text.encode(), columns or {})
    return caught.value.lines(50)


def written(rates: list[Rate]) -> str:
    file = io.StringIO(newline="")
    write_deck(rates, file)
    return file.getvalue()


def test_all_columns() -> None:
    assert read(
        HEADER + "4420,0.05,30,0.02,6,0.125,2026-01-01T00:00:00Z,2026-12-31T23:00:00+01:00\n"
    ) == [rate("4420", "0.05", 30, "0.02", 6, "0.125", 1767225600, 1798754400)]


def test_defaults() -> None:
    assert read("prefix,first_price,price_per_minute\n44,0.02,0.03\n,1,1\n") == [
        rate("44", "0", 60, "0.02", 10, "0.03"),
        rate("", "0", 60, "1", 10, "1"),
    ]
    assert read(HEADER + "44,,,0.02,,0.02,,\n") == [rate("44")]
    assert read(HEADER + "44,,,,,0.02,,\n") == read("prefix,price_per_minute\n44,0.02\n")
    assert read(HEADER + "44,,,,,0.02,,\n") == [rate("44", first_price=None)]


def test_a_deck_of_prices_a_minute() -> None:
    """ASTPP #289: price a minute, first and next increment are all that carriers' decks have."""
    columns = {"prefix": "Dialcode", "price_per_minute": "Rate"}
    columns |= {"first_block": "Init", "next_block": "Inc"}
    (found,) = read("Dialcode,Rate,Init,Inc\n44,0.60,1,1\n", columns)
    assert charge(found, 60 * SECOND).amount == Decimal("0.60")
    assert charge(found, SECOND).amount == Decimal("0.01")
    # The price of a minute is no price of a second.
    columns["first_price"] = "rate"
    assert faults("Dialcode,Rate,Init,Inc\n44,0.60,60,1\n33,0.60,1,1\n34,0.60,,1\n", columns) == [
        "line 3: first_price: it is the price of a minute, in the column of price_per_minute, but "
        "first_block is 1 s: leave first_price out"
    ]


def test_a_first_block_that_nobody_could_pay_is_told_with_its_line() -> None:
    dear = "999999999999.999999"
    text = HEADER + f"44,0.01,60,{dear},10,1,,\n45,0,61,,10,{dear},,\n46,0,60,,10,{dear},,\n"
    assert faults(text) == [
        f"line 2: setup 0.01 and first_price {dear} are together above the largest amount, {dear}: "
        "lower one of them",
        f"line 3: setup 0 and 61 s at price_per_minute {dear} are together above the largest "
        f"amount, {dear}: lower one of them",
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_carriers_own_file(delimiter: str) -> None:
    """Other names, a byte order mark, quotes, spaces, ends of lines as on Windows, empty lines,
    and one column for two."""
    lines = [
        ["Destination, zone", " Dialcode", "Rate"],
        ["United Kingdom", "44", " 0.02 "],
        ["", "", ""],
        ['Isle of "Man"', "'441624", "0.05"],
    ]
    text = "\r\n".join(
        delimiter.join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines
    )
    columns = {"prefix": "dialcode", "first_price": "RATE", "price_per_minute": "Rate"}
    found = read_deck(b"\xef\xbb\xbf" + text.encode() + b"\r\n\r\n", columns)
    assert found.rates == [
        rate("44"),
        rate("441624", first_price="0.05", price_per_minute="0.05"),
    ]
    assert found.unused == ("Destination, zone",)


def test_every_bad_line_is_named_with_all_that_is_wrong() -> None:
    text = HEADER + (
        "44a,-1,0,0.0000001,86401,x,2026-01-01,yesterday\n"
        "44,0,60,0.02,10,0.02,,\n"
        "45,0,60,,10,1e3,,\n"
        "46,0,60,0.02,10,0.02,2026-02-01T00:00Z,2026-02-01T00:00Z\n"
        "47,0,60,0.02,10\n"
        "48,0,60,0.02,10,0.02,0001-01-01T00:00+14:00,\n"
        "1234567890123456,0,60,0.02,10,1234567890123,,\n"
        "٤٤,0,٦٠,0.02,10,٢,,\n"
    )
    found = faults(text)
    assert [line.partition(":")[0] for line in found] == [
        f"line {number}" for number in (2, 4, 5, 6, 7, 8, 9)
    ]
    for what in (
        "prefix: '44a' is no prefix",
        "setup: must not be negative",
        "first_block: '0' is no block: write 1 to 86400 seconds",
        "first_price: '0.0000001' is not an amount",
        "next_block: '86401'",
        "price_per_minute: 'x'",
        "valid_from: '2026-01-01' is no instant: write date, time and zone",
        "valid_to: 'yesterday'",
    ):
        assert what in found[0]
    assert found[1].startswith("line 4: price_per_minute: '1e3' is not")
    assert "valid_to: must be after valid_from" in found[2]
    assert "has 5 cells, where the first line has 8" in found[3]
    assert "not between 1970 and 9999" in found[4]
    assert "prefix" in found[5] and "price_per_minute" in found[5]
    assert all(name in found[6] for name in ("prefix", "first_block", "price_per_minute"))


def test_prefixes_that_no_number_begins_with_are_refused_with_their_mending() -> None:
    lines = ["0044", "+44", "'+33", "020"]
    found = faults(
        "prefix,first_price,price_per_minute\n" + "".join(f"{each},1,1\n" for each in lines)
    )
    assert found == [
        "line 2: prefix: '0044' is no prefix: write it without 00: \"44\"",
        "line 3: prefix: '+44' is no prefix: write it without +: \"44\"",
        "line 4: prefix: '+33' is no prefix: write it without +: \"33\"",
        "line 5: prefix: '020' is no prefix, since no country code begins with 0: write the "
        'country code in place of the 0, such as "4420" for 020',
    ]


def test_overlaps_and_duplicates_are_named_with_both_lines() -> None:
    text = HEADER + (
        "44,0,60,0.02,10,0.02,,2026-02-01T00:00Z\n"
        "44,0,60,0.03,10,0.03,2026-02-01T00:00Z,\n"
        "45,0,60,0.02,10,0.02,,\n"
        "45,0,60,0.02,10,0.02,,\n"
        "44,0,60,0.04,10,0.04,2026-01-01T00:00Z,2026-01-02T00:00Z\n"
        "440,0,60,0.04,10,0.04,,\n"
    )
    assert faults(text) == [
        "line 5: says the same as line 4: take one out",
        "line 6: the prefix '44' has a rate at the same time on line 2",
    ]


def test_a_later_start_ends_a_rate_without_an_end() -> None:
    """Whatever the order of lines; a rate that has an end, or begins at the same time, overlaps."""
    text = "prefix,price_per_minute,valid_from,valid_to\n" + (
        "44,0.03,2026-03-01T00:00Z,\n44,0.01,,\n44,0.02,2026-02-01T00:00Z,\n4420,1,,\n"
    )
    march, before, february, london = read(text)
    assert (before.valid_to, february.valid_to) == (february.valid_from, march.valid_from)
    assert (march.valid_to, london.valid_to) == (None, None)
    assert set(read(written(read(text)))) == {march, before, february, london}
    assert faults(text + "44,0.04,2026-03-01T00:00Z,\n") == [
        "line 6: the prefix '44' has a rate at the same time on line 2"
    ]
    assert faults(text + "44,0.04,2026-01-01T00:00Z,2026-02-02T00:00Z\n") == [
        "line 4: the prefix '44' has a rate at the same time on line 6"
    ]


def test_columns_are_told_apart() -> None:
    assert faults("Code,Rate\n44,1\n") == [
        "line 1: there is no column 'prefix', but 'Code', 'Rate': name it with "
        "--column prefix=NAME",
        "line 1: there is no column 'price_per_minute', but 'Code', 'Rate': name it with "
        "--column price_per_minute=NAME",
    ]
    assert "no column 'Setup fee'" in faults(HEADER, {"setup": "Setup fee"})[0]
    twice = "prefix,first_price,price_per_minute,Prefix\n44,1,1,45\n"
    assert faults(twice) == ["line 1: the column 'prefix' is there 2 times: rename the others"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "line 1: is empty: write the names of the columns there"),
        (b"\r\n44,0.02,0.02\r\n", "line 1: is empty"),
        (b"\xff\xfep\0r\0", "line 1: has a NUL in it: save the file as CSV in UTF-8"),
        (HEADER.encode() + b"44,0,60,1,10,1,,\n\0\n", "line 3: has a NUL"),
        (HEADER.encode() + b"44,0,60,1,10,1,,\n\xff,\n", "line 3: is not UTF-8"),
        (HEADER.encode() + b'44,0,60,1,10,1,,\n"45,0,60,1,10,1,,\n46,', "line 3: unexpected end"),
        (HEADER.encode() + b"44,0,60,1,10,1,," + b"9" * 200_000, "line 2: field larger than"),
        (b'"' + b"x" * 200_000, "line 1: "),
        (b"," * 100_000, "line 1: is empty"),
        (HEADER.encode() + b"\n,,,,,,,\n", "line 1: no rates follow it"),
    ],
)
def test_hostile_files(data: bytes, message: str) -> None:
    assert faults(data)[0].startswith(message)


def test_too_large_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST_RATES", 2)
    lines = [f"{prefix},0,60,1,10,1,,\n" for prefix in (44, 45, 46, 47)]
    assert len(read(HEADER + "".join(lines[:2]))) == 2
    assert faults(HEADER + "".join(lines)) == [
        "line 4: a deck has at most 2 rates: this line and those below are too many"
    ]
    monkeypatch.setattr(reading, "LARGEST_BYTES", 1 << 20)
    assert faults(b" " * ((1 << 20) + 1)) == ["line 1: the file is larger than 1 MB: split it"]


def test_a_long_list_of_bad_lines_is_cut_with_their_number() -> None:
    with pytest.raises(BadDeck) as caught:
        read(HEADER + "x,0,60,1,10,1,,\n" * 1200)
    assert len(caught.value.faults) == reading.LISTED
    told = caught.value.lines(20)
    assert (len(told), told[-1]) == (21, "and 1180 more bad lines")


# A day at the dearest price a minute is not above the largest amount.
prices = st.integers(0, 10**14).map(lambda millionths: Decimal(millionths) / 10**6)
instants = st.none() | st.integers(1, 4 * 10**15).map(lambda microseconds: microseconds / 10**6)
rates = st.builds(
    Rate,
    st.from_regex(r"\A([1-9][0-9]{0,14})?\Z", alphabet=st.characters(codec="ascii")),
    prices,
    st.integers(1, 86400),
    st.none() | prices,
    st.integers(1, 86400),
    prices,
    instants,
    instants,
).filter(
    lambda each: each.valid_from is None or each.valid_to is None or each.valid_from < each.valid_to
)


@given(st.lists(rates, min_size=1, max_size=6).filter(lambda found: not list(overlaps(found))))
def test_what_is_written_reads_back_the_same(deck: list[Rate]) -> None:
    text = written(deck)
    found = read(text)
    assert set(found) == set(deck)
    assert written(found) == text
