"""The setup file: what may stand in it, and how it is refused."""

from __future__ import annotations

import tracemalloc
from decimal import Decimal
from pathlib import Path

import pytest

from ringback.accounts.entries import SetupFile
from ringback.accounts.setupfile import LARGEST_BYTES, SetupError, load_setup

# As in the spec, section 11.
EXAMPLE = """\
accounts:
  - {name: acme, parent: admin, level: organization, contact_name: Acme Travel, country: GB,
     time_zone: Europe/London, language: en, plan: retail, balance: "100.00",
     guards: {calls_per_hour: 1000, sessions: 200, spend_per_day: "250.00", spend_per_call: null},
     destinations: {allow: ["44", "33"], deny: ["4470"]}}
extensions:
  - name: travellers
    account: acme
    access_numbers: ["+442071838750"]
    callback:
      ring_seconds: 5
      hours: [{days: [mon, tue], from: "08:00", to: "18:00"}]
      closed: ["2026-12-25"]
    caller_ids:
      - {number: "+447700900123", pin: "0042", enabled: true, credit: "5.00", order_number: A-1,
         language: en, speed_dials: {"1": "+442079460000"}}
      - {number: "+447700900124", credit: unlimited}
plans:
  - {name: retail, account: admin, kind: prepaid, limit: "0.00", special_prefixes: [],
     packages: [{prefix: "44", minutes: 100}],
     rates: [{prefix: "44", setup: "0.00", first_block: 60, first_price: "0.02", next_block: 10,
              price_per_minute: "0.02", valid_from: null, valid_to: 2026-12-31}]}
sounds: [{account: acme, path: /callback/bye.wav, language: en, file: bye.wav}]
"""


def load(folder: Path, text: str) -> SetupFile:
    path = folder / "setup.yaml"
    path.write_text(text)
    return load_setup(path)


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(SetupError) as caught:
        load(folder, text)
    return [line.removeprefix(f"{folder}/setup.yaml:") for line in str(caught.value).split("\n")]


def test_the_example_of_the_spec(tmp_path: Path) -> None:
    setup = load(tmp_path, EXAMPLE)
    (extension,) = setup.extensions
    assert extension.callback.model_dump()["hours"][0]["days"] == ("mon", "tue")
    first, second = extension.caller_ids
    assert (first.pin, first.credit, first.order_number) == ("0042", Decimal(5), "A-1")
    assert first.speed_dials == {"1": "+442079460000"}
    assert second.credit == "unlimited"
    (rate,) = setup.plans[0].rates
    assert (rate.first_price, rate.valid_from) == (Decimal("0.02"), None)
    assert rate.valid_to == 1_798_675_200.0  # midnight, UTC
    assert setup.sounds[0].path == "/callback/bye.wav"


def test_an_empty_file_says_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "") == SetupFile()
    assert faults(tmp_path, "[]") == ["1: the file: write a table of keys and values"]


def test_all_faults_are_told_with_line_and_place(tmp_path: Path) -> None:
    text = """\
accounts:
  - {name: acme, country: UK, balance: 100.00}
extensions:
  - name: travellers
    account: acme
    callback:
      ring_seconds: "5"
      password: 4815
    caller_ids:
      - {number: "+447700900123", pin: 0042}
      - {number: "+447700900124",
         pin: "12", credit: 5.0}
      - {number: "+447700900125", credit: "5.00"}
phones: []
"""
    assert faults(tmp_path, text) == [
        "2: accounts[0].country: write a country of ISO 3166 in two capitals, such as GB: the "
        "United Kingdom is GB",
        '2: accounts[0].balance: write amounts in quotes, such as "5.00"',
        "7: extensions[0].callback.ring_seconds: write a whole number, without quotes",
        "8: extensions[0].callback.password: write a text, in quotes",
        "10: extensions[0].caller_ids[0].pin: write a text, in quotes",
        "12: extensions[0].caller_ids[1].pin: write 4 to 12 digits",
        '12: extensions[0].caller_ids[1].credit: write amounts in quotes, such as "5.00"',
        "13: extensions[0].caller_ids[2].order_number: is required with credit, so that applying "
        "the file again does not recharge again",
        "14: phones: unknown key: take it out, or check its spelling",
    ]


