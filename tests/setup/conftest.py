"""What tests of setup files have."""

from __future__ import annotations

from tests.accounts.conftest import place

__all__ = ["place"]
