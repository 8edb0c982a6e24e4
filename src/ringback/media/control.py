"""The messages between the pool and a worker. (Imported by the worker.)

A message is a JSON object, which may be followed by bytes; the two lengths go before it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

ControlMessage = dict[str, Any]

LARGEST = 32 * 1024 * 1024
_LENGTHS = struct.Struct("!II")
_encode = json.JSONEncoder(separators=(",", ":")).encode


def pack(message: ControlMessage, blob: bytes = b"") -> bytes:
    text = _encode(message).encode()
    return _LENGTHS.pack(len(text), len(blob)) + text + blob


class Unpacker:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[ControlMessage, bytes]]:
        """Every message that is complete with this piece of data. Raises ValueError if one is too
        long."""
        self._data += data
        while len(self._data) >= _LENGTHS.size:
            text, blob = _LENGTHS.unpack_from(self._data)
            end = _LENGTHS.size + text + blob
            if end > LARGEST:
                raise ValueError("a control message is too long")
            if len(self._data) < end:
                return
            middle = _LENGTHS.size + text
            message = json.loads(self._data[_LENGTHS.size : middle])
            body = bytes(self._data[middle:end])
            del self._data[:end]
            yield message, body
