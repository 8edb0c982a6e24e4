"""The simulated engine: virtual phones on a virtual clock, for tests."""

from ringback.engines.simulated.engine import SimulatedEngine
from ringback.engines.simulated.network import FarCall, Network, Ring
from ringback.engines.simulated.virtualloop import run_virtual

__all__ = ["FarCall", "Network", "Ring", "SimulatedEngine", "run_virtual"]
