"""Sounds encoded for RTP, each file once."""

from __future__ import annotations

import wave
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from ringback.media.g711 import Encoder

MOST_BYTES = 64 * 1024 * 1024
"""Bytes of encoded sound that are kept: over two hours of it. The least recently used goes
first."""
LONGEST_SECONDS = 1800


class Clips:
    """Encoded sounds, by file and by the time at which the file was changed."""

    def __init__(self, report: Callable[[str], None]) -> None:
        """`report` is called once for each file that cannot be played."""
        self._report = report
        self._encoder = Encoder()
        self._encoded: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._bad: set[Path] = set()

    def encoded(self, path: Path, codec: str) -> tuple[str, bytes] | None:
        """The sound in PCMU or PCMA, and a name that changes when the file does; None if the file
        cannot be played."""
        try:
            name = f"{codec}:{path.stat().st_mtime_ns}:{path}"
            if name not in self._encoded:
                self._keep(name, self._encoder.encode(read_wav(path), codec))
        except (OSError, EOFError, ValueError, wave.Error) as error:
            if path not in self._bad:
                self._bad.add(path)
                self._report(f"sound {path} cannot be played and is left out: {error}")
            return None
        self._bad.discard(path)
        self._encoded.move_to_end(name)
        return name, self._encoded[name]

    def _keep(self, name: str, sound: bytes) -> None:
        self._encoded[name] = sound
        self._size += len(sound)
        while self._size > MOST_BYTES and len(self._encoded) > 1:
            _, oldest = self._encoded.popitem(last=False)
            self._size -= len(oldest)


def read_wav(path: Path) -> bytes:
    """The samples of a WAV file of telephone audio. Raises ValueError for any other format,
    wave.Error for a file that is not WAV, EOFError for one that was cut short."""
    with wave.open(str(path)) as file:
        form = file.getframerate(), file.getsampwidth(), file.getnchannels()
        if form != (8000, 2, 1):
            raise ValueError("it is not 8000 Hz, 16 bit, mono")
        if file.getnframes() > LONGEST_SECONDS * 8000:
            raise ValueError(f"it is longer than {LONGEST_SECONDS} s")
        samples: bytes = file.readframes(file.getnframes())
    return samples
