"""How sure one is of a number: the law that `churnsim.simulation` draws it by."""

from __future__ import annotations

from churnsim.simulation.core.belief import Belief
from churnsim.simulation.scenario.beliefs import market_beliefs

__all__ = ["Belief", "market_beliefs"]
