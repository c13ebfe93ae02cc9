"""The gamma-geometric with covariates that change: against quadrature over customers' hazards, in special cases that
are known, and in simulated firms."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import gamma

import churnsim as cs
from churnsim.errors import ConfigError, DataError
from churnsim.models.retention.g2g import GammaGeometric

TRUE = GammaGeometric(r=1.2, alpha=12.0, lifetime_effects={"price": 0.8}, covariate_means={"price": 0.0})
RENEWALS = 12
LAW = gamma(TRUE.r, scale=1 / TRUE.alpha)


def firm(seed: int, customers: int = 500) -> pd.DataFrame:
    """A row a customer and renewal: whether it stays is drawn from its own hazard."""
    random, rows = np.random.default_rng(seed), []
    for k in range(customers):
        hazard = random.gamma(TRUE.r, 1 / TRUE.alpha)
        for s, price in enumerate(random.normal(0, 0.6, RENEWALS)):
            leaves = random.random() > math.exp(-hazard * math.exp(0.8 * price))
            rows.append((k, s, s + 1, leaves, price))
            if leaves:
                break
    return pd.DataFrame(rows, columns=["customer_id", "entry", "tenure", "churned", "price"])


def test_against_quadrature():
    rows = firm(3, customers=12)
    plan = pd.DataFrame({"customer_id": np.repeat(np.arange(12), 3), "price": [0.4, -0.5, 1.0] * 12})
    likelihood, path = TRUE.log_likelihood(rows), TRUE.survival_path(rows, plan)
    for k, own in rows.groupby("customer_id"):
        speed = np.exp(0.8 * own["price"].to_numpy())
        left = bool(own["churned"].iloc[-1])

        def chance(hazard, speed=speed, left=left):
            stays = math.exp(-hazard * (speed[:-1].sum() if left else speed.sum()))
            return stays * (-math.expm1(-hazard * speed[-1]) if left else 1.0) * LAW.pdf(hazard)

        assert likelihood[k] == pytest.approx(math.log(quad(chance, 0, 20, epsabs=1e-14, limit=500)[0]), abs=1e-8)
        ahead = np.cumsum(np.exp(0.8 * np.array([0.4, -0.5, 1.0])))
        there, later = (
            quad(lambda h, c=c: math.exp(-h * c) * LAW.pdf(h), 0, 20, epsabs=1e-14, limit=500)[0]
            for c in (speed.sum(), speed.sum() + ahead[2])
        )
        assert path.loc[k, 3] == pytest.approx(later / there, rel=1e-8)


def test_residual_lifetimes_are_sums():
    """Of v^(k-1) ((alpha + n)/(alpha + n + k))^r, term by term."""
    for r, alpha, rate in ((1.2, 12.0, 0.1), (0.02, 0.5, 0.001), (400.0, 3000.0, 0.15), (3.0, 0.01, 2.0)):
        k = np.arange(1.0, 45.0 / math.log1p(rate) + 2.0)
        model = GammaGeometric(r=r, alpha=alpha, unit="Y")
        for n, found in zip((0, 5), model.derl(rate, [0, 5]), strict=True):
            terms = (1 + rate) ** (1 - k) * ((alpha + n) / (alpha + n + k)) ** r
            assert found == pytest.approx(math.fsum(terms), rel=1e-10)
    people = pd.DataFrame({"tenure": [4, 2], "churned": [False, True], "price": [0.5, 0.0]})
    own = TRUE.derl(0.1, customers=people)
    assert own.tolist() == pytest.approx([TRUE.residual_value(0.1, customers=people).iloc[0], 0.0], rel=1e-6)
    with pytest.raises(ConfigError, match="needs a rate above 0"):
        TRUE.derl(0.0)


def test_it_is_compared_with_its_siblings():
    rows = firm(5, customers=300).groupby("customer_id", as_index=False).last().drop(columns="entry")
    table = cs.models.compare_survival(rows, kinds=["sbg", "g2g"], folds=2)
    g2g = GammaGeometric.fit(rows)
    assert table.loc["g2g", "loglik"] == pytest.approx(g2g.loglik, abs=1e-9)
    assert table["held_out"].notna().all()


def test_slopes_and_rows_that_hold_on():
    rows = firm(4, customers=80)
    rows["price"] = rows["price"].where(rows["entry"] % 2 == 0).ffill()  # each value for two renewals
    found = GammaGeometric.likelihood(rows, covariates=["price"])
    at = np.array([0.9, 8.0, 0.4])
    for i, slope in enumerate(found.objective(at)[1]):
        step = 1e-5 * np.eye(3)[i]
        difference = (found.objective(at + step)[0] - found.objective(at - step)[0]) / 2e-5
        assert slope == pytest.approx(difference, rel=1e-6, abs=1e-6)
    spell = rows["entry"] // 2
    merged = rows.groupby(["customer_id", spell]).agg(
        entry=("entry", "min"), tenure=("tenure", "max"), churned=("churned", "max"), price=("price", "first")
    )
    np.testing.assert_allclose(
        TRUE.log_likelihood(merged.droplevel("entry").reset_index()), TRUE.log_likelihood(rows), rtol=1e-12
    )


def test_known_special_cases():
    """Without covariates S(t) = (alpha/(alpha + t))^r, the Pareto of the second kind; alike customers are geometric."""
    model = GammaGeometric(r=0.7, alpha=5.0, unit="M")
    steps = np.arange(0.0, 6.0)
    np.testing.assert_allclose(model.survival(steps), (5 / (5 + steps)) ** 0.7, rtol=1e-14)
    now = pd.DataFrame({"tenure": [4], "churned": [False]})
    np.testing.assert_allclose(model.residual_survival(now, steps)[0], (9 / (9 + steps)) ** 0.7, rtol=1e-13)
    alike = GammaGeometric(r=1e9, alpha=1e10)
    np.testing.assert_allclose(alike.survival(steps), np.exp(-0.1 * steps), rtol=1e-7)
    assert GammaGeometric.from_dict(TRUE.to_dict()) == TRUE
    assert model.residual_value(0.1, 2.0, horizon=3) == pytest.approx(
        sum(2 * (5 / (5 + k)) ** 0.7 * 1.1 ** (-(k - 1) / 12) for k in (1, 2, 3))
    )


def test_the_effect_comes_out():
    fit = GammaGeometric.fit(firm(1), covariates=["price"])
    assert fit.status.ok
    table = fit.summary(level=0.9999)
    for name, true in {"r": 1.2, "alpha": 12.0, "lifetime:price": 0.8}.items():
        assert table.loc[name, "lower"] < true < table.loc[name, "upper"]
    shuffled = firm(1)
    shuffled["price"] = np.random.default_rng(2).permutation(shuffled["price"].to_numpy())
    other = GammaGeometric.fit(shuffled, covariates=["price"])
    assert abs(other.parameters["lifetime:price"]) < 4 * other.standard_errors["lifetime:price"] < 0.8


def test_refusals():
    rows = firm(1, customers=40)
    for frame, words in (
        (rows[rows["entry"] != 1], "each row must begin where the one before ended"),
        (rows.assign(churned=True), "a customer can only have left in its last row"),
        (rows.assign(price=1.0), "'price' is the same for every customer"),
        (rows.assign(price=np.nan), "'price' must be a finite number"),
    ):
        with pytest.raises(DataError, match=words):
            GammaGeometric.fit(frame, covariates=["price"])
    with pytest.raises(DataError, match="as many rows for each customer"):
        TRUE.survival_path(rows, rows[["customer_id", "price"]])
    with pytest.raises(ConfigError, match="must name the same covariates"):
        GammaGeometric(r=1.0, alpha=1.0, lifetime_effects={"price": 1.0})
    assert GammaGeometric.fit(rows[rows["entry"] == 0].assign(churned=False)).status.code == "too little data"


@pytest.mark.slow
def test_intervals_cover_in_many_firms():
    held = dict.fromkeys(("r", "alpha", "lifetime:price"), 0)
    truth = {"r": 1.2, "alpha": 12.0, "lifetime:price": 0.8}
    for seed in range(200):
        table = cs.models.GammaGeometric.fit(firm(seed, customers=800), covariates=["price"]).summary()
        for name, true in truth.items():
            held[name] += table.loc[name, "lower"] <= true <= table.loc[name, "upper"]
    assert 0.92 <= sum(held.values()) / 600 <= 0.98, held
