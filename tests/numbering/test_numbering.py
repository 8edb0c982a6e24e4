"""Numbers as typed, as trunks send them, and as trunks want them."""

from __future__ import annotations

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from ringback.numbering import (
    BadNumber,
    NumberForm,
    Reading,
    is_of_country,
    matches_prefix,
    read_e164,
    read_prefix,
    read_typed,
    read_written,
)

PLAIN = NumberForm()
WITHOUT_PLUS = NumberForm(plus=False)
BRITISH = NumberForm("GB", strip=2, prepend="0", plus=False)
AMERICAN = NumberForm("US", strip=1, plus=False)
INTERNATIONAL = NumberForm(prepend="00", plus=False)
MARKED = NumberForm(prepend="7777", plus=False)
MARKED_BRITISH = NumberForm("GB", prepend="9999", plus=False)
FORMS = [PLAIN, WITHOUT_PLUS, BRITISH, AMERICAN, INTERNATIONAL, MARKED, MARKED_BRITISH]
NUMBERS = [
    "+447700900123",
    "+442079460000",
    "+442071838750",
    "+12125550123",
    "+33123456789",
    "+390612345678",
    "+881612345678",
]


@pytest.mark.parametrize(
    ("digits", "country", "e164"),
    [
        ("02079460000", "GB", "+442079460000"),
        ("00442079460000", "GB", "+442079460000"),
        ("0012125550123", "GB", "+12125550123"),
        ("2125550123", "US", "+12125550123"),
        ("12125550123", "US", "+12125550123"),
        ("011442079460000", "US", "+442079460000"),
        ("0612345678", "IT", "+390612345678"),  # Italy keeps its zero
        ("0611223344", "FR", "+33611223344"),
        ("0011442079460000", "AU", "+442079460000"),
        ("07700900123", "GB", "+447700900123"),  # Ofcom's numbers for films
        ("+442079460000", "US", "+442079460000"),
    ],
)
def test_what_is_typed_is_read_as_dialled_in_the_country(
    digits: str, country: str, e164: str
) -> None:
    assert read_typed(digits, country) == e164


@pytest.mark.parametrize(
    ("digits", "country", "why"),
    [
        ("", "GB", "no number"),
        ("12", "GB", "no number that can be dialled in GB|wrong length"),
        ("0207946000000", "GB", "wrong length"),
        ("999", "GB", "wrong length"),
        ("5550123", "US", "lacks its area code"),
        ("020 7946 0000", "GB", "write digits only"),
        ("0207*", "GB", "write digits only"),
        ("٠٢٠٧٩٤٦٠٠٠٠", "GB", "write digits only"),
        ("9" * 400, "GB", "write digits only"),
        ("02079460000", "ZZ", "no number that can be dialled"),
        ("+99912345678", "GB", "no number"),
        ("0112", "DE", "a zero in front"),
        ("0110", "DE", "a zero in front"),
        ("+490112", "GB", "a zero in front"),
        ("0118118", "GB", "a zero in front"),  # directory enquiries
    ],
)
def test_what_cannot_be_a_number_is_refused(digits: str, country: str, why: str) -> None:
    with pytest.raises(BadNumber, match=why) as caught:
        read_typed(digits, country)
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("020 7946 0000", "GB", "+442079460000"),
        ("+44 (0)20 7946-0000", "US", "+442079460000"),
        ("00.44.20.7946.0000", "GB", "+442079460000"),
        ("06\N{NO-BREAK SPACE}1234\N{NON-BREAKING HYPHEN}5678", "IT", "+390612345678"),
        ("+39 06 1234 5678", "GB", "+390612345678"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("876 555 0123", "JM", "+18765550123"),
        ("1 876 555 0123", "US", "+18765550123"),
        ("+52 55 1234 5678", "GB", "+525512345678"),
        ("011 15 2345-6789", "AR", "+5491123456789"),  # mobile: 15 within, 9 from outside
        ("+1 800 FLOWERS", "US", None),
        ("020 7946 0000x12", "GB", None),
        ("020+7946 0000", "GB", None),
        ("- -", "GB", None),
    ],
)
def test_numbers_as_people_write_them(text: str, country: str, e164: str | None) -> None:
    if e164 is None:
        with pytest.raises(BadNumber):
            read_written(text, country)
    else:
        assert read_written(text, country) == e164


@pytest.mark.parametrize(
    ("text", "country", "prefixes"),
    [
        ("+44 77", "GB", ["+4477"]),
        ("+", "GB", ["+"]),
        ("00 44-77", "GB", ["+4477"]),
        ("00", "GB", ["+"]),
        ("077", "GB", ["+4477"]),
        ("0", "GB", ["+44"]),
        ("77", "GB", ["+4477", "+77"]),
        ("4477", "GB", ["+444477", "+4477"]),
        ("011 44 77", "US", ["+4477"]),
        ("1 (212)", "US", ["+1212"]),
        ("212", "US", ["+1212", "+212"]),
        ("06 12", "IT", ["+390612", "+0612"]),
        ("8 495", "RU", ["+7495", "+8495"]),
        ("77", "ZZ", ["+77"]),
    ],
)
def test_how_numbers_begin(text: str, country: str, prefixes: list[str]) -> None:
    assert list(read_prefix(text, country)) == prefixes


@pytest.mark.parametrize("text", ["", "+4x", "-", "4+4", "٣", "4" * 40])
def test_what_begins_no_number(text: str) -> None:
    with pytest.raises(BadNumber):
        read_prefix(text, "GB")


def test_setups_have_numbers_with_their_plus() -> None:
    assert read_e164("+44 7700 900-123") == "+447700900123"
    assert read_e164("+447700900123") == "+447700900123"
    with pytest.raises(BadNumber, match=r"write the number with \+"):
        read_e164("02079460000")
    with pytest.raises(BadNumber):
        read_e164("+")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("number", NUMBERS)
