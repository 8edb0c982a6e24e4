"""`python -m bench [SECONDS]`: every benchmark, as tables."""

from __future__ import annotations

import asyncio
import sys

from bench import media, sessions

CALLS = (50, 200, 300, 400, 500, 600, 700)
RATES = (10, 25, 50)
LIVE = 200


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    print(f"bridged G.711 calls in one media worker, {seconds} s a row", flush=True)
    print(media.table([asyncio.run(media.measure(calls, seconds)) for calls in CALLS]), flush=True)
    print(f"\nwhole sessions, {seconds} s of new ones a row", flush=True)
    rows = [asyncio.run(sessions.measure(rate, seconds)) for rate in RATES]
    print(sessions.table(rows), flush=True)
    live, grown = asyncio.run(sessions.memory(LIVE))
    print(f"\nmemory: {live} bridged calls, {grown:.0f} kB each (PSS of all processes)")


if __name__ == "__main__":
    main()
