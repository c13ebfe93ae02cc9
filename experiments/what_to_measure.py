"""What should be measured before it is decided whether to buy customers, and is a trial of two regions worth its cost?

On every 25th of CDNOW's customers; the whole study is ``configs/cdnow.toml`` (``churnsim decide configs/cdnow.toml``):

    found = worth(replications=100)
    print(found)
    print(found.of_trial(about="prospects.spend_scale", standard_error=0.2, cost=10.0, fixed_cost=2.0))

docs/deciding.md says what the words mean. Money in US dollars, durations in weeks.
"""

from __future__ import annotations

import churnsim as cs
from churnsim.decisions import ValueOfInformation, drawn_numbers, value_of_information

__all__ = ["worth"]

GUESS = {"status": "assumed", "source": "as in configs/cdnow.toml"}
BELIEFS = {
    "terms.margin": cs.evidence.Belief(value=0.30, low=0.18, high=0.42, **GUESS),
    "prospects.spend_scale": cs.evidence.Belief(value=0.50, low=0.15, high=2.00, **GUESS),
    "prospects.ceiling": cs.evidence.Belief(value=0.02, low=0.01, high=0.04, **GUESS),
    "retention.spend_scale": cs.evidence.Belief(value=0.50, low=0.10, high=2.00, **GUESS),
}
WAYS = [
    cs.Strategy(name="nothing"),
    cs.Strategy(name="buying", acquisition=cs.simulation.Acquisition(budget_per_period=8.0)),
    cs.Strategy(name="contacts", retention=cs.simulation.RetentionContacts(budget_per_period=8.0)),
]


def worth(*, replications: int, horizon: float = 52.0, seed: int = 1) -> ValueOfInformation:
    """What each number is worth for a choice among buying, contacts and nothing."""
    customers = cs.summarise(cs.datasets.cdnow(), until="1998-06-30").iloc[::25]
    market = cs.Market(
        customers=cs.PosteriorBase(customers), purchases=cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426),
        spend=cs.GammaGamma(p=6.25, q=3.74, gamma=15.44), prospects=cs.simulation.Prospects(size=800.0),
        beliefs=BELIEFS,
    )  # fmt: skip
    compared = cs.compare(market, WAYS, replications=replications, horizon=horizon, seed=seed)
    return value_of_information(compared, drawn_numbers(market, replications, seed=seed))
