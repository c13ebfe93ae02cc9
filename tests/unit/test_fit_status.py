"""Hard data: every fit ends with a status in words and numbers that are numbers; bad data are refused by name."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.data import datasets, summarise
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.purchase.bg_nbd import BGNBD
from churnsim.models.spend.gamma_gamma import GammaGamma
from churnsim.models.value.clv import customer_value
from churnsim.simulation.customers.base import PosteriorBase
from churnsim.simulation.scenario.market import Market


def frame(x: Any, t_x: Any, T: Any, m: Any = 0.0) -> pd.DataFrame:
    return pd.DataFrame({"frequency": x, "recency": t_x, "T": T, "monetary_value": m})


def cdnow() -> pd.DataFrame:
    return summarise(datasets.cdnow(), until="1997-09-30")


def timed(per_week: float) -> pd.DataFrame:
    summary = cdnow()
    return summary.assign(recency=summary["recency"] * per_week, T=summary["T"] * per_week)


def nobody_drops_out() -> pd.DataFrame:
    rng = np.random.Generator(np.random.PCG64(3))
    x = rng.poisson(rng.gamma(2, 3, 500))
    return frame(x, np.where(x > 0, 39.9, 0), 40.0, np.where(x > 0, rng.gamma(5, 5, 500), 0))


def everybody_drops_out_at_once() -> pd.DataFrame:
    rng = np.random.Generator(np.random.PCG64(4))
    t_x = rng.uniform(0.1, 5, 500)
    return frame(1, t_x, 200.0, rng.gamma(5, 5, 500))


def thousands() -> pd.DataFrame:
    rng = np.random.Generator(np.random.PCG64(5))
    return frame(rng.integers(1000, 9000, 50), rng.uniform(10, 39, 50), 40.0, rng.gamma(5, 5, 50))


def one_opportunity() -> pd.DataFrame:
    return frame([0, 1] * 50, [0.0, 1.0] * 50, 1.0)


def always() -> pd.DataFrame:
    return frame([6] * 50, 6.0, 6.0)


def outlier() -> pd.DataFrame:
    summary = cdnow()
    summary.iloc[0, :3] = [5000, 38.0, 38.86]
    return summary


CASES = {
    "cdnow": (cdnow, {"converged"}),
    "twenty customers": (lambda: cdnow().sample(20, random_state=1), {"converged", "boundary", "ridge"}),
    "identical rows": (lambda: frame([3] * 50, 12.0, 30.0, 20.0), {"boundary", "ridge"}),
    "identical rows to the end": (lambda: frame([3] * 50, 30.0, 30.0, 20.0), {"boundary", "ridge"}),
    "no repeat": (lambda: frame([0] * 50, 0.0, 30.0), {"too little data"}),
    "nobody drops out": (nobody_drops_out, {"boundary", "ridge"}),
    "everybody drops out": (everybody_drops_out_at_once, {"boundary", "ridge"}),
    "one outlier of 5000": (outlier, {"converged"}),
    "one customer": (lambda: frame([2], 10.0, 30.0, 10.0), {"boundary", "ridge"}),
    "one customer, no repeat": (lambda: frame([0], 0.0, 30.0), {"too little data"}),
    "thousands": (thousands, {"converged", "boundary", "ridge"}),
    "seconds": (lambda: timed(7 * 86_400.0), {"converged"}),
    "years": (lambda: timed(7 / 365.25), {"converged"}),
    "centuries and minutes": (lambda: frame([1, 2, 0, 3], [1e-4, 1000, 0, 4e-4], [5000, 5000, 1e-3, 5e-4]), None),
}


FAMILIES = [cs.BGNBD, cs.MBGNBD, cs.ParetoNBD, cs.NBD, cs.models.MBGCNBD, cs.models.BGBB]
# What BG/BB cannot be asked of these: opportunities are no durations.
NOT_FOR_BG_BB = {"seconds": "T must be at most 100,000 opportunities", "years": "T is 0 throughout"}


def in_opportunities(summary: pd.DataFrame) -> pd.DataFrame:
    """Each whole unit of time an opportunity, bought at or not."""
    T = np.floor(summary["T"])
    recency = np.minimum(np.ceil(summary["recency"]), T)
    frequency = np.minimum(summary["frequency"], recency).astype(int)
    return summary.assign(frequency=frequency, recency=np.where(frequency > 0, recency, 0.0), T=T)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.family)
@pytest.mark.parametrize("case", CASES)
def test_a_purchase_fit_says_how_it_ended(family: Any, case: str) -> None:
    data, codes = CASES[case]
    summary = data()
    if family is cs.models.BGBB:
        summary = in_opportunities(summary)
        if case in NOT_FOR_BG_BB:
            with pytest.raises(DataError, match=NOT_FOR_BG_BB[case]):
                cs.models.BGBB.fit(summary)
            return
    if family is cs.models.MBGCNBD:  # gaps as if all alike
        gap = summary["recency"] / summary["frequency"].clip(lower=1)
        summary = summary.assign(log_intervals=summary["frequency"] * np.log(gap.where(gap > 0, 1.0)))
    fit = family.fit(summary)
    if family is not cs.BGNBD and codes and "boundary" in codes:
        codes = codes | {"converged"}  # what is an edge for one family need not be one for another
    assert_told(fit, codes)
    assert fit.status.code == "converged" or fit.status.advice
    alive = fit.model.p_alive(summary)
    assert alive.between(0, 1).all()
    # BG/BB's chances are sums over opportunities, one by one.
    for horizon in (0.0, 1e-6, 39.0, 1e7 if family is not cs.models.BGBB else 1e4):
        # Regular buyers' stages are summed one by one, which takes its time over millennia.
        some = summary.head(2) if family is cs.models.MBGCNBD and horizon > 1e6 else summary
        assert_numbers(fit.model.expected_purchases(some, horizon))
        assert (fit.model.expected_purchases(some, horizon) >= 0).all()
        assert_numbers(fit.model.expected_purchases_new(horizon))
        assert_numbers(fit.model.purchase_pmf([0, 1, 5, 50], horizon))
        assert_numbers(fit.model.conditional_pmf([0, 3], some.head(5), horizon))
    assert_numbers(fit.model.residual_transactions(summary.head(5), 0.1))
    assert not fit.model.time_to_next_purchase(summary.head(5)).isna().any()
    assert_numbers(fit.model.log_likelihood(summary))
    # The total is the sum of the terms, at the boundary too, where r ln alpha is some 2e6 and cancels: 1e-9 a
    # customer at most, of which there are 50 to 500.
    terms = fit.model.log_likelihood(summary)
    assert terms.sum() == pytest.approx(fit.loglik, rel=1e-12, abs=1e-9 * len(summary))
    assert_numbers(fit.model.draw_posterior(summary.head(50), seed=1))
    assert_numbers(fit.model.draw_customers(20, seed=1))


@pytest.mark.parametrize(("data", "codes"), CASES.values(), ids=CASES.keys())
def test_a_spend_fit_says_how_it_ended(data: Any, codes: set[str] | None) -> None:
    summary = data()
    if not ((summary["frequency"] > 0) & (summary["monetary_value"] > 0)).any():
        with pytest.raises(DataError, match="no customer has a repeat purchase with positive spend"):
            GammaGamma.fit(summary)
        return
    fit = GammaGamma.fit(summary)
    assert_told(fit, None)
    if fit.status.ok:
        assert_numbers(fit.model.expected_spend(summary))
        assert fit.model.population_mean() > 0


def test_one_purchase_of_a_million() -> None:
    summary = cdnow()
    summary.loc[summary.index[10], ["frequency", "recency", "monetary_value"]] = [2, 20.0, 1e9]
    assert_told(GammaGamma.fit(summary), {"converged"})


def assert_told(fit: ModelFit[Any], codes: set[str] | None) -> None:
    """A code, a sentence, and no number that is not one; infinite errors only where the status is not ok."""
    assert codes is None or fit.status.code in codes, str(fit.status)
    assert len(fit.status.message.split()) >= 5
    assert fit.status.message.endswith(".") or fit.status.ok
    assert fit.status.ok == (fit.status.code == "converged")
    assert str(fit.status).startswith(fit.status.code)
    table = fit.summary()
    assert not table.isna().any().any()
    assert not fit.covariance.isna().any().any()
    assert np.isfinite(table["estimate"]).all()
    assert (table["lower"] <= table["estimate"]).all()
    assert (table["estimate"] <= table["upper"]).all()
    assert np.isfinite([fit.loglik, fit.aic, fit.bic]).all()
    if fit.status.ok:
        assert np.isfinite(table).all().all()
    json.dumps(fit.to_dict(), allow_nan=False)
    for model in fit.draw_parameters(5, seed=1):
        assert model.to_dict().keys() == fit.model.to_dict().keys()


def assert_numbers(values: Any) -> None:
    assert np.isfinite(np.asarray(values, dtype=float)).all()


# ---- bad summaries ----

GOOD = {"frequency": 2.0, "recency": 10.0, "T": 30.0}

BAD = {
    "recency beyond T": ({"recency": 41.0}, "recency must be <= T", "41", "Check the observation end"),
    "negative frequency": ({"frequency": -1}, "frequency must be a whole number, 0 or more", "-1", "Check the row"),
    "half a purchase": ({"frequency": 2.5}, "frequency must be a whole number", "2.5", "Check the row"),
    "negative recency": ({"recency": -3.0}, "recency must be 0 or more", "-3", "Check the row"),
    "negative T": ({"recency": 0.0, "T": -1.0}, "T must be 0 or more", "-1", "Check the observation end"),
    "missing T": ({"T": np.nan}, "T must be a finite number", "nan", "Check the row"),
    "endless T": ({"T": np.inf}, "T must be a finite number", "inf", "Check the row"),
    "missing frequency": ({"frequency": np.nan}, "frequency must be a finite number", "nan", "Check the row"),
    "recency without repeat": (
        {"frequency": 0}, "recency must be 0 where frequency is 0", "10", "from the first purchase to the last",
    ),
    "repeat without recency": ({"recency": 0.0}, "recency must be above 0 where frequency", "0", "Check the row"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "rule", "value", "remedy"), BAD.values(), ids=BAD.keys())
def test_a_bad_row_is_named(change: dict[str, float], rule: str, value: str, remedy: str) -> None:
    summary = pd.DataFrame([GOOD, GOOD | change, GOOD | change], index=["ann", "bob", "cid"])
    model = BGNBD(r=1, alpha=1, a=1, b=1)
    for use in (BGNBD.fit, model.p_alive, model.log_likelihood, lambda s: model.draw_posterior(s, seed=1)):
        with pytest.raises(DataError) as caught:
            use(summary)
        message = str(caught.value)
        assert rule in message
        assert f"customer 'bob' has {value} (2 such rows)" in message
        assert remedy in message


def test_a_frame_that_is_no_summary_says_what_it_has() -> None:
    with pytest.raises(DataError, match=r"lacks 'T'; it has 'frequency', 'recency'. Make it with churnsim.summarise"):
        BGNBD.fit(pd.DataFrame({"frequency": [1], "recency": [1.0]}))
    with pytest.raises(DataError, match=r"has no rows. Check the filter"):
        BGNBD.fit(pd.DataFrame({"frequency": [], "recency": [], "T": []}))
    with pytest.raises(DataError, match="column 'recency' of the summary must hold numbers"):
        BGNBD.fit(pd.DataFrame({"frequency": [1], "recency": ["soon"], "T": [9.0]}))


def test_nullable_columns_are_read() -> None:
    plain = pd.DataFrame({"frequency": [0, 2], "recency": [0.0, 3.0], "T": [9.0, 9.0]})
    nullable = plain.astype({"frequency": "Int64", "recency": "Float64", "T": "Float64"})
    model = BGNBD(r=1, alpha=1, a=1, b=1)
    pd.testing.assert_series_equal(model.p_alive(nullable), model.p_alive(plain))
    nullable.loc[1, "recency"] = pd.NA
    with pytest.raises(DataError, match="customer '1' has nan"):
        model.p_alive(nullable)


def test_who_came_on_the_last_day_changes_nothing() -> None:
    """T = 0 has likelihood 1 whatever the parameters; a base of nobody else cannot be fitted."""
    base = pd.DataFrame({"frequency": [0, 1, 2, 5] * 10, "recency": [0.0, 3, 9, 20] * 10, "T": [30.0, 25, 30, 28] * 10})
    late = pd.concat([base, pd.DataFrame({"frequency": [0], "recency": [0.0], "T": [0.0]}, index=["late"])])
    alone, joined = BGNBD.fit(base), BGNBD.fit(late)
    assert joined.loglik == pytest.approx(alone.loglik, abs=1e-9)
    assert joined.model.log_likelihood(late)["late"] == 0
    assert joined.model.p_alive(late)["late"] == 1
    with pytest.raises(DataError, match="T is 0 throughout"):
        BGNBD.fit(late.loc[["late"]])


def test_a_summary_in_another_unit_is_refused() -> None:
    """Days taken for weeks would give a forecast, only a wrong one."""
    log = datasets.cdnow()
    daily = summarise(log, unit="D")
    weekly = summarise(log, unit="W")
    assert BGNBD.fit(daily).model.unit == "D"
    model = BGNBD.fit(weekly).model
    spend = GammaGamma.fit(weekly).model
    for use in (
        lambda: BGNBD.fit(daily, unit="W"),
        lambda: model.p_alive(daily),
        lambda: model.expected_purchases(daily, 39),
        lambda: customer_value(daily, purchases=model, spend=spend, annual_discount_rate=0.1, horizon=104),
    ):
        with pytest.raises(DataError, match="durations are in 'D', the model's in 'W'"):
            use()
    with pytest.raises(ConfigError, match="customers' durations are in 'D'"):
        Market(customers=PosteriorBase(daily), purchases=model, spend=spend)
    # A frame made elsewhere says nothing and is taken at its word.
    silent = pd.DataFrame(daily.to_dict("list"), index=daily.index)
    assert model.p_alive(silent).between(0, 1).all()
    with pytest.raises(DataError, match="the summary must be a pandas DataFrame; got"):
        BGNBD.fit({"frequency": [1]})  # type: ignore[arg-type]


def test_a_fit_serves_as_its_model() -> None:
    summary = summarise(datasets.cdnow())
    purchases, spend = BGNBD.fit(summary), GammaGamma.fit(summary)
    terms = {"annual_discount_rate": 0.1, "horizon": 52.0}
    fits = customer_value(summary, purchases=purchases, spend=spend, **terms)
    models = customer_value(summary, purchases=purchases.model, spend=spend.model, **terms)
    pd.testing.assert_series_equal(fits, models)


def test_a_search_that_begins_with_a_part_ends_where_the_whole_one_does(monkeypatch):
    """Many histories: found by way of every sixteenth, or from the moments as few would be."""
    T = np.random.default_rng(3).uniform(20, 39, 60_000)
    summary = cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426).draw_summary(T, seed=3)
    assert cs.BGNBD.likelihood(summary).sketch is not None
    short = cs.BGNBD.fit(summary)
    monkeypatch.setattr("churnsim.models.purchase.fit_data.SKETCH_FROM", 10**9)
    assert cs.BGNBD.likelihood(summary).sketch is None
    long = cs.BGNBD.fit(summary)
    assert short.status.ok
    # Both stop where the gradient per customer is below 1e-11 or no longer falls.
    assert list(short.parameters.values()) == pytest.approx(list(long.parameters.values()), rel=1e-8)
    assert list(short.standard_errors.values()) == pytest.approx(list(long.standard_errors.values()), rel=1e-3)


@pytest.mark.parametrize(
    ("data", "codes"),
    [(one_opportunity, {"ridge", "boundary"}), (always, {"boundary"})],
    ids=["one opportunity", "everybody at each"],
)
def test_opportunities_that_say_little(data: Any, codes: set[str]) -> None:
    """Of one opportunity only the share that bought is known; who buys at each shows no chance to leave or to skip."""
    summary = data()
    fit = cs.models.BGBB.fit(summary)
    assert_told(fit, codes)
    assert fit.model.purchase_pmf(1, 1) == pytest.approx(summary["frequency"].clip(upper=1).mean(), abs=1e-3)


def test_one_customer_met_5000_opportunities() -> None:
    summary = pd.concat([in_opportunities(cdnow()), frame([5000], [5000.0], 5000.0)])
    fit = cs.models.BGBB.fit(summary)
    assert_told(fit, {"converged"})
    assert_numbers(fit.model.expected_purchases(summary, 52))
    assert fit.model.p_alive(summary).iloc[-1] > 0.99
