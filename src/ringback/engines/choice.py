"""Which engine carries the calls: chosen by its name, here and nowhere else."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

from ringback.clock import Clock
from ringback.config import Config
from ringback.engines.embedded import EmbeddedEngine
from ringback.telephony.port import Engine
from ringback.telephony.trunks import TrunkSource


def make_engine(
    config: Config,
    trunks: TrunkSource,
    clock: Clock,
    chance: random.Random,
    *,
    node: str,
    sound_path: Callable[[str], Path],
    report: Callable[[str], None],
) -> Engine:
    """The engine that `[engine] kind` names, not started yet. `node` is this server's name among
    its like; `sound_path` finds the file of a sound by its name; `report` is told, in a line, what
    an operator should know. Raises OSError where the engine cannot have its ports."""
    match config.engine.kind:
        case "embedded":
            return EmbeddedEngine(
                config.sip,
                trunks,
                clock,
                chance,
                node=node,
                workers=os.cpu_count() or 1,
                sound_path=sound_path,
                report=report,
            )
        case other:
            raise ValueError(f"{other!r} cannot serve")  # `config` has refused it
