"""`ringback init`: writes a configuration and a setup that work as they are."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ringback.accounts.schema import setup_schema

CONFIG = """\
# The server. Every key and its default is in docs/configuration.md.

[server]
data_dir = "data"          # the database, the key of PINs and passwords, sounds
currency = "GBP"
home_country = "GB"        # how numbers typed without a country code are read
public_url = "http://127.0.0.1:8080"   # where people reach it: their links begin with this

[sip]
listen = "127.0.0.1:5060"  # 0.0.0.0:5060 to be reached by your carrier
rtp_ports = "20000-20999"
"""

SETUP = """\
# yaml-language-server: $schema=setup.schema.json
# By this line editors know the keys. To renew it: ringback apply --schema > setup.schema.json
#
# Apply it with: ringback apply setup.yaml. Change it and apply it again as often as you like.

accounts:
  - {name: acme, parent: admin, level: organization, contact_name: Acme Travel, country: GB,
     time_zone: Europe/London, language: en, plan: retail, balance: "100.00"}

extensions:
  - name: travellers
    account: acme
    access_numbers: ["+442071838750"]      # ring this number, and you are called back
    callback:
      ring_seconds: 3
      callback_delay_seconds: 1
      require_caller_pin: true
      credit_menu: true
    caller_ids:
      - {number: "+447700900123", pin: "0042", credit: "5.00", order_number: A-1,
         speed_dials: {"1": "+442079460000"}}

plans:
  - name: retail
    account: admin
    rates:
      - {prefix: "44", first_block: 60, first_price: "0.02", next_block: 10,
         price_per_minute: "0.02"}

trunks:                                    # where calls come from and go to
  - {name: phones, host: 127.0.0.1, port: 5070}     # `ringback phone` on the same machine

routes:
  - {prefix: "", trunks: [phones]}         # an empty prefix is every number
"""


class AlreadyThere(Exception):
    """A file exists already; nothing was written."""


def write_files(folder: Path) -> list[Path]:
    """Write `ringback.toml` and `setup.yaml`, for their owner only, as secrets will be in them, and
    `setup.schema.json`. Raises AlreadyThere if one of them exists."""
    schema = json.dumps(setup_schema(), indent=1) + "\n"
    texts = {"ringback.toml": CONFIG, "setup.yaml": SETUP, "setup.schema.json": schema}
    files = {folder / name: text for name, text in texts.items()}
    for path in files:
        if path.exists():
            raise AlreadyThere(f"{path} is there already: remove it, or run this elsewhere")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    return list(files)
