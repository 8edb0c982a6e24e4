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
# Of a user part only what would end the URI, or a line, is not taken: `#` and the like should be
# escaped (section 25.1), and often are not.
_SIP_URI = re.compile(
    r"(?P<scheme>sips?):"
    r"(?:(?P<user>[^\s\x00-\x1f\x7f<>\"\\@:]*)(?::(?P<password>[^\s\x00-\x1f\x7f<>\"\\@]*))?@)?"
    rf"(?P<host>{_HOST})(?::(?P<port>[0-9]{{1,5}}))?"
    r"(?P<params>(?:;[^;?\s<>\"]*)*)"
    r"(?:\?(?P<headers>[^\s<>\"]*))?",
    re.IGNORECASE,
)
_TEL_URI = re.compile(
    r"tel:(?P<number>[0-9+\-.()*#A-Da-d]+)(?P<params>(?:;[^;\s<>\"]+)*)", re.IGNORECASE
)
_OTHER_URI = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):(?P<rest>[^\s<>\"]+)")
_VIA = re.compile(
    rf"SIP\s*/\s*[0-9]\.[0-9]\s*/\s*(?P<transport>{TOKEN})\s+(?P<host>{_HOST})"
    # Possessive: otherwise a long run of white space is tried in every way that divides it.
    r"\s*+(?::\s*(?P<port>[0-9]{1,5})\s*+)?(?P<params>(?:;.*)?)",
    re.IGNORECASE | re.DOTALL,
)
_CSEQ = re.compile(rf"(?P<number>[0-9]{{1,10}})\s+(?P<method>{TOKEN})")
_QUOTED = re.compile(r'\s*"(?P<text>(?:[^"\\]|\\.)*)"\s*', re.DOTALL)
_ADDR_SPEC = re.compile(r"(?P<uri>[^\s<>\";:]+:[^\s<>\";]*)\s*(?P<params>(?:;.*)?)", re.DOTALL)
_UNQUOTED_DISPLAY = re.compile(r"[^\"<>]*(?=<)")
_TAG = re.compile(r"[^\s;,<>\"]+")
_A_TAG = re.compile(r";\s*tag\s*=\s*(?P<tag>[^;]*)", re.IGNORECASE)
_SEPARATED = re.compile(r"\+?[0-9][0-9\-.()]*")
"""A telephone number with visual separators (RFC 3966), which are ignored (section 19.1.6)."""
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_NEEDS_QUOTES = re.compile(r'[";,<>\\\s]')
_NO_PARAMS: Mapping[str, str | None] = MappingProxyType({})


def _none() -> Mapping[str, str | None]:
    return _NO_PARAMS


def bracketed(host: str) -> str:
    """A host as URIs and Via write it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def unbracketed(host: str) -> str:
    return host.removeprefix("[").removesuffix("]")


def split_unquoted(text: str, separator: str, *, brackets: bool = True) -> list[str]:
    """Split at separators that stand outside quotes and, unless `brackets` mean nothing, angle
    brackets. Raises SipError where a quoted text has no end."""
    if '"' not in text and ("<" not in text or not brackets or separator not in text):
        return text.split(separator)
    parts, start, in_quotes, bracketed, index = [], 0, False, False, 0
    while index < len(text):
        character = text[index]
        if in_quotes:
            if character == "\\":
                index += 1
            elif character == '"':
                in_quotes = False
        elif character == '"':
            in_quotes = True
        elif character == "<":
            bracketed = brackets
        elif character == ">":
            bracketed = False
        elif character == separator and not bracketed:
            parts.append(text[start:index])
            start = index + 1
        index += 1
    if in_quotes:
        raise SipError("a quoted text has no end")
    parts.append(text[start:])
    return parts


def quoted(text: str) -> str:
    """A quoted-string (section 25.1)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unquoted(text: str) -> str:
    """The inverse of `quoted`; a text without quotes is its own."""
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        return _PAIR.sub(r"\1", text[1:-1])
    return text


def parse_params(text: str) -> dict[str, str | None]:
    """`;name=value;flag` as a mapping. Names are case-insensitive; of a name that stands twice, the
    first counts. Raises SipError."""
    params: dict[str, str | None] = {}
    for part in split_unquoted(text, ";", brackets=False):
        stripped = part.strip()
        if not stripped:
            continue
        name, equals, value = stripped.partition("=")
        params.setdefault(name.strip().lower(), unquoted(value.strip()) if equals else None)
    return params


def format_params(params: Mapping[str, str | None]) -> str:
    """The inverse of `parse_params`. A value that can only stand in quotes is quoted again."""
    return "".join(
        f";{name}"
        if value is None
        else f";{name}={quoted(value) if _NEEDS_QUOTES.search(value) else value}"
        for name, value in params.items()
    )


@dataclass(frozen=True, slots=True)
class SipUri:
    """A `sip:` or `sips:` URI. For any other scheme, `user` is all that follows the scheme, and
    there is no host; for a `tel:` URI the parameters are read too. What was read is written as it
    came."""

    scheme: str
    user: str | None
    host: str
    port: int | None = None
    params: Mapping[str, str | None] = field(default_factory=_none)
    password: str | None = None
    headers: str | None = None
    text: str | None = field(default=None, compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> SipUri:
        """Raises SipError."""
        match = _SIP_URI.fullmatch(text)
        if match is None:
            return cls._other(text)
        port = int(match["port"]) if match["port"] else None
        if port is not None and port > 65535:
            raise SipError(f"bad port in the URI {text[:60]!r}")
        return cls(
            match["scheme"].lower(),
            match["user"],
            match["host"],
            port,
            parse_params(match["params"]) if match["params"] else _NO_PARAMS,
            match["password"],
            match["headers"],
            text,
        )

    @classmethod
    def _other(cls, text: str) -> SipUri:
        tel = _TEL_URI.fullmatch(text)
        if tel is not None:
            return cls("tel", tel["number"], "", params=parse_params(tel["params"]), text=text)
        other = _OTHER_URI.fullmatch(text)
        if other is not None and other["scheme"].lower() not in ("sip", "sips", "tel"):
            return cls(other["scheme"].lower(), other["rest"], "", text=text)
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
        if self.text is not None:
            return self.text
        # A URI has no quotes: what needs them has to be escaped by whoever makes it.
        params = "".join(
            f";{name}" if value is None else f";{name}={value}"
            for name, value in self.params.items()
        )
        if not self.host:
            return f"{self.scheme}:{self.user}{params}"
        password = f":{self.password}" if self.password is not None else ""
        user = f"{self.user}{password}@" if self.user is not None else ""
        port = f":{self.port}" if self.port is not None else ""
        headers = f"?{self.headers}" if self.headers is not None else ""
        return f"{self.scheme}:{user}{self.host}{port}{params}{headers}"


UNREADABLE = SipUri("", None, "", text="")
"""Stands for the URI of an address that cannot be read."""


def sip_uri(user: str | None, host: str, port: int) -> str:
    """A plain URI for Contact, From and the like. Characters of `user` that cannot stand in a URI
    are escaped (section 19.1.2); `user` may itself be a whole address."""
    escaped = None if user is None else quote(user, safe="-_.!~*'()&=+$,;?/")
    return str(SipUri("sip", escaped, bracketed(host), port if port != 5060 else None))


@dataclass(frozen=True, slots=True)
class NameAddr:
    """The value of From, To, Contact, Route and their like. What was read is written as it came:
    so whoever wrote it knows it again."""

    uri: SipUri
    display: str | None = None
    params: Mapping[str, str | None] = field(default_factory=_none)
    text: str | None = field(default=None, compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """Raises SipError."""
        text = text.strip()
        display: str | None = None
        bare = _ADDR_SPEC.fullmatch(text)
        if bare is not None:
            # Without brackets, parameters belong to the header and not to the URI (section 20.10).
            return cls(SipUri.parse(bare["uri"]), None, parse_params(bare["params"]), text)
        in_quotes, words = _QUOTED.match(text), _UNQUOTED_DISPLAY.match(text)
        if in_quotes is not None:
            display = _PAIR.sub(r"\1", in_quotes["text"])
            rest = text[in_quotes.end() :]
        elif words is not None:
            # Often without the quotes that it needs: a display name is for people.
            display = " ".join(words[0].split()) or None
            rest = text[words.end() :]
        else:
            raise SipError(f"bad address {text[:60]!r}")
        inside, closed, params = rest[1:].partition(">")
        if rest[:1] != "<" or not closed or params.lstrip()[:1] not in ("", ";"):
            raise SipError(f"bad address {text[:60]!r}")
        return cls(SipUri.parse(inside.strip()), display, parse_params(params), text)

    @classmethod
    def read(cls, text: str) -> NameAddr:
        """The value of From or To. Its tag says which dialog a message belongs to, and must be
        readable: raises SipError. Anything else of it may be what it likes: the URI is then
        UNREADABLE."""
        text = text.strip()
        try:
            address = cls.parse(text)
        except SipError:
            found = [match["tag"].strip() for match in _A_TAG.finditer(text)]
            if len(found) > 1:
                raise SipError(f"which is the tag of {text[:60]!r}?") from None
            address = cls(UNREADABLE, None, {"tag": found[0]} if found else _NO_PARAMS, text)
        tag = address.params.get("tag")
        if tag and not _TAG.fullmatch(tag):
            raise SipError(f"bad tag in {text[:60]!r}")
        return address

    @property
    def tag(self) -> str | None:
        return self.params.get("tag") or None

    def with_tag(self, tag: str) -> NameAddr:
        as_it_came = self.text is not None and "tag" not in self.params
        text = f"{self.text};tag={tag}" if as_it_came else None
        return NameAddr(self.uri, self.display, {**self.params, "tag": tag}, text)

    def __str__(self) -> str:
        if self.text is not None:
            return self.text
        display = f"{quoted(self.display)} " if self.display else ""
        return f"{display}<{self.uri}>{format_params(self.params)}"


@dataclass(frozen=True, slots=True)
class Via:
    """One value of Via (RFC 3261 section 20.42, RFC 3581). What was read is written as it came."""

    transport: str
    host: str
    port: int | None
    params: Mapping[str, str | None]
    text: str | None = field(default=None, compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> Via:
        """Raises SipError."""
        text = text.strip()
        match = _VIA.fullmatch(text)
        if match is None:
            raise SipError(f"bad Via {text[:60]!r}")
        port = int(match["port"]) if match["port"] else None
        params = parse_params(match["params"])
        return cls(match["transport"].upper(), match["host"], port, params, text)

    @property
    def branch(self) -> str | None:
        return self.params.get("branch")

    def with_params(self, params: Mapping[str, str]) -> Via:
        """With these parameters in place of any of their names; the others stay as they came."""
        sent_by, _, rest = str(self).partition(";")
        kept = [
            part.strip()
            for part in split_unquoted(rest, ";", brackets=False)
            if part.strip() and part.partition("=")[0].strip().lower() not in params
        ]
        return Via.parse(";".join([sent_by.strip(), *kept]) + format_params(params))

    def __str__(self) -> str:
        if self.text is not None:
            return self.text
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
