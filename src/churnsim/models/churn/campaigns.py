"""Simulated retention campaigns with a known answer: whom a contact keeps, whom it leaves cold, whom it drives away."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from churnsim.checks import check_count, check_number, check_seed, typed

__all__ = ["simulated_campaign"]


@typed
def simulated_campaign(
    customers: int, *, seed: int, share_treated: float = 0.5, effect: float = 1.0, harmed: bool = True
) -> pd.DataFrame:
    """A randomised campaign: `risk`, `openness`, `plan`, `treated`, `stayed`, and the truth in `uplift`.

    Who is at risk leaves more often, contact or not. A contact moves the log-odds of staying by `effect` times
    openness, which has nothing to do with risk and is negative for a third of the customers (with `harmed`; else for
    none): targeting by risk then misses those who respond, as Ascarza (2018, Journal of Marketing Research 55(1),
    80-98) found in the field. All coefficients are assumed. Raises ConfigError for impossible arguments.

    Examples
    --------
    >>> campaign = simulated_campaign(1000, seed=1)
    >>> float(campaign["uplift"].mean().round(2)), bool((campaign["uplift"] < 0).any())
    (0.05, True)
    """
    check_count(customers, "customers", least=10)
    check_number(share_treated, "share_treated", above=0, below=1)
    check_number(effect, "effect")
    random = np.random.Generator(np.random.Philox(check_seed(seed)))
    risk = random.standard_normal(customers)
    openness = random.uniform(-0.5 if harmed else 0.0, 1.0, customers)
    plan = np.where(random.random(customers) < 0.4, "plus", "basic")
    treated = random.random(customers) < share_treated
    base = 0.8 - 1.2 * risk + 0.4 * (plan == "plus")
    with_contact, without = expit(base + 1.5 * effect * openness), expit(base)
    stayed = random.random(customers) < np.where(treated, with_contact, without)
    return pd.DataFrame(
        {
            "risk": risk, "openness": openness, "plan": plan, "treated": treated, "stayed": stayed,
            "uplift": with_contact - without,
        },
        index=pd.RangeIndex(customers, name="customer_id"),
    )  # fmt: skip