@pytest.mark.parametrize("secret", ["4815162", '"4815x"', "'4815162342108'", "[4815]"])
def test_a_refused_secret_is_not_repeated(tmp_path: Path, secret: str) -> None:
    text = f"""\
extensions:
  - {{name: e, account: a, callback: {{password: {secret}}},
     caller_ids: [{{number: "+447700900123", pin: {secret}}}]}}
"""
    found = faults(tmp_path, text)
    assert len(found) == 2
    assert not any("4815" in fault for fault in found)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("accounts: [{name: a, name: b}]", "1: name is there twice: take one out"),
        ("1: 2", "1: write this key in quotes"),
        ("accounts: [", "1: did not find expected node content"),
        ("accounts: !!python/object:os.system {}", "1: there is no use for the tag"),
        ("accounts: &a [*a]", "1: the alias 'a' has no anchor before it"),
        ("a: 1\n---\nb: 2", "2: but found another document"),
        ("accounts: [{name: a}, {name: a}]", "1: accounts[1].name: is there twice"),
        ("accounts: [{name: admin, parent: b}]", "1: accounts[0].parent: take it out: admin is"),
        ("accounts: [{name: a, level: administrator}]", "1: accounts[0].level: must be 'provider'"),
        ("accounts: [{name: a, time_zone: Europe/Nowhere}]", "1: accounts[0].time_zone: write a"),
        ("accounts: [{name: a, time_zone: ../../etc/passwd}]", "1: accounts[0].time_zone: write"),
        ('accounts: [{name: "a\\tb"}]', "1: accounts[0].name: write a text of 1 to 200"),
        ("accounts: [{name: 12}]", "1: accounts[0].name: write a text, in quotes"),
        ("accounts: [{name: a, balance: '-0.01'}]", "1: accounts[0].balance: must be"),
        ("plans: [{name: p, limit: '1'}]", "1: plans[0].limit: goes with kind: postpaid only"),
        *(
            (
                f"plans: [{{name: p, special_prefixes: ['{prefix}']}}]",
                f"1: plans[0].special_prefixes[0]: '{prefix}' is no prefix",
            )
            for prefix in ("+44900", "0900")
        ),
        (
            "plans: [{name: p, packages: [{prefix: '44', minutes: 1},\n"
            " {prefix: '44', minutes: 2}]}]",
            "2: plans[0].packages[1].prefix: is there twice",
        ),
        (
            "plans: [{name: p, rates: [{prefix: '+44', first_price: '1', price_per_minute: '1'}]}]",
            "1: plans[0].rates[0].prefix: '+44' is no prefix: write it without +",
        ),
        (
            "plans: [{name: p, packages: [{prefix: '0044', minutes: 1}]}]",
            "1: plans[0].packages[0].prefix: '0044' is no prefix: write it without 00",
        ),
        (
            "plans: [{name: p, special_prefixes: ['0900']}]",
            "1: plans[0].special_prefixes[0]: '0900' is no prefix, since no country code",
        ),
        (
            "plans: [{name: p, rates: [\n {prefix: '44', setup: '1', first_price: '999999999999',"
            "price_per_minute: '1'}]}]",
            "2: plans[0].rates[0]: setup 1 and first_price 999999999999 are together above",
        ),
        ("sounds: [{account: a, path: //x.wav, file: x}]", "1: sounds[0].path: begins with one /"),
        ("sounds: [{account: a, path: /../x.wav, file: x}]", "1: sounds[0].path: '/../x.wav' is"),
        (
            "extensions: [{name: e, account: a, callback:\n {return_calls: anybody}}]",
            "2: extensions[0].callback.return_calls: must be",
        ),
        (
            "extensions: [{name: e, account: a, access_numbers: ['+442071838750']},\n"
            " {name: f, account: a, access_numbers: ['+442071838750']}]",
            "2: extensions[1].access_numbers[0]: is there twice",
        ),
        (
            "extensions: [{name: e, account: a, caller_ids: [{number: '+447700900123'},\n"
            " {number: '+447700900123'}]}]",
            "2: extensions[0].caller_ids[1].number: is there twice",
        ),
        (
            "extensions: [{name: e, account: a, caller_ids: [{number: '+447700900123',\n"
            " speed_dials: {'100': '+442079460000'}}]}]",
            "2: extensions[0].caller_ids[0].speed_dials.100",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    (found,) = faults(tmp_path, text)
    assert found.strip().startswith(fault)


RATE = "{prefix: '44', first_price: '1', price_per_minute: '1', valid_from: %s, valid_to: %s}"


@pytest.mark.parametrize(
    ("one", "two", "overlap"),
    [
        (("null", "null"), ("null", "null"), True),
        (("null", "2026-06-01"), ("2026-06-01", "null"), False),
        (("2026-06-01", "null"), ("null", "2026-06-01"), False),
        (("null", "2026-06-02"), ("2026-06-01", "null"), True),
        (("2026-06-01T12:00:00Z", "null"), ("null", "2026-06-01T14:00:00+02:00"), False),
    ],
)
def test_no_two_rates_of_one_prefix_hold_at_one_time(
    tmp_path: Path, one: tuple[str, str], two: tuple[str, str], overlap: bool
) -> None:
    text = f"plans:\n  - name: p\n    rates:\n      - {RATE % one}\n      - {RATE % two}\n"
    if not overlap:
        assert len(load(tmp_path, text).plans[0].rates) == 2
        return
    (fault,) = faults(tmp_path, text)
    assert "holds at a time when rates[" in fault


def test_a_rate_must_be_valid_some_time(tmp_path: Path) -> None:
    text = f"plans: [{{name: p, rates: [{RATE % ('2026-06-01', '2026-06-01')}]}}]"
    assert faults(tmp_path, text) == ["1: plans[0].rates[0].valid_to: must be after valid_from"]


@pytest.mark.parametrize("at", ["1969-12-31", "9999-12-31T23:59:59-14:00"])
def test_a_period_is_one_that_a_file_of_rates_can_say(tmp_path: Path, at: str) -> None:
    """Else `rates export` failed, or could not be imported again."""
    text = f"plans: [{{name: p, rates: [{RATE % (repr(at), 'null')}]}}]"
    (fault,) = faults(tmp_path, text)
    assert "plans[0].rates[0].valid_from" in fault
    assert "is not between 1970 and 9999" in fault


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="No such file"):
        load_setup(tmp_path / "none.yaml")
    path = tmp_path / "setup.yaml"
    path.write_bytes(b"\xff")
    with pytest.raises(SetupError, match="not UTF-8"):
        load_setup(path)
    with path.open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    for large in (path, Path("/dev/zero")):
        with pytest.raises(SetupError, match="larger than 16 MB"):
            load_setup(large)


