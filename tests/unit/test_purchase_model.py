"""Every family has every verb, and answers in the shape that is promised."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.models.purchase.continuous_time import ContinuousTime

MODELS = [
    cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426),
    cs.MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614),
    cs.ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669),
    cs.NBD(r=0.385, alpha=12.072),
    cs.models.BGBB(alpha=1.204, beta=0.750, gamma=0.657, delta=2.783, unit="W"),
    cs.models.MBGCNBD(r=0.8, alpha=5.0, a=0.6, b=2.0, k=3),
]
SUMMARY = pd.DataFrame(
    {"frequency": [0, 2, 5], "recency": [0.0, 30.0, 12.0], "T": [39.0, 38.0, 37.0], "log_intervals": [0.0, 5.0, 4.0]},
    index=["ann", "bob", "cid"],
)
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.family)


@every_model
def test_verbs(model: cs.models.PurchaseModel) -> None:
    assert isinstance(model, cs.models.PurchaseModel)
    for series in (
        model.log_likelihood(SUMMARY),
        model.p_alive(SUMMARY),
        model.expected_purchases(SUMMARY, 39),
        model.residual_transactions(SUMMARY, 0.1),
        model.residual_transactions(SUMMARY, 0.1, horizon=52),
    ):
        assert series.index.equals(SUMMARY.index)
        assert np.isfinite(series).all()
    wait = model.time_to_next_purchase(SUMMARY, quantile=0.05)
    assert wait.index.equals(SUMMARY.index)
    assert (wait > 0).all()
    chances = model.conditional_pmf([0, 3], SUMMARY, 39)
    assert chances.columns.tolist() == [0, 3]
    assert chances.index.equals(SUMMARY.index)
    assert model.expected_purchases_new([[1.0, 2.0]]).shape == (1, 2)
    assert model.purchase_pmf([0, 1], 9).shape == (2,)
    assert "alive" in model.draw_posterior(SUMMARY, seed=1)
    seen = model.draw_summary([9.0] * 50, seed=1)
    assert model.log_likelihood(seen).shape == (50,)
    assert type(model).from_dict(model.to_dict()) == model


@every_model
def test_refusals(model: cs.models.PurchaseModel) -> None:
    with pytest.raises(cs.errors.ConfigError, match="annual_discount_rate must be above 0 for an infinite horizon"):
        model.residual_transactions(SUMMARY, 0.0)
    for refused, words in (
        (lambda: model.residual_transactions(SUMMARY, 0.1, horizon=-1), "horizon must be a finite number at least 0"),
        (lambda: model.residual_transactions(SUMMARY, "ten"), "annual_discount_rate must be a finite number above -1"),
        (lambda: model.residual_transactions(SUMMARY, -0.5, horizon=60_000), "makes more than 1e"),
        (lambda: model.time_to_next_purchase(SUMMARY, quantile=1.0), "quantile must be a finite number above 0 and"),
        (lambda: model.expected_purchases(SUMMARY, "ten"), "horizon must be numbers; got 'ten'"),
        (lambda: model.expected_purchases(SUMMARY, [1.0]), "horizon must be one number or one a customer"),
        (lambda: model.expected_purchases_new(1e12), "t must be at most 1,000,000,000"),
        (lambda: model.purchase_pmf(1, [1.0, 2.0]), "t must be one number"),
        (lambda: model.draw_customers(1.5, seed=1), "n must be a whole number"),
        (lambda: model.draw_posterior(SUMMARY, seed=-1), "seed must be a whole number from 0"),
        (lambda: model.draw_summary([9.0], seed=1, replication=-1), "replication must be a whole number"),
        (lambda: model.p_alive(pd.concat([SUMMARY, SUMMARY], axis=1)), "2 columns 'frequency'"),
    ):
        with pytest.raises(cs.errors.ChurnSimError, match=words):
            refused()


@every_model
@pytest.mark.parametrize(
    ("n", "words"),
    [
        (1.5, "whole numbers; got 1.5"), (float("nan"), "whole numbers; got nan"), (-1, "0 or more; got -1"),
        (np.inf, "whole numbers; got inf"), (10**9, "at most 100,000; got 1000000000"), (10**25, "at most 100,000"),
        ("two", "numbers; got 'two'"), (True, "numbers; got True"), (None, "numbers; got None"),
    ],
)  # fmt: skip
def test_a_count_is_a_whole_number(model: cs.models.PurchaseModel, n: Any, words: str) -> None:
    verbs = [lambda: model.purchase_pmf(n, 9.0), lambda: model.conditional_pmf(n, SUMMARY, 39)]
    if isinstance(model, ContinuousTime):
        verbs.append(lambda: model.active_periods_pmf(n, SUMMARY, 3))
    for verb in verbs:
        with pytest.raises(cs.errors.ConfigError, match=f"n must be {words}"):
            verb()


@every_model
def test_a_typing_error_in_a_frequency_is_named(model: cs.models.PurchaseModel) -> None:
    typo = SUMMARY.astype({"frequency": np.int64})
    typo.iloc[typo["frequency"].to_numpy().argmax(), typo.columns.get_loc("frequency")] = 10**9
    for verb in (type(model).fit, model.p_alive, model.log_likelihood):
        with pytest.raises(cs.errors.DataError, match=r"frequency must be .*1e\+09"):
            verb(typo)


@every_model
def test_the_likelihood_object_is_the_likelihood(model: cs.models.PurchaseModel) -> None:
    likelihood = type(model).likelihood(
        SUMMARY, unit=model.unit, **({"k": 3} if isinstance(model, cs.models.MBGCNBD) else {})
    )
    at = likelihood.parameters(model)
    assert likelihood.log_likelihood(at) == pytest.approx(model.log_likelihood(SUMMARY).sum(), rel=1e-12)
    again = likelihood.model(at)
    for name in model.parameter_names:
        assert again.to_dict()[name] == pytest.approx(model.to_dict()[name], rel=1e-14)


def test_regular_buyers() -> None:
    """k is found, needs the gaps, and one stage is MBG/NBD."""
    model = MODELS[-1]
    assert isinstance(model, cs.models.MBGCNBD)
    seen = model.draw_summary([60.0] * 2000, seed=4)
    fit = cs.models.MBGCNBD.fit(seen)
    assert fit.status.ok
    assert fit.model.k == 3
    with pytest.raises(cs.errors.DataError, match=r"lacks 'log_intervals'.*summarise_with_intervals"):
        cs.models.MBGCNBD.fit(seen.drop(columns="log_intervals"))
    with pytest.raises(cs.errors.DataError, match="log_intervals must be a finite number; customer '1' has nan"):
        model.log_likelihood(seen.assign(log_intervals=seen["log_intervals"].where(seen.index != 1)))
    with pytest.raises(cs.errors.ConfigError, match=r"k must be a whole number of stages, 1 or more; got 2.5"):
        cs.models.MBGCNBD(r=1.0, alpha=1.0, a=1.0, b=1.0, k=2.5)  # type: ignore[arg-type]
    one = cs.models.MBGCNBD.fit(seen, k=1)
    assert one.parameters == pytest.approx(cs.MBGNBD.fit(seen).parameters, rel=1e-8)
    assert one.loglik < fit.loglik


def test_gaps_are_summed_from_the_log() -> None:
    log = cs.datasets.cdnow()
    table = cs.data.summarise_with_intervals(log, until="1997-09-30")
    pd.testing.assert_frame_equal(table.drop(columns="log_intervals"), cs.summarise(log, until="1997-09-30"))
    days = log.loc[(log["customer_id"] == 1) & (log["date"] <= "1997-09-30"), "date"].drop_duplicates().sort_values()
    expected = np.log(days.diff().dt.days.dropna() / 7).sum()
    assert table.loc[1, "log_intervals"] == pytest.approx(expected, rel=1e-14)


def test_many_stages_are_replaced_smoothly() -> None:
    """The smooth law takes over from the sum without a step larger than its error."""
    model = cs.models.MBGCNBD(r=2.0, alpha=1.0, a=0.6, b=2.0, k=3)
    below, above = model.expected_purchases_new([99_999.0, 100_001.0])  # 200,000 stages expected between the two
    rate = below - model.expected_purchases_new(99_997.0)
    assert above - below == pytest.approx(rate, abs=3e-6 * below)
