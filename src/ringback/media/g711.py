"""G.711: A-law and µ-law (ITU-T G.711), as tables. (Imported by the worker.)"""

from __future__ import annotations

import sys
from array import array

SILENCE = {"PCMU": b"\xff", "PCMA": b"\xd5"}
"""One sample of silence."""


def _linear_of_ulaw(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
    return -magnitude if code & 0x80 else magnitude


def _linear_of_alaw(code: int) -> int:
    code ^= 0x55
    segment = (code & 0x70) >> 4
    magnitude = ((code & 0x0F) << 4) + 8
    if segment:
        magnitude = magnitude + 0x100 << segment - 1
    return magnitude if code & 0x80 else -magnitude


def _nearest(values: list[int], wanted: int, sign: int) -> int:
    """The code of the nearest value. If two are equally near, the one with the same sign, so that
    silence in one law becomes silence in the other."""
    return min(range(256), key=lambda code: (abs(values[code] - wanted), code & 0x80 != sign))


_ULAW = [_linear_of_ulaw(code) for code in range(256)]
_ALAW = [_linear_of_alaw(code) for code in range(256)]

TRANSLATE = {
    ("PCMU", "PCMA"): bytes(_nearest(_ALAW, _ULAW[code], code & 0x80) for code in range(256)),
    ("PCMA", "PCMU"): bytes(_nearest(_ULAW, _ALAW[code], code & 0x80) for code in range(256)),
}
"""Tables for `bytes.translate` from one law to the other."""


def _encoder(values: list[int]) -> bytes:
    """The code for each of the 65,536 samples, indexed by the sample as an unsigned number."""
    codes = sorted(range(256), key=lambda code: values[code])
    table = bytearray(65536)
    place = 0
    for sample in range(-32768, 32768):
        while place < 255 and abs(values[codes[place + 1]] - sample) <= abs(
            values[codes[place]] - sample
        ):
            place += 1
        table[sample & 0xFFFF] = codes[place]
    return bytes(table)


class Encoder:
    """Encodes 16-bit samples. Its tables take a moment to make, so each process has only one
    encoder."""

    def __init__(self) -> None:
        self._tables = {"PCMU": _encoder(_ULAW), "PCMA": _encoder(_ALAW)}

    def encode(self, samples: bytes, codec: str) -> bytes:
        """Encode little-endian 16-bit samples as one byte each."""
        words = array("H", samples)
        if sys.byteorder == "big":
            words.byteswap()
        return bytes(map(self._tables[codec].__getitem__, words))


def decode(payload: bytes, codec: str) -> bytes:
    """Decode one byte a sample to little-endian 16-bit samples."""
    values = _ULAW if codec == "PCMU" else _ALAW
    words = array("h", [values[code] for code in payload])
    if sys.byteorder == "big":
        words.byteswap()
    return words.tobytes()
