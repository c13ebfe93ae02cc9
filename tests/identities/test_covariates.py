"""Covariates: each customer is one of a plain model with its own alpha and a (or beta), and effects come back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.models.purchase.bg_bb import BGBBCovariates
from churnsim.models.purchase.bg_nbd import BGNBDCovariates
from churnsim.models.purchase.mbg_cnbd import MBGCNBDCovariates
from churnsim.models.purchase.mbg_nbd import MBGNBDCovariates
from churnsim.models.purchase.pareto_nbd import ParetoNBDCovariates

EFFECTS: dict[str, Any] = {
    "rate_effects": {"sex": 0.5, "income": 0.001},
    "lifetime_effects": {"sex": -0.6},
    "covariate_means": {"sex": 0.5, "income": 2000.0},
}
MODELS = [
    BGNBDCovariates(r=0.8, alpha=5.0, a=0.8, b=2.5, **EFFECTS),
    ParetoNBDCovariates(r=0.8, alpha=5.0, s=0.8, beta=9.0, **EFFECTS),
    MBGNBDCovariates(r=0.8, alpha=5.0, a=0.8, b=2.5, **EFFECTS),
    MBGCNBDCovariates(r=0.8, alpha=2.0, a=0.8, b=2.5, k=3, **EFFECTS),
    BGBBCovariates(alpha=1.2, beta=2.0, gamma=0.7, delta=5.0, **EFFECTS),
]
CHOICE = {"covariates_rate": ["sex", "income"], "covariates_lifetime": ["sex"]}
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.family)


def people(n: int, model: Any = None) -> pd.DataFrame:
    rng = np.random.Generator(np.random.PCG64(1))
    columns = {
        "sex": rng.integers(0, 2, n).astype(float), "income": rng.normal(2000, 300, n), "T": rng.uniform(30, 60, n),
    }  # fmt: skip
    frame = pd.DataFrame(columns, index=[f"c{i}" for i in range(n)])
    return frame.assign(T=np.floor(frame["T"] / 5)) if isinstance(model, BGBBCovariates) else frame


def stages(model: Any) -> dict[str, int]:
    return {"k": model.k} if isinstance(model, MBGCNBDCovariates) else {}


def plain(model: Any, row: pd.Series) -> Any:
    """The model without covariates of one customer."""
    rate = np.exp(0.5 * (row["sex"] - 0.5) + 0.001 * (row["income"] - 2000))
    leaving = np.exp(-0.6 * (row["sex"] - 0.5))
    if isinstance(model, BGBBCovariates):
        return cs.models.BGBB(alpha=1.2 * rate, beta=2.0, gamma=0.7 * leaving, delta=5.0)
    if isinstance(model, BGNBDCovariates):
        return type(model).plain(r=0.8, alpha=model.alpha / rate, a=0.8 * leaving, b=2.5, **stages(model))
    return cs.ParetoNBD(r=0.8, alpha=5.0 / rate, s=0.8, beta=9.0 / leaving)


@every_model
def test_a_customer_is_one_of_its_own_plain_model(model: Any) -> None:
    seen = model.draw_summary_like(people(60, model), seed=3)
    # The other way of the rising factorial; a silence after each opportunity.
    seen.loc["c1", ["frequency", "recency"]] = [3, 3.0] if isinstance(model, BGBBCovariates) else [45, 25.0]
    verbs = {
        "log_likelihood": lambda m, s: m.log_likelihood(s),
        "p_alive": lambda m, s: m.p_alive(s),
        "expected": lambda m, s: m.expected_purchases(s, 39.0),
        "pmf": lambda m, s: m.conditional_pmf([2], s, 39.0)[2],
        "DERT": lambda m, s: m.residual_transactions(s, 0.1),
        "wait": lambda m, s: m.time_to_next_purchase(s, quantile=0.1),
        "rate": lambda m, s: m.draw_posterior(s, seed=1).iloc[:, 0],
    }
    new = seen.iloc[:12]
    for n in (0, 2):
        law = [plain(model, row).purchase_pmf(n, 20.0) for _, row in new.iterrows()]
        np.testing.assert_allclose(model.purchase_pmf_like(n, new, 20.0), np.array(law, dtype=float), rtol=1e-9)
    mean = [plain(model, row).expected_purchases_new(20.0) for _, row in new.iterrows()]
    np.testing.assert_allclose(model.expected_purchases_like(new, 20.0), np.array(mean, dtype=float), rtol=1e-9)
    for name, verb in verbs.items():
        ours = verb(model, seen)
        for customer in seen.index[:12]:
            alone = seen.loc[[customer]]
            expected = verb(plain(model, alone.iloc[0]), alone).item()
            assert ours[customer] == pytest.approx(expected, rel=1e-9), (name, customer)


@every_model
def test_gradient_is_the_slope(model: Any) -> None:
    seen = model.draw_summary_like(people(200, model), seed=3)
    likelihood = type(model).likelihood(seen, **CHOICE, **stages(model), penalty=3.0)
    at = np.array([*likelihood.starts[0][:4], 0.3, -0.2, 0.4])
    gradient = likelihood.objective(at)[1]
    for i, slope in enumerate(gradient):
        shift = 1e-5 * np.eye(7)[i]
        difference = (likelihood.objective(at + shift)[0] - likelihood.objective(at - shift)[0]) / 2e-5
        # Rounding of a value of some thousands over the step, and the step's square.
        assert difference == pytest.approx(slope, rel=1e-5, abs=1e-5)


@every_model
def test_effects_come_back(model: Any) -> None:
    seen = model.draw_summary_like(people(4000, model), seed=1)
    family, more = type(model), stages(model)
    fit = family.fit(seen, **CHOICE, **more)
    assert fit.status.ok
    truth = {"rate:sex": 0.5, "rate:income": 0.001, "lifetime:sex": -0.6}
    for name, value in truth.items():
        assert abs(fit.parameters[name] - value) < 3.5 * fit.standard_errors[name], name
    # Far better than without, and no better than the truth by more than its seven parameters explain.
    assert fit.loglik > family.fit(seen, **more).loglik + 50
    assert 0 < fit.loglik - model.log_likelihood(seen).sum() < 15
    table = fit.summary()
    assert (table["lower"] < table["estimate"]).all()
    assert type(fit.model).from_dict(fit.model.to_dict()) == fit.model
    drawn = [m.rate_effects["sex"] for m in fit.draw_parameters(200, seed=1)]
    assert np.std(drawn) == pytest.approx(fit.standard_errors["rate:sex"], rel=0.2)
    # Another scale of a covariate is another unit of its effect.
    cents = family.fit(seen.assign(income=seen["income"] * 100), **CHOICE, **more)
    assert cents.parameters["rate:income"] * 100 == pytest.approx(fit.parameters["rate:income"], rel=1e-5)
    assert cents.loglik == pytest.approx(fit.loglik, rel=1e-10)
    shrunk = family.fit(seen, **CHOICE, **more, penalty=1000.0)
    assert abs(shrunk.parameters["rate:sex"]) < abs(fit.parameters["rate:sex"])
    assert shrunk.loglik < fit.loglik


@every_model
def test_separation_is_told(model: Any) -> None:
    family = type(model)
    seen, more = model.draw_summary_like(people(500, model), seed=1).assign(never=0.0), stages(model)
    seen.loc[seen.index[:20], ["never", "frequency", "recency"]] = [1.0, 0, 0.0]
    fit = family.fit(seen, covariates_rate=["never"], **more)
    assert fit.status.code == "separation"
    assert "rate:never" in fit.status.message
    assert "penalty" in fit.status.advice
    assert np.isfinite(list(fit.parameters.values())).all()
    assert family.fit(seen, covariates_rate=["never"], **more, penalty=1.0).status.ok


def test_the_regularity_is_found() -> None:
    seen = MODELS[3].draw_summary_like(people(1500), seed=1)
    fit = MBGCNBDCovariates.fit(seen, covariates_rate=["sex"])
    assert fit.model.k == 3
    assert fit.loglik == pytest.approx(fit.log_likelihood(seen).sum(), rel=1e-12)
    assert MBGCNBDCovariates.likelihood(seen, covariates_rate=["sex"]).build(fit.model.to_dict()).k == 3
    with pytest.raises(cs.errors.ConfigError, match="k must be a whole number"):
        MBGCNBDCovariates(r=1.0, alpha=1.0, a=1.0, b=1.0, k=1.5)
    with pytest.raises(cs.errors.DataError, match="T must be a whole number of opportunities"):
        BGBBCovariates.fit(seen, covariates_rate=["sex"])


def test_refusals() -> None:
    seen = MODELS[0].draw_summary_like(people(50), seed=1)
    for frame, message in (
        (seen.drop(columns="income"), "lacks the covariate 'income'"),
        (seen.assign(income=1.0), "the covariate 'income' is the same for every customer"),
        (seen.assign(income="rich"), "the covariate 'income' must hold numbers"),
        (seen.assign(income=seen["income"].where(seen.index != "c7")), "customer 'c7' has nan"),
        (seen.assign(income=3 * seen["sex"]), "linear combinations of each other"),
    ):
        with pytest.raises(cs.errors.DataError, match=message):
            cs.models.BGNBDCovariates.fit(frame, **CHOICE)
    with pytest.raises(cs.errors.ConfigError, match="penalty must be a finite number at least 0"):
        cs.models.BGNBDCovariates.fit(seen, **CHOICE, penalty=-1)
    with pytest.raises(cs.errors.ConfigError, match="covariate_means lacks sex"):
        BGNBDCovariates(r=1.0, alpha=1.0, a=1.0, b=1.0, rate_effects={"sex": 1.0})
