"""`ringback`, and `python -m ringback`."""

from __future__ import annotations

import signal


def main() -> None:
    """Run a command. Until all of it has been imported, which takes a while, Ctrl-C ends it
    silently."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from ringback.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
