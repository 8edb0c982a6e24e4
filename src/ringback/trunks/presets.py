"""Carriers that Ringback knows: what each documents of its SIP trunks, as the values that a trunk
has unless it says otherwise. docs/trunks.md names the pages and says what is left to fill in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Preset:
    """What is known of a carrier."""

    title: str
    page: str
    """Where the carrier documents it."""
    values: Mapping[str, Any]
    """By the names of a trunk's fields."""


_BARE = {"plus": False}
"""E.164 without its plus."""

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "didww": Preset(
            "DIDWW",
            "https://doc.didww.com/voice/outbound-trunks/outbound-sip-information.html",
            {
                "host": "fra.eu.out.didww.com",
                "sources": [
                    "46.19.209.14",
                    "46.19.210.14",
                    "46.19.212.14",
                    "46.19.213.14",
                    "46.19.214.14",
                    "46.19.215.14",
                    "185.238.173.14",
                ],
                **_BARE,
            },
        ),
        "flowroute": Preset(
            "Flowroute",
            "https://support.bcmone.com/flowroute-support/docs/"
            "flowroute-service-guide-technical-specifications",
            {
                "host": "sip.flowroute.com",
                "codecs": ["PCMU", "PCMA"],
                "trust_pai": True,
                "show_in": "p_asserted_identity",
            },
        ),
        "plivo": Preset(
            "Plivo Zentrunk",
            "https://www.plivo.com/docs/sip-trunking/concepts/technical-specifications",
            {"codecs": ["PCMU", "PCMA"]},
        ),
        "sipgate": Preset(
            "sipgate trunking",
            "https://help.sipgate.de/trunking/"
            "wie-setze-ich-bei-sipgate-trunking-die-absenderrufnummer",
            {
                "host": "sipconnect.sipgate.de",
                "register": True,
                "show_in": "p_preferred_identity",
                "from_user": "user",
                "from_host": "domain",
                "country": "DE",
                **_BARE,
            },
        ),
        "telnyx": Preset(
            "Telnyx",
            "https://developers.telnyx.com/docs/voice/sip-trunking/configuration/caller-id-policy",
            {
                "host": "sip.telnyx.com",
                "sources": [
                    "192.76.120.10",
                    "64.16.250.10",
                    "192.76.120.31",
                    "64.16.250.13",
                    "185.246.41.140",
                    "185.246.41.141",
                    "103.115.244.145",
                    "103.115.244.146",
                    "103.115.244.158",
                    "103.115.244.159",
                ],
                "trust_pai": True,
                "show_in": "p_asserted_identity",
                "from_host": "domain",
                "foreign_numbers": False,
            },
        ),
        "twilio": Preset(
            "Twilio Elastic SIP Trunking",
            "https://www.twilio.com/docs/sip-trunking",
            {
                "codecs": ["PCMU", "PCMA"],
                "sources": [
                    "54.172.60.0/30",
                    "54.244.51.0/30",
                    "54.171.127.192/30",
                    "35.156.191.128/30",
                    "54.65.63.192/30",
                    "54.169.127.128/30",
                    "54.252.254.64/30",
                    "177.71.206.192/30",
                ],
                "foreign_numbers": False,
            },
        ),
        "vonage": Preset(
            "Vonage",
            "https://developer.vonage.com/en/sip/technical-details",
            {"foreign_numbers": False, **_BARE},
        ),
    }
)
