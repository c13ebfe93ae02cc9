"""Every family answers every verb, and every answer has a reference that does not use it.

The table says which test holds which verb of which family to its reference; a family or verb that is added, or a test
that is gone, fails here. Waits and draws that have no file of their own are held to theirs below.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.reference.test_families_blind import HISTORIES, MODELS, Story, frame, known, log_mean

import churnsim as cs
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.models.purchase.registry import PURCHASE_FAMILIES, with_covariates

HERE = Path(__file__)
TESTS = HERE.parents[1]
BLIND, BG_BB, OWN = "reference/test_families_blind.py", "reference/test_bg_bb_blind.py", "reference/test_every_verb.py"
DRAWS, BG_DRAWS = "statistical/test_family_draws.py", "statistical/test_posterior_draws.py"
PLAIN, RECOVERED = (
    "identities/test_covariates.py::test_a_customer_is_one_of_its_own_plain_model",
    "test_effects_come_back",
)

CONTINUOUS = ("bg_nbd", "mbg_nbd", "pareto_nbd", "nbd", "mbg_cnbd")
COVARIATES = tuple(f"{name}_covariates" for name in with_covariates(simulated=False))
FAMILIES: dict[str, Any] = {
    **PURCHASE_FAMILIES,
    **{name: PURCHASE_FAMILIES[name.removesuffix("_covariates")].covariate_family for name in COVARIATES},
}
# Not verbs of a model: how it is made and kept.
ASIDE = {"fit", "likelihood", "from_dict", "save", "to_dict", "unit", "family", "parameter_names"}


def held(test: str, bg_bb: str, covariates: str = PLAIN) -> dict[str, str]:
    """One test for the continuous families, one for BG/BB, one for those with covariates."""
    return dict.fromkeys(CONTINUOUS, test) | {"bg_bb": bg_bb} | dict.fromkeys(COVARIATES, covariates)


NEW = f"{OWN}::test_new_customers_with_covariates_are_average_ones"
REFERENCES: dict[str, dict[str, str]] = {
    "log_likelihood": held(f"{BLIND}::test_known_customers", f"{BG_BB}::test_known_customers"),
    "p_alive": held(f"{BLIND}::test_known_customers", f"{BG_BB}::test_known_customers"),
    "expected_purchases": held(f"{BLIND}::test_known_customers", f"{BG_BB}::test_known_customers"),
    "conditional_pmf": held(f"{BLIND}::test_known_customers", f"{BG_BB}::test_known_customers"),
    "residual_transactions": held(f"{BLIND}::test_discounted_purchases", f"{BG_BB}::test_known_customers"),
    "time_to_next_purchase": held(f"{OWN}::test_waits", f"{BG_BB}::test_waits"),
    "expected_purchases_new": held(f"{BLIND}::test_new_customers", f"{BG_BB}::test_new_customers", NEW),
    "purchase_pmf": held(f"{BLIND}::test_new_customers", f"{BG_BB}::test_new_customers", NEW),
    "draw_customers": held(f"{OWN}::test_population", f"{OWN}::test_population", f"{OWN}::test_population"),
    "draw_summary": held(f"{OWN}::test_histories", f"{OWN}::test_histories", f"{OWN}::test_histories"),
    "draw_posterior": held(f"{DRAWS}::test_posterior_draws", f"{DRAWS}::test_bg_bb_draws")
    | {"bg_nbd": f"{BG_DRAWS}::test_posterior_draws", "nbd": f"{OWN}::test_nbd_posterior"},
}


@cache
def named_tests(file: str) -> dict[str, str]:
    """The tests of a file, by name, and the source of the whole file."""
    source = (TESTS / file).read_text(encoding="utf-8")
    return {node.name: source for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}


def missing(references: dict[str, dict[str, str]], families: dict[str, Any]) -> list[str]:
    """What is not there: verbs without a row, families without an entry, entries without a test."""
    verbs = {name for name in vars(PurchaseModel) if not name.startswith("_")} - ASIDE
    verbs |= {"log_likelihood"}
    found = [f"no references for {verb}" for verb in verbs ^ set(references)]
    for verb, row in references.items():
        for family, model in families.items():
            if not callable(getattr(model, verb, None)):
                found.append(f"{family} lacks {verb}")
            file, _, test = row.get(family, "").partition("::")
            if not file or test not in named_tests(file):
                found.append(f"{family}.{verb} has no reference {test}")
            elif model.__name__ not in named_tests(file)[test]:
                found.append(f"{file} does not speak of {model.__name__}")
    return found


def test_every_family_has_every_verb_and_its_reference() -> None:
    found = missing(REFERENCES, FAMILIES)
    assert not found, f"write them in tests/reference and name them in REFERENCES, above: {found}"
    assert set(POPULATIONS) == set(FAMILIES), "give each family its model and the laws of its traits in POPULATIONS"


def test_what_is_missing_is_found() -> None:
    """Control: a verb without a row, a family without an entry, a test that is gone, a family without the verb."""
    gone = REFERENCES | {"p_alive": REFERENCES["p_alive"] | {"nbd": f"{BLIND}::test_of_old"}}
    assert missing(gone, FAMILIES) == ["nbd.p_alive has no reference test_of_old"]
    fewer = {verb: row for verb, row in REFERENCES.items() if verb != "p_alive"}
    assert missing(fewer, FAMILIES) == ["no references for p_alive"]
    assert "spend.p_alive has no reference " in missing(REFERENCES, FAMILIES | {"spend": cs.GammaGamma})
    assert "spend lacks p_alive" in missing(REFERENCES, FAMILIES | {"spend": cs.GammaGamma})


@pytest.mark.parametrize(("model", "story"), MODELS.values(), ids=MODELS.keys())
@pytest.mark.parametrize("seen", [HISTORIES["no repeat"], HISTORIES["paper's"]], ids=["no repeat", "paper's"])
def test_waits(model: Any, story: Story, seen: tuple[int, float, float]) -> None:
    """By the wait the chance of a purchase, integrated from the story, is the quantile; where it never is, none."""
    total, alive = known(story, seen)
    silent = seen[2] - seen[1]

    def chance(t: float) -> float:
        none = np.exp(log_mean(story, story.alive(*seen), story.count(0, t, silent)) - total)
        return float(np.exp(alive - total) - none)

    for quantile in (0.02, 0.3):
        wait = model.time_to_next_purchase(frame(*seen), quantile=quantile).item()
        if np.isinf(wait):
            assert chance(1e9) < quantile
        else:
            # Bisection in the wait, of which the chance is a smooth function.
            assert chance(wait) == pytest.approx(quantile, rel=1e-7)


POPULATIONS: dict[str, tuple[Any, dict[str, Any]]] = {
    "bg_nbd": (
        cs.BGNBD(r=0.7, alpha=4.0, a=0.8, b=2.4),
        {"rate": stats.gamma(0.7, scale=1 / 4), "dropout": stats.beta(0.8, 2.4)},
    ),
    "mbg_nbd": (
        cs.MBGNBD(r=0.7, alpha=4.0, a=0.8, b=2.4),
        {"rate": stats.gamma(0.7, scale=1 / 4), "dropout": stats.beta(0.8, 2.4)},
    ),
    "pareto_nbd": (
        cs.ParetoNBD(r=0.7, alpha=4.0, s=1.3, beta=9.0),
        {"rate": stats.gamma(0.7, scale=1 / 4), "death_rate": stats.gamma(1.3, scale=1 / 9),
         "lifetime": stats.lomax(1.3, scale=9)},
    ),
    "nbd": (cs.NBD(r=0.7, alpha=4.0), {"rate": stats.gamma(0.7, scale=1 / 4)}),
    "mbg_cnbd": (
        cs.models.MBGCNBD(r=0.7, alpha=4.0, a=0.8, b=2.4, k=2),
        {"rate": stats.gamma(0.7, scale=1 / 8), "dropout": stats.beta(0.8, 2.4)},
    ),
    "bg_bb": (
        cs.models.BGBB(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8),
        {"purchase_probability": stats.beta(1.2, 0.75), "dropout": stats.beta(0.66, 2.8)},
    ),
    "bg_nbd_covariates": (
        cs.models.BGNBDCovariates(r=0.7, alpha=4.0, a=0.8, b=2.4, rate_effects={"z": 2.0}, covariate_means={"z": 1.0}),
        {"rate": stats.gamma(0.7, scale=1 / 4), "dropout": stats.beta(0.8, 2.4)},
    ),
    "mbg_nbd_covariates": (
        cs.models.MBGNBDCovariates(r=0.7, alpha=4.0, a=0.8, b=2.4, rate_effects={"z": 2.0}, covariate_means={"z": 1.0}),
        {"rate": stats.gamma(0.7, scale=1 / 4), "dropout": stats.beta(0.8, 2.4)},
    ),
    "mbg_cnbd_covariates": (
        cs.models.MBGCNBDCovariates(
            r=0.7, alpha=4.0, a=0.8, b=2.4, k=2, rate_effects={"z": 2.0}, covariate_means={"z": 1.0}
        ),
        {"rate": stats.gamma(0.7, scale=1 / 8), "dropout": stats.beta(0.8, 2.4)},
    ),
    "bg_bb_covariates": (
        cs.models.BGBBCovariates(
            alpha=1.2, beta=0.75, gamma=0.66, delta=2.8, rate_effects={"z": 2.0}, covariate_means={"z": 1.0}
        ),
        {"purchase_probability": stats.beta(1.2, 0.75), "dropout": stats.beta(0.66, 2.8)},
    ),
    "pareto_nbd_covariates": (
        cs.models.ParetoNBDCovariates(
            r=0.7, alpha=4.0, s=1.3, beta=9.0, rate_effects={"z": 2.0}, covariate_means={"z": 1.0}
        ),
        {"rate": stats.gamma(0.7, scale=1 / 4), "death_rate": stats.gamma(1.3, scale=1 / 9),
         "lifetime": stats.lomax(1.3, scale=9)},
    ),
}  # fmt: skip
every_population = pytest.mark.parametrize("family", FAMILIES)


@every_population
def test_population(family: str) -> None:
    """New customers' traits have the laws of the story, independently of each other; other laws are caught."""
    model, laws = POPULATIONS[family]
    drawn = model.draw_customers(4000, seed=7)
    if family == "nbd":  # nobody leaves
        assert (drawn.pop("death_rate") == 0).all()
    assert set(drawn.columns) == set(laws)
    for name, law in laws.items():
        values = drawn[name].to_numpy()
        # One right sample in 10,000 fails.
        assert stats.kstest(values, law.cdf).pvalue > 1e-4, name
        assert stats.kstest(values * 1.15, law.cdf).pvalue < 1e-3, name
    columns = [name for name in laws if name != "lifetime"]
    if len(columns) == 2:
        assert stats.spearmanr(drawn[columns[0]], drawn[columns[1]]).pvalue > 1e-4


