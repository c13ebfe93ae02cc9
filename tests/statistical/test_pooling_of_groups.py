"""Partial pooling: intervals hold the groups' own parameters, and errors are smaller than alone or all as one.

The marginal likelihood is held against brute-force quadrature over a group's two effects.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import roots_hermitenorm

import churnsim as cs
from churnsim.errors import ConfigError, DataError
from churnsim.models.purchase.pooling import PooledFit, _Groups, fit_pooled

SPREAD = np.array([0.4, 0.5])
BASE = {"r": 0.8, "alpha": 6.0, "a": 0.8, "b": 2.5}


def firm(seed: int, groups: int = 12, spread: Any = SPREAD) -> tuple[pd.DataFrame, dict[str, cs.BGNBD]]:
    """A summary of segments of 25 to 400 customers, and the model of each."""
    random, parts, models = np.random.default_rng(seed), [], {}
    for g in range(groups):
        size = int(random.choice([25, 60, 150, 400]))
        rate, leaving = np.exp(spread * random.standard_normal(2))
        models[f"g{g:02d}"] = cs.BGNBD(**{**BASE, "alpha": BASE["alpha"] / rate, "a": BASE["a"] * leaving})
        own = models[f"g{g:02d}"].draw_summary(random.uniform(30, 80, size), seed=1000 * seed + g)
        parts.append(own.assign(segment=f"g{g:02d}"))
    summary = pd.concat(parts, ignore_index=True)
    summary.attrs["unit"] = "W"
    return summary, models


def errors(fit: PooledFit, summary: pd.DataFrame, models: dict[str, cs.BGNBD]) -> np.ndarray:
    """Squared errors of the logarithm of a new customer's purchases in a year: pooled, alone, all as one; summed."""
    out = np.zeros(3)
    for group, true in models.items():
        alone = cs.BGNBD.fit(summary[summary["segment"] == group]).model
        for k, model in enumerate((fit.models[group], alone, fit.plain.model)):
            out[k] += math.log(model.expected_purchases_new(52.0) / true.expected_purchases_new(52.0)) ** 2
    return out


def held(fit: PooledFit, models: dict[str, cs.BGNBD]) -> list[bool]:
    table = fit.summary()
    return [
        bool(row["lower"] <= getattr(models[group], name) <= row["upper"]) for (group, name), row in table.iterrows()
    ]


def test_small_groups_borrow_and_errors_are_smaller():
    summary, models = firm(1, groups=8)
    fit = fit_pooled(cs.BGNBD, summary, by="segment")
    assert fit.status.ok
    assert fit.loglik > fit.plain.loglik + 10
    assert sum(held(fit, models)) >= 13
    pooled, alone, as_one = errors(fit, summary, models)
    assert pooled < min(alone, as_one)
    assert ((fit.between["lower"] < SPREAD) & (fit.between["upper"] > SPREAD)).all()
    order = fit.table.sort_values("customers")
    assert order["borrowed_rate"].iloc[0] > 3 * order["borrowed_rate"].iloc[-1] > 0
    # A customer is forecast by its own group's model, one of a new group by the average.
    some = pd.concat([summary.groupby("segment").head(1), summary.tail(1).assign(segment="new")])
    found = fit.expected_purchases(some, 26.0)
    for row in range(len(some)):
        model = fit.models.get(some["segment"].iloc[row], fit.average)
        assert found.iloc[row] == model.expected_purchases(some.iloc[[row]], 26.0).item()


def test_groups_that_are_alike_are_pooled_altogether():
    summary, _ = firm(4, groups=5, spread=np.zeros(2))
    fit = fit_pooled(cs.BGNBD, summary, by="segment")
    assert fit.status.ok
    assert (fit.between["spread"] < 0.2).all()
    assert abs(fit.loglik - fit.plain.loglik) < 2
    assert fit.average.expected_purchases_new(52.0) == pytest.approx(
        fit.plain.model.expected_purchases_new(52.0), rel=0.05
    )


def test_the_marginal_likelihood_against_quadrature():
    """Over both effects of each group, the plain family's likelihood with its own two parameters moved."""
    summary, _ = firm(2, groups=4)
    start = cs.BGNBD.likelihood(summary)
    groups = _Groups.of(cs.models.BGNBDCovariates, summary, "segment", None, None, start.scales, {})
    spread, logs = np.array([0.35, 0.6]), np.log(np.array(list(BASE.values())) / start.scales)
    laplace = groups.modes(logs, spread, np.zeros((4, 2))).value + start.log_scale
    node, weight = roots_hermitenorm(60)
    total = 0.0
    for _, part in summary.groupby("segment"):
        values = np.array(
            [
                [
                    cs.BGNBD(**{**BASE, "alpha": 6.0 * math.exp(-spread[0] * u), "a": 0.8 * math.exp(spread[1] * v)})
                    .log_likelihood(part)
                    .sum()
                    for v in node[15:45]
                ]
                for u in node[15:45]
            ]
        )
        share = np.outer(weight[15:45], weight[15:45]) / (2 * math.pi)
        total += values.max() + math.log((share * np.exp(values - values.max())).sum())
    # Laplace's method leaves terms of 1 / customers of a group, here of 25 and more; a factor of 2 pi would be 1.8.
    assert laplace == pytest.approx(total, abs=0.1)


def test_refusals():
    summary, _ = firm(3, groups=3)
    with pytest.raises(DataError, match="'segment' has 2 groups, too few"):
        fit_pooled(cs.BGNBD, summary[summary["segment"] != "g00"], by="segment")
    with pytest.raises(ConfigError, match="a form with covariates"):
        fit_pooled(cs.NBD, summary, by="segment")
    with pytest.raises(ConfigError, match="there is no column 'cohort'"):
        fit_pooled(cs.BGNBD, summary, by="cohort")


@pytest.mark.slow
def test_intervals_hold_the_groups_in_many_firms():
    """Of 60 firms: 92 to 98% of the 95% intervals hold, and squared errors are below those alone and as one."""
    inside, total = [], np.zeros(3)
    for seed in range(60):
        summary, models = firm(100 + seed)
        fit = fit_pooled(cs.BGNBD, summary, by="segment")
        assert fit.status.ok, (seed, fit.status)
        inside += held(fit, models)
        total += errors(fit, summary, models)
    assert 0.92 <= np.mean(inside) <= 0.98, np.mean(inside)
    # Measured: .83 of those alone, which single firms with few small groups differ from much, and .15 of those as one.
    assert total[0] < total[1], total
    assert total[0] < 0.3 * total[2], total
