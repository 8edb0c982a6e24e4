"""Digest authentication, the client's side (RFC 3261 section 22, RFC 7616, RFC 8760)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ringback.sip.errors import SipError
from ringback.sip.headers import Headers
from ringback.sip.uri import quoted, split_unquoted, unquoted

_HASHES = {"SHA-256": hashlib.sha256, "MD5": hashlib.md5}
"""The strongest first: where a server offers several, we choose the first that we find."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks for."""

    realm: str
    nonce: str
    algorithm: str
    qop: bool
    """The server takes qop=auth. Without it we send the older form of RFC 2069."""
    opaque: str | None
    stale: bool
    header: str
    """The request header that carries the answer."""


def read_challenge(status: int, headers: Headers) -> Challenge | None:
    """The strongest challenge in a 401 or 407 that we can meet; None if we can meet none."""
    asked, answered = (
        ("www-authenticate", "authorization")
        if status == 401
        else ("proxy-authenticate", "proxy-authorization")
    )
    offered: dict[str, Challenge] = {}
    for name, value in headers.items():
        if name != asked:
            continue
        scheme, *rest = value.split(maxsplit=1) or [""]
        if scheme.lower() != "digest" or not rest:
            continue
        try:
            params = _params(rest[0])
        except SipError:
            continue
        algorithm = params.get("algorithm", "MD5").upper()
        qop = {word.strip().lower() for word in params.get("qop", "").split(",") if word.strip()}
        if algorithm not in _HASHES or not params.get("nonce") or (qop and "auth" not in qop):
            continue
        offered.setdefault(
            algorithm,
            Challenge(
                params.get("realm", ""),
                params["nonce"],
                algorithm,
                bool(qop),
                params.get("opaque"),
                params.get("stale", "").lower() == "true",
                answered,
            ),
        )
    return next((offered[name] for name in _HASHES if name in offered), None)


def authorize(
    challenge: Challenge,
    method: str,
    uri: str,
    user: str,
    password: str,
    cnonce: str,
    uses: int = 1,
) -> str:
    """The value of the header that answers a challenge for one request. `uses` counts the uses of
    its nonce, this one included."""

    def digest(text: str) -> str:
        return _HASHES[challenge.algorithm](text.encode("utf-8", "surrogateescape")).hexdigest()

    secret = digest(f"{user}:{challenge.realm}:{password}")
    request = digest(f"{method}:{uri}")
    fields = {
        "username": quoted(user),
        "realm": quoted(challenge.realm),
        "nonce": quoted(challenge.nonce),
        "uri": f'"{uri}"',
        "algorithm": challenge.algorithm,
    }
    if challenge.qop:
        count = f"{uses:08x}"
        proof = digest(f"{secret}:{challenge.nonce}:{count}:{cnonce}:auth:{request}")
        fields |= {"qop": "auth", "nc": count, "cnonce": f'"{cnonce}"'}
    else:
        proof = digest(f"{secret}:{challenge.nonce}:{request}")
    fields["response"] = f'"{proof}"'
    if challenge.opaque is not None:
        fields["opaque"] = quoted(challenge.opaque)
    return "Digest " + ", ".join(f"{name}={value}" for name, value in fields.items())


def _params(text: str) -> dict[str, str]:
    params: dict[str, str] = {}
    for part in split_unquoted(text, ","):
        name, _, value = part.strip().partition("=")
        params.setdefault(name.strip().lower(), unquoted(value.strip()))
    return params
