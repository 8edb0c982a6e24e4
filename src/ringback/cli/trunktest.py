"""`ringback trunks test`: what a trunk answers, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ringback.config import Sip
from ringback.engines.embedded.probe import ANSWER_SECONDS, Probed, probe
from ringback.sip.message import Response
from ringback.telephony.trunks import Trunk

_REFUSED = (401, 403, 407)


@dataclass(frozen=True, slots=True)
class Answers:
    """What came."""

    trunk: Trunk
    probed: Probed

    @property
    def works(self) -> bool:
        """Whether calls can go over it, as far as this shows."""
        registers = not self.trunk.register or _is_success(self.probed.register)
        return self.probed.options is not None and registers

    def lines(self) -> list[str]:
        trunk, addresses = self.trunk, self.probed.addresses
        if not addresses:
            return [f"host {trunk.host!r} cannot be looked up: check it, or the name server"]
        first = f"{trunk.host} is {', '.join(addresses)}; asked at {addresses[0]}:{trunk.port}"
        found = [first, f"OPTIONS: {_options(self.probed.options)}"]
        if trunk.register:
            found.append(f"REGISTER: {_register(self.probed.register)}")
        return found

    def described(self) -> dict[str, Any]:
        register = {"register": _answer(self.probed.register)} if self.trunk.register else {}
        return {
            "trunk": self.trunk.name,
            "works": self.works,
            "addresses": list(self.probed.addresses),
            "options": _answer(self.probed.options),
            **register,
            "told": self.lines(),
        }


async def ask_trunk(settings: Sip, trunk: Trunk) -> Answers:
    """Ask it. Raises OSError where nothing can be sent."""
    return Answers(trunk, (await probe(settings, [trunk]))[trunk.name])


def _is_success(response: Response | None) -> bool:
    return response is not None and 200 <= response.status < 300


def _answer(response: Response | None) -> dict[str, Any] | None:
    return None if response is None else {"status": response.status, "reason": response.reason}


def _options(response: Response | None) -> str:
    if response is None:
        return (
            f"no answer within {ANSWER_SECONDS:.0f} s: see that the host and port are right, that "
            "the carrier knows this machine's address, and that no firewall is between"
        )
    said = f"{response.status} {response.reason}"
    if _is_success(response):
        return f"{said}: it is there"
    return f"{said}: it is there, and does not say more to us; calls may work all the same"


def _register(response: Response | None) -> str:
    if response is None:
        return f"no answer within {ANSWER_SECONDS:.0f} s"
    said = f"{response.status} {response.reason}"
    if _is_success(response):
        count = len(response.headers.all("contact"))
        places = {0: "nobody is registered now", 1: "one address is registered now"}
        return f"{said}: user and password are right; " + places.get(
            count, f"{count} addresses are registered now"
        )
    if response.status in _REFUSED:
        return f"{said}: refused: check user and password"
    return f"{said}: not accepted: ask the carrier what it wants"
