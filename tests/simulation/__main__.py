"""`python -m tests.simulation [--little-credit] [SEED [WORLDS [TRIGGERS]]]`: many random worlds.
For a failure it prints the command that plays it again.

By default 200 worlds of 50 triggers each, from seed 1.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.simulation.scenario import run

TRIGGERS = 50
LITTLE_CREDIT = "--little-credit"


def main() -> None:
    numbers = [int(each) for each in sys.argv[1:] if each != LITTLE_CREDIT]
    little = LITTLE_CREDIT in sys.argv
    first, *more = numbers or [1, 200]
    worlds, triggers = (*more, *(1, TRIGGERS)[len(more) :])
    outcomes: Counter[str] = Counter()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + worlds):
            outcomes += run(seed, triggers, Path(folder), little=little)
    seconds = time.monotonic() - began
    print(f"{outcomes.total()} sessions in {seconds:.0f} s, every invariant kept")
    for outcome, count in outcomes.most_common():
        print(f"{count:7} {outcome}")


if __name__ == "__main__":
    main()
