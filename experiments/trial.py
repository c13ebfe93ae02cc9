"""Which trial would tell what contacts do, and what does it say once it is read?

Once around on CDNOW's customers, with a made-up truth in place of the purchases to come:

    plan = planned()
    print(plan)
    print(read(plan, truth=3.2))

docs/trials.md goes through it step by step, on to the next study. Money in US dollars, durations in weeks.
"""

from __future__ import annotations

from dataclasses import replace

import churnsim as cs
from churnsim.trials import TrialDesign, TrialReading, design_trial, read_trial, simulate_trial

__all__ = ["planned", "read"]

ABOUT = "retention.purchase_lift"
MAILS = cs.Strategy(name="mails", retention=cs.simulation.RetentionContacts(budget_per_period=3000.0))


def market(lift: float = 1.5) -> cs.Market:
    """Every third customer of the sample at the end of 1997, with what a mail does to buying."""
    customers = cs.summarise(cs.datasets.cdnow(), until="1997-12-31").iloc[::3]
    return cs.Market(
        customers=cs.PosteriorBase(customers), purchases=cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426),
        spend=cs.GammaGamma(p=6.25, q=3.74, gamma=15.44), retention=cs.simulation.RetentionResponse(purchase_lift=lift),
    )  # fmt: skip


def planned(*, effect: float = 2.5, power: float = 0.7, replications: int = 6) -> TrialDesign:
    """The cheapest of two trials of 16 weeks that tells a lift from none."""
    return design_trial(
        market(), MAILS, about=ABOUT, effect=effect, weeks=[16], shares=[0.3, 0.5], power=power, seed=1,
        replications=replications,
    )  # fmt: skip


def read(plan: TrialDesign, *, truth: float, seed: int = 99) -> TrialReading:
    """Draw the list, let the customers buy as they do where the lift is `truth`, and look every week."""
    trial = plan.assignment(start="1998-01-01", seed=7)
    world = market()
    world = replace(world, retention=replace(world.retention, purchase_lift=truth))
    return read_trial(trial, simulate_trial(world, MAILS, trial, seed=seed), until=trial.manifest.end)
