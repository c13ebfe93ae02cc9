"""Truth: planted effects of covariates come back, from subscribers made from the models' stories alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import churnsim as cs

N = 6000
EFFECT = {"price": 0.05, "plan=family": -0.8}
# Under a right model each estimate is normal about the truth; beyond 4 standard errors once in 16,000.
REACH = 4.0


def subscribers(c: float) -> pd.DataFrame:
    """Each customer's own chance theta ~ Beta(.8 e^(effect . z), 4), and P(there after t) = (1 - theta)^(t^c)."""
    rng = np.random.default_rng(20)
    price, family = rng.normal(0.0, 10.0, N), rng.random(N) < 0.4
    theta = rng.beta(0.8 * np.exp(EFFECT["price"] * price + EFFECT["plan=family"] * family), 4.0)
    life = np.ceil((np.log(rng.random(N)) / np.log1p(-theta)) ** (1.0 / c))
    watched = rng.integers(4, 13, N)
    entry = np.where(rng.random(N) < 0.3, 2, 0)
    frame = pd.DataFrame(
        {
            "tenure": np.minimum(life, watched), "churned": life <= watched, "entry": entry, "price": price,
            "plan": np.where(family, "family", "basic"),
        }
    )  # fmt: skip
    # Those who came under observation late are in the data only if still there.
    return frame[frame["tenure"] > frame["entry"]]


@pytest.mark.parametrize(("model", "c"), [(cs.ShiftedBetaGeometric, 1.0), (cs.models.BetaDiscreteWeibull, 1.5)])
def test_planted_effects_come_back(model, c):
    data = subscribers(c)
    fit = model.covariate_family.fit(data, covariates=["price", "plan"], unit="M")
    assert fit.status.ok
    first, second = list(fit.names)[:2]
    mean = EFFECT["price"] * data["price"].mean() + EFFECT["plan=family"] * (data["plan"] == "family").mean()
    truth = {first: 0.8 * np.exp(mean), second: 4.0, **{f"lifetime:{name}": value for name, value in EFFECT.items()}}
    truth |= {"c": c} if "c" in fit.names else {}
    for name, value in truth.items():
        assert abs(fit.parameters[name] - value) < REACH * fit.standard_errors[name], name
    # An interval that held everything would prove nothing: the effects are told from none, and from each other.
    for name in EFFECT:
        assert abs(fit.parameters[f"lifetime:{name}"]) > 6 * fit.standard_errors[f"lifetime:{name}"]
    alike = model.fit(data)
    assert fit.aic < alike.aic - 100
