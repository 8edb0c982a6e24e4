"""A PostgreSQL server of the tests' own: in a folder that goes with it, on a socket there."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import psycopg

from ringback.store import migrate
from ringback.store.models import Base

USER = "ringback"
_TEMPLATE = "migrated"
QUICK = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "deadlock_timeout=50ms")
"""Only the machine's own crash would lose anything; the tests kill clients and the server."""

_EMPTY = "; ".join(f"DELETE FROM {table}" for table in Base.metadata.tables).encode()


class Cluster:
    """A server while the context lasts. Superuser is `ringback`, without a password."""

    def __init__(self, settings: Sequence[str] = QUICK, where: str = "/tmp") -> None:
        """`where` its folder is: a short path, since that of a socket may have 107 bytes."""
        self._settings = settings
        self.folder = Path(tempfile.mkdtemp(prefix="ringback-pg-", dir=where))
        self._numbers = itertools.count(1)
        self._clean: list[str] = []
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")

    def __enter__(self) -> Cluster:
        self._run(
            "initdb", "--no-sync", "-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C.UTF-8"
        )
        self.start()
        self._execute(f"CREATE DATABASE {_TEMPLATE}")
        migrate(self.url(_TEMPLATE))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-k", str(self.folder), "-c", "listen_addresses=")
                + [word for setting in self._settings for word in ("-c", setting)],
                stdout=log,
                stderr=log,
            )
        until = time.monotonic() + 60
        while True:
            try:
                self._execute("SELECT 1")
                return
            except psycopg.OperationalError:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise
                time.sleep(0.02)

    def stop(self) -> None:
        """At once, as after a crash."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()

    def url(self, name: str) -> str:
        return f"postgresql://{USER}@/{name}?host={self.folder}"

    def empty(self) -> str:
        """The URL of a new database without tables."""
        name = f"empty{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def fresh(self) -> str:
        """The URL of a database with its tables, all empty."""
        if self._clean:
            return self._clean.pop()
        name = f"fresh{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return self.url(name)

    def give_back(self, url: str) -> None:
        """It may be had again: its tables are as they were, and nobody works in it."""
        with psycopg.connect(url) as connection:
            connection.execute("SET session_replication_role = replica")  # no triggers
            connection.execute(_EMPTY)
        self._clean.append(url)

    def drop(self, url: str) -> None:
        name = url.split("?")[0].rpartition("/")[2]
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(
            host=str(self.folder), user=USER, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run(self._command(name, *arguments), check=True, stdout=subprocess.DEVNULL)

    def _command(self, name: str, *arguments: str) -> list[str]:
        """As a user that is not root, which PostgreSQL refuses; it ends with the tests."""
        other = ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
        who = other if os.getuid() == 0 else []
        data = str(self.folder / "data")
        return ["setpriv", *who, "--pdeathsig=QUIT", "--", program(name), "-D", data, *arguments]


def program(name: str) -> str:
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4])
    )
    path = str(found[-1]) if found else shutil.which(name)
    assert path is not None, f"{name} is missing: scripts/need postgresql"
    return path
