"""Ranges that cost like premium-rate, shared-cost or satellite numbers, whatever the tables of the
library `phonenumbers` say: it lists the numbers in use, not the blocks kept for such numbers, and
it calls satellite phones mobile. Each range with the numbering plan that says so."""

from __future__ import annotations

from typing import NamedTuple


class Range(NamedTuple):
    prefixes: tuple[str, ...]
    """Leading digits, with the country code."""
    use: str
    source: str


PREMIUM = "premium-rate services"
SHARED = "shared-cost services"
SATELLITE = "satellite phones"
ENQUIRIES = "directory enquiries"

RANGES = (
    Range(("870", "881"), SATELLITE, "ITU-T E.164, list of assigned country codes"),
    Range(("882", "883"), "networks of no country, satellite among them", "ITU-T E.164, same list"),
    Range(("979",), PREMIUM, "ITU-T E.169.2"),
    Range(("808",), SHARED, "ITU-T E.169.3"),
    Range(("7954",), SATELLITE, "Russia: Rossvyaz, register of numbering capacity"),
    Range(
        ("861349", "861740", "861741", "861742", "861743", "861744", "861745"),
        SATELLITE,
        "China: MIIT, Telecommunication Network Numbering Plan (2017)",
    ),
    Range(("1900",), PREMIUM, "North America: NANPA, 900 NXX codes"),
    Range(("2790",), PREMIUM, "South Africa: ICASA, Numbering Plan Regulations"),
    Range(("3090",), PREMIUM, "Greece: EETT, National Numbering Plan"),
    Range(("3190",), PREMIUM, "Netherlands: ACM, Nummerplan telefoon- en ISDN-diensten"),
    Range(("3290",), PREMIUM, "Belgium: BIPT, National Numbering Plan"),
    Range(
        ("3381", "3382", "3389"),
        PREMIUM,
        "France: ARCEP, Plan national de numérotation, 081, 082, 089",
    ),
    Range(
        ("34803", "34806", "34807", "34905", "34907"),
        PREMIUM,
        "Spain: Plan nacional de numeración telefónica",
    ),
    Range(("34901", "34902"), SHARED, "Spain: Plan nacional de numeración telefónica"),
    Range(
        ("351601", "351607", "351608", "351646", "351760", "351761", "351762"),
        PREMIUM,
        "Portugal: ANACOM, Plano Nacional de Numeração",
    ),
    Range(("351808",), SHARED, "Portugal: ANACOM, Plano Nacional de Numeração"),
    Range(("358600", "358700"), PREMIUM, "Finland: Traficom, regulation 32 on numbering"),
    Range(("35990",), PREMIUM, "Bulgaria: CRC, National Numbering Plan"),
    Range(("3690", "3691"), PREMIUM, "Hungary: NMHH, national allocation plan"),
    Range(("38560", "38561", "38564", "38565", "38569"), PREMIUM, "Croatia: HAKOM, Numbering Plan"),
    Range(("38690",), PREMIUM, "Slovenia: AKOS, numbering plan"),
    Range(
        ("3989", "39144", "39163", "39164", "39166"),
        PREMIUM,
        "Italy: AGCOM, Piano di numerazione nazionale, 8/15/CIR and before",
    ),
    Range(("3984", "39199"), SHARED, "Italy: AGCOM, Piano di numerazione nazionale, 8/15/CIR"),
    Range(("4090",), PREMIUM, "Romania: ANCOM, National Numbering Plan"),
    Range(("4190",), PREMIUM, "Switzerland: BAKOM, Nummerierungsplan E.164/2002"),
    Range(("4184",), SHARED, "Switzerland: BAKOM, Nummerierungsplan E.164/2002"),
    Range(("42090", "420976"), PREMIUM, "Czechia: ČTÚ, Numbering Plan"),
    Range(("421900",), PREMIUM, "Slovakia: Numbering Plan"),
    Range(("439",), PREMIUM, "Austria: RTR, KEM-V 2009"),
    Range(("43810", "43820", "43821", "43828"), SHARED, "Austria: RTR, KEM-V 2009"),
    Range(("43118",), ENQUIRIES, "Austria: RTR, KEM-V 2009"),
    Range(("449",), PREMIUM, "United Kingdom: Ofcom, National Telephone Numbering Plan, all of 09"),
    Range(
        ("4484", "4487"),
        SHARED,
        "United Kingdom: Ofcom, National Telephone Numbering Plan, 084, 087",
    ),
    Range(("4590",), PREMIUM, "Denmark: Numbering Plan"),
    Range(
        ("46900", "46939", "46944", "4699"), PREMIUM, "Sweden: PTS, numbering plan for telephony"
    ),
    Range(("47820", "47829"), PREMIUM, "Norway: Nkom, numbering plan"),
    Range(("4870",), PREMIUM, "Poland: UKE, National Numbering Plan"),
    Range(
        ("49900", "49190"), PREMIUM, "Germany: BNetzA, Nummernplan Premium-Dienste; 0190 until 2005"
    ),
    Range(("49137", "49138"), PREMIUM, "Germany: BNetzA, Nummernplan Massenverkehrs-Dienste"),
    Range(("49180",), SHARED, "Germany: BNetzA, Nummernplan Service-Dienste"),
    Range(("49118",), ENQUIRIES, "Germany: BNetzA, Nummernplan Auskunftsdienste"),
    Range(("52900",), PREMIUM, "Mexico: IFT, Plan Técnico Fundamental de Numeración"),
    Range(("54600",), PREMIUM, "Argentina: Plan Fundamental Nacional de Numeración"),
    Range(("55900", "55500"), PREMIUM, "Brazil: Anatel, Regulamento de Numeração"),
    Range(("55300",), SHARED, "Brazil: Anatel, Regulamento de Numeração"),
    Range(("57901",), PREMIUM, "Colombia: Plan Nacional de Numeración"),
    Range(("58900",), PREMIUM, "Venezuela: Conatel, Plan Nacional de Numeración"),
    Range(("61190",), PREMIUM, "Australia: ACMA, Telecommunications Numbering Plan 2015"),
    Range(("6113",), SHARED, "Australia: ACMA, Telecommunications Numbering Plan 2015"),
    Range(("64900",), PREMIUM, "New Zealand: NAD, Number Register"),
    Range(("651900",), PREMIUM, "Singapore: IMDA, National Numbering Plan"),
    Range(("7803", "7809"), PREMIUM, "Russia: System and Plan of Numbering"),
    Range(("81990",), PREMIUM, "Japan: MIC, telephone number plan"),
    Range(("8260",), PREMIUM, "Korea: MSIT, numbering rules"),
    Range(("841900",), PREMIUM, "Vietnam: Numbering Plan"),
    Range(("88620",), PREMIUM, "Taiwan: NCC, numbering plan"),
    Range(("90900",), PREMIUM, "Türkiye: BTK, National Numbering Plan"),
)

PREFIXES = tuple(prefix for each in RANGES for prefix in each.prefixes)
