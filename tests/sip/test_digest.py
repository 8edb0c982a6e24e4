"""Reading challenges and answering them (RFC 3261 section 22, RFC 7616, RFC 8760)."""

from __future__ import annotations

import pytest

from ringback.sip.digest import Challenge, authorize, read_challenge
from ringback.sip.headers import Headers


def challenge(*values: str, status: int = 401) -> Challenge | None:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return read_challenge(status, Headers([(name, value) for value in values]))


def test_a_challenge() -> None:
    assert challenge(
        'Digest realm="sip, \\"home\\"", nonce="a,b=c", qop="auth,auth-int", opaque="", '
        "algorithm=SHA-256, stale=TRUE"
    ) == Challenge('sip, "home"', "a,b=c", "SHA-256", True, "", True, "authorization")


def test_a_plain_one_of_a_proxy() -> None:
    assert challenge('DIGEST  NONCE=n , realm="r"', status=407) == Challenge(
        "r", "n", "MD5", False, None, False, "proxy-authorization"
    )


def test_the_strongest_is_chosen_and_of_two_alike_the_first() -> None:
    chosen = challenge(
        'Digest realm="1", nonce="1", algorithm=MD5',
        'Digest realm="2", nonce="2", algorithm=sha-256',
        'Digest realm="3", nonce="3", algorithm=SHA-256',
    )
    assert chosen is not None
    assert (chosen.algorithm, chosen.realm) == ("SHA-256", "2")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Digest",
        'Basic realm="r"',
        'Digest realm="r"',
        'Digest realm="r", nonce=""',
        'Digest realm="r", nonce="n", algorithm=MD5-sess',
        'Digest realm="r", nonce="n", algorithm=SHA-512-256',
        'Digest realm="r", nonce="n", qop="auth-int"',
    ],
)
def test_one_that_cannot_be_met(value: str) -> None:
    assert challenge(value) is None
    met = challenge(value, 'Digest realm="r", nonce="n"')
    assert met is not None, "another beside it can be"


def test_a_header_of_the_other_kind_is_no_challenge() -> None:
    headers = Headers([("proxy-authenticate", 'Digest realm="r", nonce="n"')])
    assert read_challenge(401, headers) is None


def test_a_challenge_that_cannot_be_read_hides_no_other() -> None:
    headers = Headers()
    for value in ('Digest realm="r, nonce=n', "", "Digest", 'DIGEST\trealm="a\\\\\\"", nonce=n'):
        headers.add("www-authenticate", value)
    met = read_challenge(401, headers)
    assert met is not None
    assert (met.realm, met.nonce) == ('a\\"', "n")


def fields(header: str) -> dict[str, str]:
    scheme, _, rest = header.partition(" ")
    assert scheme == "Digest"
    return dict(part.split("=", 1) for part in rest.split(", "))


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_answer_is_that_of_rfc_7616(algorithm: str, expected: str) -> None:
    """The example of its section 3.9.1."""
    asked = Challenge(
        "http-auth@example.org",
        "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        algorithm,
        True,
        "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
        False,
        "authorization",
    )
    answer = fields(
        authorize(
            asked,
            "GET",
            "/dir/index.html",
            "Mufasa",
            "Circle of Life",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        )
    )
    assert answer["response"] == f'"{expected}"'
    assert (answer["qop"], answer["nc"], answer["algorithm"]) == ("auth", "00000001", algorithm)
    assert answer["opaque"] == f'"{asked.opaque}"'


def test_without_qop_the_answer_is_that_of_rfc_2069() -> None:
    """Its example, with the erratum's response (RFC 2069 section 2.4, errata 749)."""
    nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093"
    asked = Challenge("testrealm@host.com", nonce, "MD5", False, None, False, "authorization")
    answer = fields(authorize(asked, "GET", "/dir/index.html", "Mufasa", "CircleOfLife", "unused"))
    assert answer["response"] == '"1949323746fe6a43ef61f9606e7febea"'
    assert answer.keys() == {"username", "realm", "nonce", "uri", "algorithm", "response"}


def test_quotes_in_names_stay_within_them() -> None:
    asked = Challenge('r"\\', "n", "MD5", False, None, False, "authorization")
    answer = authorize(asked, "BYE", "sip:x", 'u"', "p", "c")
    assert 'username="u\\""' in answer
    assert 'realm="r\\"\\\\"' in answer
