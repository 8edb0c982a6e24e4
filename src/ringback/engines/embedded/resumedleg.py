"""A leg from before a crash on the embedded engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ringback.engines.embedded.trunks import credentials_of
from ringback.sip import events as sip
from ringback.sip.calls import ResumedCall
from ringback.telephony import port
from ringback.telephony.port import Cause, Listener, Outcome

if TYPE_CHECKING:
    from ringback.engines.embedded.engine import EmbeddedEngine


class ResumedLeg:
    """A leg from before a crash, on its way to its end."""

    def __init__(self, engine: EmbeddedEngine, saved: str, listener: Listener) -> None:
        self._engine = engine
        self._saved = saved
        self._listener = listener
        self._document: dict[str, Any] = json.loads(saved)
        trunk = engine.trunks.find(self._document.get("trunk"))
        credentials = None if trunk is None else credentials_of(trunk)
        self._call = ResumedCall(engine.agent, credentials)

    def saved(self) -> str:
        return self._saved

    def start(self) -> None:
        self._engine.register(self._call, self)
        self._call.resume(self._document, self._engine.now())
        self._engine.flush()

    def told(self, event: sip.CallEvent) -> None:
        acknowledged = isinstance(event, sip.Rejected) and event.acknowledged
        self._engine.forget(self._call)
        answered = isinstance(event, sip.Closed)  # there is a BYE only after an answer
        cause = Cause(Outcome.NORMAL if answered else Outcome.FAILED, by_us=True)
        self._listener(self, port.Ended(cause, self._engine.now(), acknowledged))
