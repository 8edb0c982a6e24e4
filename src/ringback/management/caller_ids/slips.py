"""Slips of paper with PINs, to print and to cut. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ringback.management.caller_ids.pins import Slip

_CUT = "- " * 14 + "8< " + "- " * 4

HTML_HEAD = """<!doctype html>
<meta charset="utf-8">
<title>PINs</title>
<style>
body { font: 12pt sans-serif; margin: 0; display: grid; grid-template-columns: 1fr 1fr }
section { border: 1px dashed #888; padding: 6mm; break-inside: avoid }
b { font: bold 18pt monospace; letter-spacing: .1em }
</style>
"""


def as_text(slips: Iterable[Slip]) -> str:
    """One under the other, with lines to cut along."""
    return "".join(
        f"{slip.number}{'' if slip.name is None else f'  {slip.name}'}\n\n"
        f"    PIN  {slip.pin}\n\n{_CUT.rstrip()}\n"
        for slip in slips
    )


def as_html(slips: Iterable[Slip]) -> str:
    """Two beside each other, with lines to cut along; `HTML_HEAD` goes before the first."""
    return "".join(
        f"<section><p>{escape(slip.name or '')}<br>{escape(slip.number)}</p>"
        f"<p>PIN <b>{escape(slip.pin)}</b></p></section>\n"
        for slip in slips
    )
