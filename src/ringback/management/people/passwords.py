"""Passwords: Argon2id, off the event loop, and never more at once than memory allows."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")

_AT_ONCE = 2
"""Each takes 64 MiB for some 50 ms (RFC 9106 section 4, the second recommended option)."""
_WAITING = 100


class TooBusy(Exception):
    """So many passwords are being checked that no more can wait: try again in a while."""


class Passwords:
    """Hashes and checks passwords in threads of its own."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(_AT_ONCE, "passwords")
        self._under_way = 0
        self._nobodys = self._hasher.hash("the password of nobody")

    async def hash(self, password: str) -> str:
        """What is stored of a password. Raises TooBusy."""
        return await self._elsewhere(lambda: self._hasher.hash(_encoded(password)))

    async def matches(self, password: str, stored: str | None) -> bool:
        """Whether it is the password that the hash was made of; where there is none, the answer is
        no, after the same work. Raises TooBusy."""

        def check() -> bool:
            try:
                return self._hasher.verify(stored or self._nobodys, _encoded(password))
            except (VerificationError, InvalidHashError):
                return False

        return await self._elsewhere(check) and stored is not None

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _elsewhere(self, work: Callable[[], T]) -> T:
        if self._under_way >= _WAITING:
            raise TooBusy("too many people are signing in: try again in a minute")
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way -= 1


def _encoded(password: str) -> bytes:
    """The same bytes whichever way a keyboard composes an accent."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