@every_population
def test_histories(family: str) -> None:
    """Counts by age follow the law of counts, which the integrals above hold; and the last purchase its likelihood.

    Under the truth the mean slope of the log-likelihood is 0: a recency drawn wrongly would pull parameters off.
    """
    model, _ = POPULATIONS[family]
    T, size = 12.0, 4000
    summary = model.draw_summary(np.full(size, T), seed=8)
    counts = np.bincount(np.minimum(summary["frequency"], 6), minlength=7)
    law = model.purchase_pmf(range(6), T)
    expected = size * np.append(law, 1 - law.sum())
    assert stats.chi2.sf(((counts - expected) ** 2 / expected).sum(), 6) > 1e-4
    values = model.to_dict()
    if family in COVARIATES:
        summary = summary.assign(z=1.0)
    for name in model.parameter_names:
        if name == "k":
            continue
        step = 1e-4 * values[name]
        up, down = (
            type(model).from_dict({**values, name: values[name] + s}).log_likelihood(summary) for s in (step, -step)
        )  # fmt: skip
        slope = (up - down).to_numpy() / (2 * step)
        assert abs(slope.mean()) < 4.5 * slope.std() / size**0.5, name


def test_nbd_posterior() -> None:
    """The rate of a customer with x purchases in T is Gamma(r + x, alpha + T), and everybody is alive."""
    summary = pd.DataFrame({"frequency": [3] * 4000, "recency": 5.0, "T": 20.0})
    drawn = cs.NBD(r=0.7, alpha=4.0).draw_posterior(summary, seed=9)
    assert drawn["alive"].all()
    assert stats.kstest(drawn["rate"], stats.gamma(3.7, scale=1 / 24).cdf).pvalue > 1e-4
    assert stats.kstest(drawn["rate"], stats.gamma(3.7, scale=1 / 22).cdf).pvalue < 1e-4


