"""A what-if: another dropout of everybody, at no cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from churnsim.simulation.mechanisms.parts import Setting, StrategyPart


@dataclass(frozen=True, kw_only=True)
class ChurnChange(StrategyPart):
    """A what-if, not a tool: everybody's dropout probability p becomes max(0, factor p - points), at no cost. Of a
    lifetime in time it is the hazard, of a contract's hazards by tenure the customer's multiplier."""

    keeps: ClassVar[bool] = True
    in_money: ClassVar[bool] = False

    factor: Annotated[float, Setting("what p is multiplied by", limits={"ge": 0, "le": 1}, guess=True)] = 1.0
    points: Annotated[float, Setting("what is taken from p", limits={"ge": 0, "le": 1}, guess=True)] = 0.0

    def applied(self, dropout: float) -> float:
        """The changed dropout probability."""
        return max(0.0, self.factor * dropout - self.points)
