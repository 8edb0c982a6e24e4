"""`ringback export`: writes what there is as a setup file."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ringback.cli.lines import say
from ringback.cli.managing import at_desk
from ringback.cli.options import DEFAULT_CONFIG, CommandError, ConfigOption
from ringback.config import Config, load_config
from ringback.management import places
from ringback.management.actor import command_line
from ringback.management.desk import Desk
from ringback.server.run import sounds_path
from ringback.setup.exporting import Export, Keep
from ringback.sounds.library import SoundLibrary


def command(
    file: Annotated[
        Path | None, typer.Argument(help="The file to write, or else the terminal.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Also over a file that is there.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write all that is set up as a setup file, without secrets and money. Sounds go into a folder
    beside the file."""
    loaded = load_config(config)
    if file is None:
        missing = _export(loaded, sys.stdout.write, None)
    else:
        missing = _to_file(loaded, file, force=force)
    for each in missing:
        say(f"note: {each}", stream=sys.stderr)


def _to_file(config: Config, file: Path, *, force: bool) -> Sequence[str]:
    """What is there already stays as it is until all is written."""
    if file.exists() and not (force and file.is_file()):
        raise CommandError(f"{file} is there already: name another file, or add --force")
    descriptor, unfinished = tempfile.mkstemp(dir=file.parent, suffix=".part")  # private
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as target:
            missing = _export(config, target.write, _keep(config, file))
            target.flush()
            os.fsync(target.fileno())
        Path(unfinished).replace(file)
    finally:
        Path(unfinished).unlink(missing_ok=True)
    say(f"wrote {file}")
    return missing


def _keep(config: Config, file: Path) -> Keep:
    folder = file.with_name(f"{file.stem}-sounds")
    library = SoundLibrary(sounds_path(config), lambda missing: None)

    def keep(name: str) -> str | None:
        stored = library.path(name)
        if not stored.is_file():
            return None
        folder.mkdir(mode=0o700, exist_ok=True)
        target = folder / stored.name  # it is named by what is in it
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as written, stored.open("rb") as source:
            shutil.copyfileobj(source, written)
        return f"{folder.name}/{target.name}"

    return keep


def _export(config: Config, write: Callable[[str], object], keep: Keep | None) -> Sequence[str]:
    async def work(desk: Desk) -> Sequence[str]:
        top = await desk.read(command_line, lambda act: places.top(act.tx))
        return await Export(desk, command_line, top, write, keep).run()

    return asyncio.run(at_desk(config, work))