def test_guards_and_destinations_that_cannot_be(tmp_path: Path) -> None:
    text = """\
accounts:
  - name: acme
    guards: {calls_per_hour: "20", sessions: -1, spend_per_day: 250, spend_per_call: "-1.00"}
    destinations: {allow: ["44x", "+33"], deny: ["0044", ""], block: []}
  - name: other
    guards: {calls_per_hour: true, sessions: 1000001, spend_per_day: never, calls: 3}
"""
    count = "write a whole number up to 1000000, or unlimited"
    assert faults(tmp_path, text) == [
        f"3: accounts[0].guards.calls_per_hour: {count}",
        f"3: accounts[0].guards.sessions: {count}",
        '3: accounts[0].guards.spend_per_day: write amounts in quotes, such as "5.00"',
        "3: accounts[0].guards.spend_per_call: must be 0.00 or more, or unlimited",
        "4: accounts[0].destinations.allow[0]: '44x' is no prefix: write at most 15 leading digits "
        'of numbers with their country code, such as "44"',
        "4: accounts[0].destinations.allow[1]: '+33' is no prefix: write it without +: \"33\"",
        "4: accounts[0].destinations.deny[0]: '0044' is no prefix: write it without 00: \"44\"",
        "4: accounts[0].destinations.deny[1]: write at most 15 leading digits of numbers with "
        'their country code, such as "44"',
        "4: accounts[0].destinations.block: unknown key: take it out, or check its spelling",
        f"6: accounts[1].guards.calls_per_hour: {count}",
        f"6: accounts[1].guards.sessions: {count}",
        "6: accounts[1].guards.spend_per_day: 'never' is not an amount: write digits with at most "
        '12 before the point and at most 6 after it, such as "5.00"',
        "6: accounts[1].guards.calls: unknown key: take it out, or check its spelling",
    ]


