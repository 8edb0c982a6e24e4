"""No command ends in a traceback: whenever it is interrupted, wherever its output goes, whatever
the locale."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from decimal import Decimal

import pytest
from sqlalchemy import Connection, select
from tests.cli.helpers import Commands
from tests.cli.test_statement import run

from ringback.charging import ledger
from ringback.store.models import AccountRow

NOTE = "Żółć → ø"


@pytest.fixture(scope="module")
def ringback(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    commands = Commands(tmp_path_factory.mktemp("ringback"))
    run(commands, _entries)
    return commands


def _entries(tx: Connection) -> None:
    ledger_id = tx.execute(select(AccountRow.ledger_id).where(AccountRow.name == "acme")).scalar()
    assert ledger_id is not None
    for number in range(500):
        ledger.recharge(tx, ledger_id, Decimal(1), f"№ {number}", 1_700_000_000.0, note=NOTE)


def shell(ringback: Commands, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A line for a shell, in which `ringback` is the command."""
    command = f'ringback() {{ "{sys.executable}" -m ringback "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", command],
        cwd=ringback.folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="surrogateescape",
    )


@pytest.mark.parametrize(
    "line",
    [
        "ringback statement acme | head -1",
        "ringback statement acme --csv | head -1",
        "ringback apply setup.yaml | true",
        "ringback statement acme >&- 2>&-",
        "ringback doctor 2>&-",
        "ringback sessions <&- >&- 2>&-",
        "ringback statement acme >/dev/full",
        "ringback nonsense 2>/dev/full",
        "ringback nonsense 2>&-",
        "ringback --help | head -1",
        "ringback recharge $'\\xff' 5.00 --order 1",
        "ringback call $'\\xff'",
        "ringback statement acme --from $'\\xff'",
        "ringback apply $'\\xff.yaml'",
    ],
)
def test_wherever_its_output_goes(ringback: Commands, line: str) -> None:
    told = shell(ringback, line)
    assert "Traceback" not in told.stderr and "Exception ignored" not in told.stderr


def test_a_full_disk_is_a_failure(ringback: Commands) -> None:
    told = shell(ringback, "ringback statement acme --json >/dev/full")
    assert told.returncode == 1
    assert "No space left on device" in told.stderr


def test_a_reader_who_leaves_does_not_end_the_work(ringback: Commands) -> None:
    more = ringback.file(
        "extensions:\n  - name: travellers\n    account: acme\n    caller_ids:\n"
        + "".join(f"      - {{number: '+4477009{number:05}'}}\n" for number in range(300)),
        "more.yaml",
    )
    shell(ringback, f"ringback apply {more} | head -1")
    assert shell(ringback, f"ringback apply {more}").stdout == "nothing changed\n"


@pytest.mark.parametrize(
    "variables",
    [
        {"LANG": "C", "LC_ALL": "C"},
        {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "ascii"},
    ],
)
def test_whatever_the_locale(ringback: Commands, variables: dict[str, str]) -> None:
    for line in ("statement acme", "doctor"):
        told = shell(ringback, f"ringback {line}", **variables)
        assert told.stderr == ""
        assert told.stdout
    told = shell(ringback, "ringback statement acme --json", **variables)
    assert NOTE in {entry["note"] for entry in json.loads(told.stdout)["entries"]}
    assert shell(ringback, "ringback statement żółć", **variables).returncode == 1


IMPORTED = ["ringback.cli", "sqlalchemy", "pydantic", "rich.console", "typer", "ringback.store"]


@pytest.mark.parametrize("module", IMPORTED)
def test_interrupted_while_it_is_imported(ringback: Commands, module: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "ringback", "doctor"],
        cwd=ringback.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.rstrip().endswith(f" {module}"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
        process.wait(60)
    assert "Traceback" not in rest


@pytest.mark.parametrize("tenths", (1, 4, 9))
@pytest.mark.parametrize("line", ["statement acme", "doctor", "apply setup.yaml", "serve"])
def test_interrupted_at_any_instant(ringback: Commands, line: str, tenths: int) -> None:
    """So long after its own first line has run."""
    begun = "import sys; print('begun', flush=True); from ringback.__main__ import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", f"import signal; signal.signal(2, 0); {begun}", *line.split()],
        cwd=ringback.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(tenths / 10)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert "Traceback" not in told
    assert process.returncode in (0, 1, 130, -signal.SIGINT)


def test_the_demo_interrupted_is_no_success(ringback: Commands) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "ringback", "demo"],
        cwd=ringback.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in told
