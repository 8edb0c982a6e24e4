"""Processes of the tests' own, forked off one that has imported Ringback already."""

from __future__ import annotations

import multiprocessing

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["ringback.store", "ringback.charging.ledger"])
