"""`python -m bench [SECONDS]`: every benchmark, as tables."""

from __future__ import annotations

import asyncio
import sys

from bench import media

CALLS = (50, 200, 300, 400, 500, 600, 700)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    print(f"bridged G.711 calls in one media worker, {seconds:.0f} s a row")
    results = [asyncio.run(media.measure(calls, seconds)) for calls in CALLS]
    print(media.table(results))


if __name__ == "__main__":
    main()
