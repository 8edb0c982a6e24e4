"""`python -m tests.simulation [SEED [WORLDS [TRIGGERS]]] [little-credit]`: many random worlds; of a
failure is told what plays it again.

By default 200 worlds of 50 triggers each, from seed 1. With `little-credit` nobody has more than a
few calls cost, as in `python -m tests.simulation 1 460 little-credit`: twenty thousand sessions.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.simulation.scenario import run

TRIGGERS = 50


def main() -> None:
    little_credit = "little-credit" in sys.argv
    numbers = [int(number) for number in sys.argv[1:] if number != "little-credit"]
    first = numbers[0] if numbers else 1
    worlds = numbers[1] if len(numbers) > 1 else (1 if numbers else 200)
    triggers = numbers[2] if len(numbers) > 2 else TRIGGERS
    outcomes: Counter[str] = Counter()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + worlds):
            outcomes += run(seed, triggers, Path(folder), little_credit=little_credit)
    seconds = time.monotonic() - began
    print(f"{outcomes.total()} sessions in {seconds:.0f} s, every invariant kept")
    for outcome, count in outcomes.most_common():
        print(f"{count:7} {outcome}")


if __name__ == "__main__":
    main()