def test_a_network_is_understood_as_it_is_spoken_to(form: NumberForm, number: str) -> None:
    assert form.read(form.write(number)).e164 == number
    assert form.read(number) == Reading(number)


@pytest.mark.parametrize(
    ("form", "number", "written"),
    [
        (PLAIN, "+447700900123", "+447700900123"),
        (WITHOUT_PLUS, "+447700900123", "447700900123"),
        (BRITISH, "+447700900123", "07700900123"),
        (BRITISH, "+33123456789", "0033123456789"),
        (AMERICAN, "+12125550123", "2125550123"),
        (AMERICAN, "+447700900123", "011447700900123"),
        (INTERNATIONAL, "+447700900123", "00447700900123"),
        (MARKED, "+447700900123", "7777447700900123"),
    ],
)
def test_the_form_that_a_network_wants(form: NumberForm, number: str, written: str) -> None:
    assert form.write(number) == written


@pytest.mark.parametrize(
    ("form", "text", "number"),
    [
        (PLAIN, "447700900123", "+447700900123"),
        (PLAIN, "07700900123", None),  # national, of no country that is known
        (BRITISH, "442079460000", "+442079460000"),
        (INTERNATIONAL, "447700900123", "+447700900123"),
        (MARKED, "77771234567", "+77771234567"),  # of Kazakhstan, not marked
        (MARKED_BRITISH, "02079460000", "+442079460000"),
        (MARKED_BRITISH, "999902079460000", "+442079460000"),
        (PLAIN, "anonymous", None),
        (PLAIN, "", None),
        (BRITISH, "", None),
        (PLAIN, "+", None),
        (PLAIN, "+44 7700 900123", None),
        (PLAIN, "=cmd|calc", None),
        (PLAIN, "4" * 5000, None),
    ],
)
def test_what_a_network_sends(form: NumberForm, text: str, number: str | None) -> None:
    assert form.readings(text)[:1] == ([] if number is None else [number])
    if number is None:
        with pytest.raises(BadNumber) as caught:
            form.read(text)
        assert str(caught.value).isprintable() and len(str(caught.value)) < 100
    else:
        assert form.read(text).e164 == number


GERMAN, SWEDISH, COLOMBIAN = NumberForm("DE"), NumberForm("SE"), NumberForm("CO")


@pytest.mark.parametrize(
    ("form", "text", "number", "others"),
    [
        # One reading is a valid number, the other is not.
        (BRITISH, "442079460000", "+442079460000", None),
        (BRITISH, "02079460000", "+442079460000", None),
        (BRITISH, "33123456789", "+33123456789", None),
        (GERMAN, "017612345678", "+4917612345678", None),
        (GERMAN, "0044 2079460000".replace(" ", ""), "+442079460000", None),
        # Both are: the national one, with a doubt.
        (GERMAN, "4915123456789", "+494915123456789", ("+4915123456789",)),
        (SWEDISH, "468123456", "+46468123456", ("+468123456",)),
        (COLOMBIAN, "3211234567", "+573211234567", ("+3211234567",)),
        # Neither is.
        (BRITISH, "07700900123", "+447700900123", ()),  # for films
        (NumberForm("FR"), "447700900123", "+447700900123", ()),
        (NumberForm("US"), "7700900123", "+17700900123", ()),
        # With its plus it is what it is, and where no country is known it is E.164.
        (GERMAN, "+4915123456789", "+4915123456789", None),
        (GERMAN, "+447700900123", "+447700900123", None),
        (PLAIN, "447700900123", "+447700900123", None),
    ],
)
def test_of_two_readings_the_valid_one_is_meant(
    form: NumberForm, text: str, number: str, others: tuple[str, ...] | None
) -> None:
    """Spec section 5: where both or neither are valid the national one if possible, in doubt."""
    found = form.read(text)
    assert (found.e164, found.others) == (number, others or ())
    assert (found.doubt is None) == (others is None)
    for other in others or ():
        assert other in (found.doubt or "")


@pytest.mark.parametrize("kind", [PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE])
def test_no_countrys_numbers_are_surely_somebody_elses(kind: int) -> None:
    """Every country's example numbers, nationally and without plus, on a trunk of that country:
    read as what they are, or in doubt, with what they are among the others."""
    read = 0
    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number_for_type(region, kind)
        if example is None:
            continue
        read += 1
        e164 = phonenumbers.format_number(example, PhoneNumberFormat.E164)
        national = phonenumbers.format_number(example, PhoneNumberFormat.NATIONAL)
        for text in (e164[1:], "".join(filter(str.isdigit, national))):
            found = NumberForm(region).read(text)
            assert found.e164 == e164 or (found.doubt and e164 in found.others), (region, text)
    assert read > 200


@pytest.mark.parametrize(
    ("number", "country", "belongs"),
    [
        ("+447700900123", "GB", True),
        ("+442071838750", "GB", True),
        ("+447624123456", "GB", False),  # Isle of Man
        ("+12125550123", "US", True),
        ("+18765550123", "US", False),  # Jamaica: dear, and a favourite of fraud
        ("+14165550123", "CA", True),
        ("+33123456789", "GB", False),
        ("+881612345678", "GB", False),
        ("+99912345678", "GB", False),
    ],
)
def test_countries_that_share_a_code(number: str, country: str, belongs: bool) -> None:
    assert is_of_country(number, country) is belongs


def test_prefixes() -> None:
    assert matches_prefix("+447700900123", ["33", "4477"])
    assert not matches_prefix("+447700900123", ["33", "4478"])
    assert not matches_prefix("+447700900123", [])
