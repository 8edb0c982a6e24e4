"""What people write about themselves: addresses, names, passwords."""

from __future__ import annotations

import ipaddress
import re
import unicodedata

LONGEST_ADDRESS = 254  # RFC 5321 section 4.5.3.1.3, with its brackets taken off
LONGEST_NAME = 100
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 200

_ADDRESS = re.compile(r"""[^\s@<>()\[\]\\,;:"]+@[^\s@<>()\[\]\\,;:"]+\.[^\s@<>()\[\]\\,;:"]+""")
_LONGEST_AGENT = 200


def address(text: str) -> str:
    """An e-mail address in small letters, so that one person has one login. Raises ValueError."""
    read = unicodedata.normalize("NFC", text.strip()).lower()
    if len(read) > LONGEST_ADDRESS or not read.isprintable() or not _ADDRESS.fullmatch(read):
        raise ValueError("write an e-mail address, such as anna@example.org")
    return read


def person_name(text: str) -> str:
    """The name of a person. Raises ValueError."""
    read = " ".join(unicodedata.normalize("NFC", text).split())
    if not read or len(read) > LONGEST_NAME or not read.isprintable():
        raise ValueError(f"write a name of 1 to {LONGEST_NAME} characters")
    return read


def password(text: str, email: str) -> str:
    """A new password (NIST SP 800-63B section 3.1.1: its length counts, not its kinds of
    characters). Raises ValueError."""
    if not SHORTEST_PASSWORD <= len(text) <= LONGEST_PASSWORD:
        raise ValueError(f"write {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    if text.lower() == email or len(set(text)) == 1:
        raise ValueError("this one is guessed at once: write another")
    return text


def source(host: str) -> str:
    """Where somebody comes from, as it is counted: an IPv4 address, or the /64 of an IPv6 address,
    of which one household has all."""
    try:
        read = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(read, ipaddress.IPv6Address):
        mapped = read.ipv4_mapped
        if mapped is None:
            return str(ipaddress.IPv6Network((read, 64), strict=False))
        return str(mapped)
    return str(read)


def agent(text: str) -> str:
    """What a browser calls itself, fit to be shown."""
    return "".join(c for c in text[:_LONGEST_AGENT] if c.isprintable())
