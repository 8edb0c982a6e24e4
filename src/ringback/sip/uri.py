"""URIs, and header values that have a structure (RFC 3261 sections 19.1, 20.10, 20.16, 20.42)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import quote, unquote

from ringback.sip.errors import SipError

TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]+"
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9\-._]*[A-Za-z0-9.])?)"
_PARAM = rf"{TOKEN}"
_SIP_URI = re.compile(
    r"(?P<scheme>sips?):"
    r"(?:(?P<user>[A-Za-z0-9\-_.!~*'()%&=+$,;?/]*)(?::(?P<password>[A-Za-z0-9\-_.!~*'()%&=+$,]*))?@)?"
    rf"(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?"
    r"(?P<params>(?:;[^;?\s<>\"]*)*)"
    r"(?:\?(?P<headers>[^\s<>\"]*))?",
    re.IGNORECASE,
)
_TEL_URI = re.compile(
    r"tel:(?P<number>[0-9+\-.()*#A-Da-d]+)(?P<params>(?:;[^;\s<>\"]+)*)", re.IGNORECASE
)
_OTHER_URI = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):(?P<rest>[^\s<>\"]+)")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_VIA = re.compile(
    rf"SIP\s*/\s*[0-9]\.[0-9]\s*/\s*(?P<transport>{TOKEN})\s+(?P<host>{_HOST})"
    # Possessive: otherwise a long run of white space is tried in every way that divides it.
    r"\s*+(?::\s*(?P<port>[0-9]{1,5})\s*+)?(?P<params>(?:;.*)?)",
    re.IGNORECASE | re.DOTALL,
)
_CSEQ = re.compile(rf"(?P<number>[0-9]{{1,10}})\s+(?P<method>{TOKEN})")
_QUOTED = re.compile(r'\s*"(?P<text>(?:[^"\\]|\\.)*)"\s*', re.DOTALL)
_DISPLAY = re.compile(rf"\s*(?:{TOKEN}(?:\s+{TOKEN})*)?\s*")
_SEPARATED = re.compile(r"\+?[0-9][0-9\-.()]*")
"""A telephone number with visual separators (RFC 3966), which are ignored (section 19.1.6)."""
_NEEDS_QUOTES = re.compile(r'[";,<>\\\s]')
_NO_PARAMS: Mapping[str, str | None] = MappingProxyType({})


def _none() -> Mapping[str, str | None]:
    return _NO_PARAMS


def bracketed(host: str) -> str:
    """A host as URIs and Via write it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def unbracketed(host: str) -> str:
    return host.removeprefix("[").removesuffix("]")


def split_unquoted(text: str, separator: str) -> list[str]:
    """Split at separators that stand outside quotes and angle brackets."""
    if '"' not in text and ("<" not in text or separator not in text):
        return text.split(separator)
    parts, start, quoted, bracketed, index = [], 0, False, False, 0
    while index < len(text):
        character = text[index]
        if quoted:
            if character == "\\":
                index += 1
            elif character == '"':
                quoted = False
        elif character == '"':
            quoted = True
        elif character == "<":
            bracketed = True
        elif character == ">":
            bracketed = False
        elif character == separator and not bracketed:
            parts.append(text[start:index])
            start = index + 1
        index += 1
    if quoted:
        raise SipError("a quoted text has no end")
    parts.append(text[start:])
    return parts


def parse_params(text: str) -> dict[str, str | None]:
    """`;name=value;flag` as a mapping. Names are case-insensitive; of a name that stands twice, the
    first counts."""
    params: dict[str, str | None] = {}
    for part in split_unquoted(text, ";"):
        stripped = part.strip()
        if not stripped:
            continue
        name, equals, value = stripped.partition("=")
        value = value.strip()
        if value.startswith('"') and value.endswith('"') and len(value) > 1:
            value = value[1:-1]
        params.setdefault(name.strip().lower(), value if equals else None)
    return params


def format_params(params: Mapping[str, str | None]) -> str:
    """The inverse of `parse_params`. A value that can only stand in quotes is quoted again."""
    return "".join(
        f";{name}"
        if value is None
        else f';{name}="{value}"'
        if _NEEDS_QUOTES.search(value)
        else f";{name}={value}"
        for name, value in params.items()
    )


