"""Asking for complaints, so that more of those whose purchase failed are heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from churnsim.simulation.core.assumption import cents
from churnsim.simulation.mechanisms.parts import Money, StrategyPart


@dataclass(frozen=True, kw_only=True)
class AskForComplaints(StrategyPart):
    """Ask every buyer whether all was well, at `cost_per_purchase` (money): the market's
    `complaint_probability_if_asked` holds."""

    keeps: ClassVar[bool] = True

    cost_per_purchase: Annotated[float, Money("currency per purchase, on top of the budget", example=0.05, each=True)]

    on_failures: ClassVar[bool] = True

    @property
    def charges(self) -> bool:
        """Each buyer is asked, at a cost."""
        return self.cost_per_purchase > 0

    def rules(self, market: Any) -> dict[str, Any]:
        """More complain, and each purchase costs the question."""
        return {
            "complaint_probability": float(market.complaints.complaint_probability_if_asked),
            "asking_cents": cents(self.cost_per_purchase),
        }
