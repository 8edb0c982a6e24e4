"""A setup with something of everything, and with what YAML may misread."""

from __future__ import annotations

from typing import Any

RICH: dict[str, Any] = {
    "accounts": [
        {
            "name": "admin",
            "contact_name": "Nightly Ltd",
            "time_zone": "Europe/London",
            "language": "en",
            "guards": {"sessions": 400, "spend_per_day": "1000.50"},
        },
        {"name": "northline", "level": "provider", "country": "NO", "plan": "wholesale"},
        {
            "name": "acme",
            "parent": "northline",
            "contact_name": "Acme: Travel, # \u202e né\u2028e",
            "plan": "retail",
            "credit_limit": "2.50",
            "low_credit": "0.000125",
            "expires": "2037-01-01T12:00:00.25Z",
            "limits": {"storage_mb": 5, "extensions": "unlimited", "caller_ids": 100},
            "destinations": {"deny": ["4470"], "allow": ["44", "1"]},
        },
        {"name": "no", "parent": "northline/acme", "level": "user", "status": "suspended"},
        {"name": "acme", "parent": "admin", "plan": "wholesale", "expires": "2020-01-01"},
    ],
    "plans": [
        {
            "name": "wholesale",
            "special_prefixes": ["44900", "881"],
            "packages": [{"prefix": "44", "minutes": 100}],
            "rates": [
                {"prefix": "", "price_per_minute": "1.00", "first_price": "0.00"},
                {"prefix": "44", "price_per_minute": "0.02", "valid_to": "2026-12-01"},
                {
                    "prefix": "44",
                    "price_per_minute": "0.03",
                    "valid_from": "2026-12-01",
                    "setup": "0.1",
                    "first_block": 30,
                    "next_block": 1,
                },
            ],
        },
        {"name": "retail", "account": "northline", "kind": "postpaid", "limit": "10.00"},
    ],
    "extensions": [
        {
            "name": "travellers",
            "account": "northline/acme",
            "access_numbers": ["+442079460001", "+442071838750"],
            "guards": {"calls_per_hour": 0},
            "callback": {
                "ring_seconds": 0,
                "return_calls": "fixed",
                "fixed_number": "+442071234567",
                "open_to_anyone": True,
                "caller_id_name": {"set_by": "user", "value": "0042"},
                "caller_id_number": {"set_by": "user", "value": "+442071838750"},
                "hours": [{"days": ["mon", "tue"], "from": "08:00", "to": "24:00"}],
                "closed": ["2026-12-25"],
                "minimum_credit": "0.50",
                "disconnect_sound": "//bye.wav",
                "announce_duration": False,
            },
            "caller_ids": [
                {
                    "number": "+447700900125",
                    "name": "true",
                    "reference": "089",
                    "note": "first line\nsecond: 'line' \"here\" \\ \U0001f600 " + "long " * 60,
                    "enabled": False,
                    "expires": "2030-01-01",
                    "credit": "unlimited",
                    "language": "pt-BR",
                    "speed_dials": {"10": "+442079460000", "2": "+442079460002"},
                    "low_credit": "1.00",
                    "guards": {"spend_per_call": "unlimited", "sessions": 2},
                    "destinations": {"allow": ["44"]},
                },
                {"number": "+447700900124"},
            ],
        },
        {"name": "no", "account": "northline/acme/no", "contact_name": "~", "plan": "retail"},
    ],
    "access_numbers": [
        {"number": "+442079460001", "account": "northline", "destination": "+442079460000"},
        {"number": "+442079460009"},
    ],
    "sounds": [
        {"account": "northline/acme:travellers", "path": "/a b/hello.wav", "file": "hello.wav"},
        {"account": "northline", "path": "/bye.wav", "file": "bye.wav"},
        {"account": "northline", "path": "/bye.wav", "language": "fr", "file": "hello.wav"},
    ],
    "trunks": [
        {
            "name": "london 1",
            "host": "sip.example.net",
            "sources": ["192.0.2.0/24"],
            "codecs": ["PCMU"],
            "country": "GB",
            "plus": False,
            "strip": 1,
            "called": {"prepend": "00", "plus": False},
            "cost_plan": "wholesale",
        },
        {"name": "carrier", "preset": "didww", "sources": [], "trust_pai": False},
        {"name": "on", "host": "192.0.2.7", "port": 5070},
    ],
    "routes": [
        {"prefix": "", "trunks": ["on", "london 1"], "weights": [1, 3]},
        {"prefix": "44", "trunks": ["london 1"]},
    ],
}
