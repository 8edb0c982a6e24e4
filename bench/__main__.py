"""`python -m bench [--seconds N] [--runs N] [--quick] [SECTION ...]`: prints benchmarks as
tables."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable

from bench import apply, callerids, cutoff, floods, ledger, media, memory, oracle, rates, sessions
from bench.plan import QUICK, Plan

SECTIONS: dict[str, Callable[[Plan], Awaitable[None]]] = {
    "media": media.show,
    "sessions": sessions.show,
    "cutoff": cutoff.show,
    "memory": memory.show,
    "ledger": ledger.show,
    "rates": rates.show,
    "apply": apply.show,
    "caller-ids": callerids.show,
    "oracle": oracle.show,
    "floods": floods.show,
}


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--seconds", type=float, default=60.0, help="of each run")
    parser.add_argument("--runs", type=int, default=5, help="of each row")
    parser.add_argument("--quick", action="store_true", help="few short rows, for a first look")
    options = parser.parse_args()
    unknown = set(options.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}: there are {', '.join(SECTIONS)}")
    plan = QUICK if options.quick else Plan(options.seconds, options.runs)
    for name in options.sections or SECTIONS:
        load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
        await SECTIONS[name](plan)
        plan.show(f"(load of the machine before: {load}, on {os.cpu_count()} cores)")


if __name__ == "__main__":
    asyncio.run(main())
