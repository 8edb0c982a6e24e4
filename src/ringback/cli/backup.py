"""`ringback backup` and `ringback restore`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ringback.backup.backing_up import Place, back_up
from ringback.backup.restoring import restore as restore_backup
from ringback.cli.lines import say
from ringback.cli.options import DEFAULT_CONFIG, ConfigOption, ready_database
from ringback.cli.passphrase import PassphraseOption, passphrase
from ringback.config import Config, load_config
from ringback.server.run import NODE, key_path, make_data_dir, sounds_path


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    passphrase_file: PassphraseOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write tables, sounds and, sealed by a passphrase, the key to one file, also while the server
    runs. Only its owner can read it."""
    loaded = load_config(config)
    ready_database(loaded)
    if file.exists():
        raise FileExistsError(f"{file} is there already: choose another name")
    made = back_up(_place(loaded), file, passphrase(passphrase_file, twice=True), time.time())
    for line in made.missing:
        say(f"WARNING {line}")
    say(f"wrote {file}, read it again and found it whole:")
    say(f"  {made.rows} rows of {made.tables} tables, {made.sounds} sounds")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that ringback backup has written.")],
    passphrase_file: PassphraseOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Restore a backup into an empty data_dir and database, of either kind. Calls that were open
    when it was made are closed, and not made again."""
    loaded = load_config(config)
    with file.open("rb"):
        pass  # before a passphrase is asked for
    given = passphrase(passphrase_file, twice=False)
    make_data_dir(loaded)
    done = restore_backup(file, _place(loaded), given, time.time(), node=NODE)
    key = ", the key" if done.key else ""
    say(f"restored the backup of {done.made}:")
    say(f"  {done.rows} rows of {done.tables} tables, {done.sounds} sounds{key}")
    if not done.key:
        say("WARNING there is no key in it: ringback new-key makes one")
    say(f"  requests that were open, now expired: {done.expired}")
    say(f"  calls that were open, now interrupted: {done.interrupted}")
    say(f"  sign-ins that were open, now ended: {done.sign_ins}")
    for trunk in done.registrations:
        say(
            f"  trunk {trunk} registers no more, as the server that was backed up may: "
            f"ringback trunks change {trunk} register=true"
        )


def _place(config: Config) -> Place:
    return Place(config.database_url, key_path(config), sounds_path(config))
