"""Files with secrets are for their owner only (spec section 11).

The mode of data folder, key and database must say so, wherever they are, since a copy keeps it. So
must that of a configuration with a password in it; another one may be readable in a folder that
nobody else may enter.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from ringback.config import Config, ConfigError
from ringback.server.run import key_path
from ringback.store.opening import database_files, has_password

OTHERS = 0o077
"""The bits of a mode that are for group and others."""
_MAY_ENTER = 0o011


def see_private(config: Config, file: Path) -> None:
    """Raises ConfigError, with a line for each thing that others could read; `file` is the
    configuration itself."""
    found = list(exposed(config, file))
    if found:
        raise ConfigError("\n".join(found))


def exposed(config: Config, file: Path) -> Iterator[str]:
    """What others could read, with the command that mends it."""
    yield from _told("data_dir", 700, [config.server.data_dir])
    yield from _told("the key", 600, [key_path(config)])
    yield from _told("the database", 600, database_files(config.database_url))
    if has_password(config.database_url) or _may_be_reached(file):
        yield from _told("the configuration", 600, [file])


def _told(what: str, mode: int, paths: Sequence[Path]) -> Iterator[str]:
    open_ = [path for path in paths if path.exists() and path.stat().st_mode & OTHERS]
    if open_:
        names = " ".join(shlex.quote(str(path)) for path in open_)
        yield f"others can read {what}: chmod {mode} {names}"


def _may_be_reached(file: Path) -> bool:
    return all(folder.stat().st_mode & _MAY_ENTER for folder in file.resolve().parents)
