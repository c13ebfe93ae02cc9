"""Which steps of a programme earn their money?

The nine steps and the strategies of the texts as one programme each, and each step left out in turn with its money
going to
contacts; goes with ``configs/programmes.toml``:

    from churnsim.claims import cdnow_evidence

    market = cdnow_evidence(replications=4).market
    found = ask(market, ("the best fifth", "answering complaints", "winning back"), replications=4, seed=1)
    print(found.region or found.reason)

Durations in weeks.
"""

from __future__ import annotations

from churnsim.claims import STEPS, Finding, judge_programme, market_evidence
from churnsim.simulation import Market

__all__ = ["ask"]


def ask(market: Market, steps: tuple[str, ...], *, replications: int, seed: int) -> Finding:
    """The programme made of those steps of `STEPS`, against nothing and without each step, over two years."""
    chosen = {name: STEPS[name] for name in steps}
    return judge_programme(market_evidence(market, replications=replications, seed=seed), chosen)