@dataclass(frozen=True, slots=True)
class SipUri:
    """A `sip:` or `sips:` URI. For any other scheme, `user` is all that follows the scheme, and
    there is no host; for a `tel:` URI the parameters are read too."""

    scheme: str
    user: str | None
    host: str
    port: int | None = None
    params: Mapping[str, str | None] = field(default_factory=_none)
    password: str | None = None
    headers: str | None = None

    @classmethod
    def parse(cls, text: str) -> SipUri:
        """Raises SipError."""
        match = _SIP_URI.fullmatch(text)
        if match is None:
            return cls._other(text)
        user = match["user"]
        if user is not None and _ESCAPE.search(user):
            raise SipError(f"bad escape in the URI {text[:60]!r}")
        port = int(match["port"]) if match["port"] else None
        if port is not None and port > 65535:
            raise SipError(f"bad port in the URI {text[:60]!r}")
        return cls(
            match["scheme"].lower(),
            user,
            match["host"],
            port,
            parse_params(match["params"]) if match["params"] else _NO_PARAMS,
            match["password"],
            match["headers"],
        )

    @classmethod
    def _other(cls, text: str) -> SipUri:
        tel = _TEL_URI.fullmatch(text)
        if tel is not None:
            return cls("tel", tel["number"], "", None, parse_params(tel["params"]))
        other = _OTHER_URI.fullmatch(text)
        if other is not None and other["scheme"].lower() not in ("sip", "sips", "tel"):
            return cls(other["scheme"].lower(), other["rest"], "")
        raise SipError(f"bad URI {text[:60]!r}")

    @property
    def is_telephone(self) -> bool:
        """Whether its scheme is one that a call can be made to."""
        return self.scheme in ("sip", "sips", "tel")

    @property
    def number(self) -> str:
        """The user part without escapes and parameters: a telephone number, if the URI has one."""
        user = unquote(self.user or "").partition(";")[0]
        if self.scheme == "tel" or _SEPARATED.fullmatch(user):
            user = re.sub(r"[-.()]", "", user)
        return user if self.is_telephone else ""

    def __str__(self) -> str:
        if not self.host:
            return f"{self.scheme}:{self.user}{format_params(self.params)}"
        password = f":{self.password}" if self.password is not None else ""
        user = f"{self.user}{password}@" if self.user is not None else ""
        port = f":{self.port}" if self.port is not None else ""
        headers = f"?{self.headers}" if self.headers is not None else ""
        return f"{self.scheme}:{user}{self.host}{port}{format_params(self.params)}{headers}"


def sip_uri(user: str | None, host: str, port: int) -> str:
    """A plain URI for Contact, From and the like. Characters of `user` that cannot stand in a URI
    are escaped (section 19.1.2); `user` may itself be a whole address."""
    escaped = None if user is None else quote(user, safe="-_.!~*'()&=+$,;?/")
    return str(SipUri("sip", escaped, bracketed(host), port if port != 5060 else None))


@dataclass(frozen=True, slots=True)
class NameAddr:
    """The value of From, To, Contact, Route and their like."""

    uri: SipUri
    display: str | None = None
    params: Mapping[str, str | None] = field(default_factory=_none)

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        display: str | None = None
        rest = text.strip()
        quoted = _QUOTED.match(rest)
        if quoted is not None:
            display = re.sub(r"\\(.)", r"\1", quoted["text"])
            rest = rest[quoted.end() :]
            if not rest.startswith("<"):
                raise SipError(f"no <> after the display name in {text[:60]!r}")
        elif "<" in rest:
            words, _, behind = rest.partition("<")
            if not _DISPLAY.fullmatch(words):
                raise SipError(f"bad display name in {text[:60]!r}")
            display = " ".join(words.split()) or None
            rest = f"<{behind}"
        if rest.startswith("<"):
            inside, closed, params = rest[1:].partition(">")
            if not closed or (params.strip() and not params.lstrip().startswith(";")):
                raise SipError(f"bad address {text[:60]!r}")
            return cls(SipUri.parse(inside), display, parse_params(params))
        # Without brackets, parameters belong to the header and not to the URI (section 20.10).
        address, _, params = rest.partition(";")
        if "?" in address or "," in address:
            raise SipError(f"{text[:60]!r} must be in <>")
        return cls(SipUri.parse(address.strip()), None, parse_params(params))

    @property
    def tag(self) -> str | None:
        return self.params.get("tag")

    def with_tag(self, tag: str) -> NameAddr:
        return NameAddr(self.uri, self.display, {**self.params, "tag": tag})

    def __str__(self) -> str:
        display = ""
        if self.display:
            escaped = self.display.replace("\\", "\\\\").replace('"', '\\"')
            display = f'"{escaped}" '
        return f"{display}<{self.uri}>{format_params(self.params)}"


@dataclass(frozen=True, slots=True)
class Via:
    """One value of Via (RFC 3261 section 20.42, RFC 3581)."""

    transport: str
    host: str
    port: int | None
    params: Mapping[str, str | None]

    @classmethod
    def parse(cls, text: str) -> Via:
        match = _VIA.fullmatch(text.strip())
        if match is None:
            raise SipError(f"bad Via {text[:60]!r}")
        port = int(match["port"]) if match["port"] else None
        return cls(match["transport"].upper(), match["host"], port, parse_params(match["params"]))

    @property
    def branch(self) -> str | None:
        return self.params.get("branch")

    def __str__(self) -> str:
        port = f":{self.port}" if self.port is not None else ""
        return f"SIP/2.0/{self.transport} {self.host}{port}{format_params(self.params)}"


@dataclass(frozen=True, slots=True)
class CSeq:
    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> CSeq:
        match = _CSEQ.fullmatch(text.strip())
        if match is None or int(match["number"]) >= 2**31:
            raise SipError(f"bad CSeq {text[:40]!r}")
        return cls(int(match["number"]), match["method"])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"