@pytest.mark.parametrize("family", COVARIATES)
def test_new_customers_with_covariates_are_average_ones(family: str) -> None:
    model, _ = POPULATIONS[family]
    plain = POPULATIONS[family.removesuffix("_covariates")][0]
    assert model.expected_purchases_new(30.0) == plain.expected_purchases_new(30.0)
    np.testing.assert_array_equal(model.purchase_pmf(range(9), 30.0), plain.purchase_pmf(range(9), 30.0))
    # And those of given covariates have their own rate, or odds: e^(2 (1.5 - 1)) times the average ones.
    alpha = plain.alpha * np.e if family == "bg_bb_covariates" else plain.alpha / np.e
    own = type(plain).from_dict({**plain.to_dict(), "alpha": alpha})
    people = pd.DataFrame({"frequency": [0], "recency": [0.0], "T": [30.0], "z": [1.5]})
    assert model.expected_purchases_like(people, 30.0).item() == pytest.approx(own.expected_purchases_new(30.0))
    assert model.purchase_pmf_like(2, people, 30.0).item() == pytest.approx(own.purchase_pmf(2, 30.0))
    if family == "bg_bb_covariates":
        return
    periods = model.expected_active_periods_like(people, 30.4).item()
    assert periods == pytest.approx(own.expected_active_periods_new(30.4))
