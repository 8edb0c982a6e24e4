"""The commands, in this process, on a setup of their own."""

from __future__ import annotations

from pathlib import Path

import yaml
from typer.testing import CliRunner

from ringback.cli.app import app

SETUP = {
    "accounts": [
        {"name": "acme", "time_zone": "Europe/London", "plan": "retail", "balance": "100.00"}
    ],
    "extensions": [
        {
            "name": "travellers",
            "account": "acme",
            "access_numbers": ["+442071838750"],
            "caller_ids": [
                {"number": "+447700900123", "credit": "5.00", "order_number": "A-1"},
                {
                    "number": "+447700900124",
                    "credit": "unlimited",
                    "guards": {"spend_per_day": "100.00"},
                },
            ],
        }
    ],
    "plans": [
        {
            "name": "retail",
            "rates": [{"prefix": "44", "first_price": "0.02", "price_per_minute": "0.02"}],
        }
    ],
}


class Commands:
    """A folder with a server's files, its setup applied."""

    def __init__(self, folder: Path, *, apply: bool = True) -> None:
        self.folder = folder
        (folder / "ringback.toml").write_text('[server]\ndata_dir = "data"\n')
        (folder / "setup.yaml").write_text(yaml.safe_dump(SETUP))
        if apply:
            self("apply", str(folder / "setup.yaml"))

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'data' / 'ringback.sqlite'}"

    def file(self, text: str, name: str = "rates.csv") -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def __call__(self, *arguments: str) -> str:
        """Run a command; returns what it printed, raises what it raises."""
        config = str(self.folder / "ringback.toml")
        result = CliRunner().invoke(app, [*arguments, "--config", config], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout
