"""`python -m tests.simulation [SEED [WORLDS [TRIGGERS]]]`: many random worlds; of a failure is told
what plays it again.

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


def main() -> None:
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    worlds = int(sys.argv[2]) if len(sys.argv) > 2 else (1 if len(sys.argv) > 1 else 200)
    triggers = int(sys.argv[3]) if len(sys.argv) > 3 else TRIGGERS
    outcomes: Counter[str] = Counter()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + worlds):
            outcomes += run(seed, triggers, Path(folder))
    seconds = time.monotonic() - began
    print(f"{outcomes.total()} sessions in {seconds:.0f} s, every invariant kept")
    for outcome, count in outcomes.most_common():
        print(f"{count:7} {outcome}")


if __name__ == "__main__":
    main()