BILLION = "a: &a0 [x, x]\n" + "".join(
    f"b{level}: &a{level + 1} [{', '.join([f'*a{level}'] * 9)}]\n" for level in range(40)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BILLION, "too large, each alias counted as what it stands for: split it"),
        (BILLION.replace("[", "{<<: [").replace("]", "]}").replace("[x, x]", "[]"), "too large"),
        (f"a: &long '{'x' * 100_000}'\nb: [{'*long, ' * 1000}]\n", "too large"),
        ("a: &a [*a]", "the alias 'a' has no anchor before it"),
        ("&a {<<: *a}", "the alias 'a' has no anchor before it"),
        ("a: *nobody", "the alias 'nobody' has no anchor before it"),
        ("[" * 100_000, "nested more than 50 deep"),
        ("{a: " * 100_000, "nested more than 50 deep"),
        ("- " * 50_000, "nested more than 50 deep"),
    ],
)
def test_what_would_fill_the_memory_is_refused_before_it_is_made(
    tmp_path: Path, text: str, message: str
) -> None:
    tracemalloc.start()
    try:
        (fault,) = faults(tmp_path, text)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()
    assert message in fault


def test_a_file_of_too_many_values_is_refused(tmp_path: Path) -> None:
    (fault,) = faults(tmp_path, "a: [" + "1, " * 1_000_000 + "1]")
    assert "too large" in fault


def test_aliases_are_read(tmp_path: Path) -> None:
    text = "plans:\n  - {name: a, rates: &rates [{prefix: '44', price_per_minute: '1'}]}\n"
    setup = load(tmp_path, text + "  - {name: b, rates: *rates}\n")
    assert setup.plans[0].rates == setup.plans[1].rates


@pytest.mark.parametrize(
    "value",
    [
        "!!bool foo",
        "!!timestamp foo",
        "!!int ''",
        "!!float ''",
        "!!binary x",
        "!own {}",
        "!!set {}",
    ],
)
def test_a_tag_that_makes_something_of_a_text_is_refused(tmp_path: Path, value: str) -> None:
    (fault,) = faults(tmp_path, f"plans:\n  - {value}")
    tag = value.partition(" ")[0]
    assert fault == f"2: there is no use for the tag {tag!r} here: take it out"


def test_a_tag_that_says_what_the_value_is_anyway_is_read(tmp_path: Path) -> None:
    plan = "plans: !!seq\n  - !!map {name: !!str 12, account: ! 'admin'}"
    assert load(tmp_path, plan).plans[0].name == "12"


@pytest.mark.parametrize("value", ["1" + ":1" * 1_000_000, "1" + ":1" * 400 + ".5", "9" * 5000])
def test_a_number_of_no_use_costs_nothing(tmp_path: Path, value: str) -> None:
    """In base 60 the first would be computed for hours."""
    (fault,) = faults(tmp_path, f"plans:\n  - {{name: {value}}}")
    assert fault == "2: too long for a number: write it in quotes"


@pytest.mark.parametrize("name", ["northline/acme", "acme:travellers"])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    text = f"""\
accounts: [{{name: "{name}"}}]
extensions: [{{name: "{name}", account: northline/acme}}]
plans: [{{name: "{name}"}}]
"""
    message = "write a name without / and :, which stand between the names of a path"
    assert faults(tmp_path, text) == [
        f"{line}: {part}[0].name: {message}"
        for line, part in enumerate(("accounts", "extensions", "plans"), 1)
    ]
