"""Calls that are refused before they are triggers: each reason is told, with its mending, and
nothing that a stranger may have put there to be told."""

from __future__ import annotations

import pytest

from ringback.engines.embedded.mending import kind_of, mending

QUOTE, BOTH_QUOTES = "a'b", "a'\"b"


@pytest.mark.parametrize("status", [400, 406, 413, 415, 416, 420, 422, 482, 503, 505, 599])
def test_every_status_has_its_mending(status: int) -> None:
    assert len(mending(status)) > 20 and str(status) not in mending(status)


@pytest.mark.parametrize(
    ("why", "kind"),
    [
        (f"420 Bad Extension, unsupported {'100rel'!r}", "420 Bad Extension, unsupported "),
        (f"505, version {'SIP/7.0'!r}", "505, version "),
        (f"400, bad URI {QUOTE!r}", "400, bad URI "),
        (f"400, bad URI {BOTH_QUOTES!r}", "400, bad URI "),
        ("400, CSeq has another method than the request",) * 2,
    ],
)
def test_reasons_that_differ_in_what_they_quote_are_one(why: str, kind: str) -> None:
    assert kind_of(why) == kind
