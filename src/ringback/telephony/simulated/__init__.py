"""The simulated engine: virtual phones on a virtual clock, for tests."""

from ringback.telephony.simulated.engine import SimulatedEngine
from ringback.telephony.simulated.network import FarCall, Network, Ring
from ringback.telephony.simulated.virtualloop import run_virtual

__all__ = ["FarCall", "Network", "Ring", "SimulatedEngine", "run_virtual"]
