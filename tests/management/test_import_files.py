"""Files of callerIDs: whatever a spreadsheet writes is understood, or told by line and column."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from ringback.accounts.entries import CallerIdEntry
from ringback.cells import guarded, unguarded
from ringback.management.caller_ids.imports import hints, table
from ringback.management.caller_ids.imports.faults import BadImport, FoundFaults
from ringback.management.caller_ids.imports.lines import Target, cells_of, read_line
from ringback.management.caller_ids.imports.table import read_table
from ringback.management.caller_ids.pins import Slip, guessed, make_pin
from ringback.management.caller_ids.slips import as_html, as_text

ROWS = "07700900123,Zoë,0042,A-1,5.00\n"


def refused(data: bytes) -> str:
    with pytest.raises(BadImport) as error:
        list(read_table(data).records())
    return str(error.value)


@pytest.mark.parametrize(
    ("coding", "told"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
    ],
)
def test_codings(coding: str, told: str) -> None:
    found = read_table(ROWS.encode(coding))
    assert found.coding == told
    assert list(found.records()) == [(1, ["07700900123", "Zoë", "0042", "A-1", "5.00"])]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("header", [True, False])
def test_delimiters(delimiter: str, header: bool) -> None:
    head = "Number,Name,PIN,Order number,Credit\n" if header else ""
    text = (head + ROWS).replace(",", delimiter)
    for said in ("", f"sep={delimiter}\r\n"):
        found = read_table((said + text).encode())
        assert found.columns == table.BY_POSITION
        ((line, cells),) = found.records()
        assert len(cells) == 5
        assert line == 1 + header + bool(said)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("CALLER ID", "number"),
        ("caller-id", "number"),
        ("Phone_Number", "number"),
        ("Order No.", "order_number"),
        ("Pin-Code", "pin"),
        ("CREDIT", "credit"),
        ("Active", "enabled"),
        ("Valid until", "expires"),
        ("Ref.", "reference"),
        ("colour", None),
    ],
)
def test_names_of_columns(name: str, column: str | None) -> None:
    other = "name" if column == "number" else "number"
    found = read_table(f"{name},{other}\n1,2\n".encode())
    assert found.columns == (column, other)
    assert found.unused == ((name,) if column is None else ())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "line 1: the file is empty"),
        (b"\n ,\n", "the file is empty"),
        (b"PK\x03\x04 a workbook", "save it as CSV"),
        (b"ab\0c", "its coding is not known"),
        (b"name,pin\nA,0042\n", "line 1: names no column of numbers"),
        (b"number,phone\n1,2\n", "line 1: number: is there twice, as 'number' and 'phone'"),
        (b"hello\n", "line 1: begins with 'hello', which is neither"),
        (b"07700900123,a,1234,o,5,6\n", "name them there"),
        (b'number\n"1\n', "line 2: unexpected end of data: see that its quotes are closed"),
    ],
)
def test_files_that_are_none(data: bytes, message: str) -> None:
    assert message in refused(data)


def test_files_that_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LARGEST_LINES", 2)
    assert "line 4: has more than 2 callerIDs" in refused(b"number\n1\n2\n3\n")
    monkeypatch.setattr(table, "LARGEST_BYTES", 8)
    assert "larger than" in refused(b"number\n12\n")


def read(delimiter: str = ",", **cells: str) -> tuple[CallerIdEntry | None, list[str]]:
    faults = FoundFaults()
    told = cells_of(tuple(cells), tuple(cells.values()))
    entry = read_line(7, told, Target("acme:travellers", "GB", delimiter), faults)
    return entry, [str(fault).removeprefix("line 7: ") for fault in faults.found]


@pytest.mark.parametrize(
    "number", ["07700 900123", "'+447700900123", '="07700900123"', "7700900123", "447700900123"]
)
def test_numbers_in_cells(number: str) -> None:
    entry, faults = read(number=number)
    assert not faults
    assert entry is not None
    assert entry.number == "+447700900123"


@pytest.mark.parametrize(
    "text", ["=1+1", "+44 x", "-", "@x", "\tx", "+447700900123", "A", "'t Hooft"]
)
def test_a_quote_of_ours_is_taken_off_again(text: str) -> None:
    assert unguarded(guarded(text)) == text


def test_a_whole_line() -> None:
    entry, faults = read(
        ";",
        number="07700900123",
        name="'=Zoe",
        pin="'0042",
        order_number="A-1",
        credit="5,25",
        enabled="No",
        expires="2030-01-01",
        extension="travellers",
        reference="",
    )
    assert not faults
    assert entry is not None
    assert (entry.name, entry.pin, str(entry.credit), entry.enabled) == (
        *("=Zoe", "0042", "5.25", False),
    )
    assert "reference" not in entry.model_fields_set
    unlimited, _ = read(number="07700900123", credit="Unlimited")
    assert unlimited is not None
    assert unlimited.credit == "unlimited"
    quoted, _ = read(number="07700900123", name="'t Hooft")
    assert quoted is not None
    assert quoted.name == "'t Hooft"


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"number": ""}, "number: is required"),
        ({"number": "4.47701E+11"}, "number: '4.47701E+11' has lost its last digits"),
        ({"number": "447700900123.0"}, "number: '447700900123.0' is a quantity with places"),
        ({"number": "33612345678"}, "with 00 in front it could be read"),
        ({"pin": "42"}, "pin: write 4 to 12 digits: a spreadsheet may have taken zeros off"),
        ({"pin": "1234.0"}, "pin: a spreadsheet took it for a quantity"),
        ({"pin": "12a4"}, "pin: write 4 to 12 digits"),
        ({"credit": "5.00"}, "order_number: is required with credit"),
        ({"credit": "5,00", "order_number": "A"}, "credit: '5,00' is not an amount"),
        ({"enabled": "perhaps"}, "enabled: write yes or no"),
        ({"expires": "soon"}, "expires: write a date or a time"),
        ({"language": "?"}, "language: "),
        ({"extension": "others"}, "extension: is another one: this import is for acme:travellers"),
        ({"extension": "me:travellers"}, "extension: is another one"),
    ],
)
def test_faults_name_their_column(cells: dict[str, str], message: str) -> None:
    entry, faults = read(**{"number": "07700900123", **cells})
    assert entry is None
    assert len(faults) == 1
    assert message in faults[0]


def test_all_faults_of_a_line_are_told_and_no_pin() -> None:
    _, faults = read(number="x", pin="123456789012345", credit="much")
    assert [fault.partition(":")[0] for fault in faults] == ["number", "pin", "credit"]
    assert "123456789012345" not in "".join(faults)


def test_hints_at_shortened_pins() -> None:
    assert hints.shortened_pins(Counter({6: 90, 5: 9, 4: 1}), 0) is not None
    assert hints.shortened_pins(Counter({6: 90, 5: 9}), 3) is None
    assert hints.shortened_pins(Counter({6: 90, 8: 9}), 0) is None
    assert hints.shortened_pins(Counter({6: 5, 4: 5}), 0) is None
    assert hints.shortened_pins(Counter(), 0) is None


@pytest.mark.parametrize(
    "pin", ["0000", "1212", "123123", "1234", "4321", "890123", "1984", "2026", "9001"]
)
def test_pins_that_are_guessed_first(pin: str) -> None:
    assert guessed(pin, "+447700900123")


def test_pins_at_random() -> None:
    chance = random.Random(3)
    for length in range(4, 13):
        for _ in range(300):
            pin = make_pin(chance, length, "+447700900123")
            assert len(pin) == length
            assert pin.isdecimal()
            assert not guessed(pin, "+447700900123")
    assert not guessed("7042", "+447700900123")


def test_slips() -> None:
    slips = [Slip("+447700900123", "<A> & Reed", "7042"), Slip("+447700900124", None, "7043")]
    assert "7042" not in repr(slips)
    text = as_text(slips)
    assert text.count("8<") == 2
    assert max(map(len, text.splitlines())) <= 60
    assert "<A> & Reed" in text
    html = as_html(slips)
    assert "&lt;A&gt; &amp; Reed" in html
    assert html.count("<b>70") == 2
