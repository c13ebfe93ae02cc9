"""Maps of assumptions by simulation, the same way for every claim: coarse and quick, or fine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from churnsim.claims.machinery.evidence import MarketEvidence
from churnsim.decisions.assumptions.assumption_regions import assumption_region
from churnsim.decisions.assumptions.outcome import Quantity
from churnsim.decisions.assumptions.region import Region
from churnsim.simulation.scenario.strategy import Strategy

__all__ = ["map_of"]

CELLS, QUICK_CELLS, LEAST_CELLS = 8, 4, 3
REPLICATIONS, QUICK_REPLICATIONS = 20, 8
FEW = 20
"""With fewer replications than this a map is a sketch: the least cells."""


def map_of(
    evidence: MarketEvidence,
    strategies: Sequence[Strategy],
    quantity: Quantity,
    over: Mapping[str, tuple[float, float]],
    *,
    quick: bool,
) -> Region:
    """Where the quantity lies above zero over two assumptions, each cell judged by its own paired interval."""
    most = min(evidence.replications, len(evidence.market.draws) or evidence.replications)
    replications = max(2, min(QUICK_REPLICATIONS if quick else REPLICATIONS, most))
    sketch = LEAST_CELLS if evidence.replications < FEW else QUICK_CELLS
    return assumption_region(
        evidence.experiment,
        strategies,
        quantity,
        over,
        cells=sketch if quick else CELLS,
        replications=replications,
        max_replications=replications if quick else max(replications, min(2 * replications, most)),
    )
