"""docs/moving.md: what it converts can be imported."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.cli.helpers import Commands

from ringback.charging.decks import COLUMNS

PAGE = (Path(__file__).parents[2] / "docs" / "moving.md").read_text()
PRICES, CALLERS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
EXCEPTIONS = "021,1,60,0.20,10,Metropolitan\n0033,0.02,1,0.0123,7\n"
"""As VoipNow's manual writes them, and one without a description."""
CALLER_IDS = """\
Callback Number,PIN,Total Credit,Available Credit,Created
+447700900123,Yes,10.00,5.25 GBP,2020-01-01
+447700900124,No,Unlimited,Unlimited,2020-01-01
"""


def converted(program: str, text: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], input=text, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_prices_of_voipnow_become_rates(tmp_path: Path) -> None:
    rates = converted(PRICES, EXCEPTIONS)
    assert rates.splitlines()[1:] == ["4421,1,60,1.200000,10", "33,0.02,1,0.105429,7"]
    ringback = Commands(tmp_path)
    ringback("rates", "import", ringback.file(rates), "--plan", "retail", "--allow-loss")
    assert "24 × 10 s at 1.20/min" in ringback("rates", "check", "+442120000000")


def test_callers_of_voipnow_keep_their_credit() -> None:
    assert converted(CALLERS, CALLER_IDS).splitlines() == [
        "number,order number,credit",
        "+447700900123,VoipNow,5.25",
        "+447700900124,VoipNow,unlimited",
    ]


def test_queries_name_the_columns_of_an_import() -> None:
    queries = re.findall(r"```sql\n(.*?)\nFROM", PAGE, re.DOTALL)
    named = [re.findall(r"AS (\w+|`[\w ]+`)(?:,|$)", query, re.MULTILINE) for query in queries]
    columns = ["number", "name", "PIN", "`order number`", "credit"]
    assert [names for names in named if "number" in names] == [columns, columns]
    assert all(set(names) <= set(COLUMNS) for names in named if "number" not in names)
