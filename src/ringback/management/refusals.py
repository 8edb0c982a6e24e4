"""How a verb refuses. What is wrong with the values of a request is `ringback.faults.Faults`."""

from __future__ import annotations

from collections.abc import Sequence

from ringback.faults import Fault


class NotFound(Exception):
    """There is no such thing for this actor: it may be absent, or exist out of sight."""

    def __init__(self, kind: str, which: str = "") -> None:
        """`which` is what was asked for, as it was written."""
        super().__init__(f"there is no {kind} {which}" if which else f"there is no such {kind}")


class Ambiguous(NotFound):
    """Several that the actor sees may be meant."""

    def __init__(self, kind: str, which: str, names: str) -> None:
        """`names` are those that each of them has alone."""
        Exception.__init__(self, f"{kind} {which} may be several: write one of {names}")


class Forbidden(Exception):
    """The actor sees it and may not do this."""

    def __init__(self, reason: str, faults: Sequence[Fault] = ()) -> None:
        """`faults` names each field that the actor may not set."""
        super().__init__("; ".join(str(fault) for fault in faults) or reason)
        self.faults = tuple(faults)


class NotSignedIn(Exception):
    """Nobody is known by this session or key: it never was, has ended, or gives no rights."""

    def __init__(self) -> None:
        super().__init__("sign in, or use a valid key")
