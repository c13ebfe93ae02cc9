"""What must hold of every family for any parameters and any customers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import churnsim as cs
from churnsim.errors import ConfigError

few = settings(deadline=None, max_examples=12)
positive = st.floats(0.1, 12.0)
FAMILIES: dict[str, st.SearchStrategy[Any]] = {
    "mbg_nbd": st.builds(cs.MBGNBD, r=positive, alpha=positive, a=positive, b=positive),
    "pareto_nbd": st.builds(cs.ParetoNBD, r=positive, alpha=positive, s=positive, beta=positive),
    "nbd": st.builds(cs.NBD, r=positive, alpha=positive),
    "bg_bb": st.builds(
        cs.models.BGBB, alpha=positive, beta=positive, gamma=positive, delta=positive, unit=st.just("W")
    ),
    "mbg_cnbd": st.builds(cs.models.MBGCNBD, r=positive, alpha=positive, a=positive, b=positive, k=st.integers(1, 5)),
}
every_family = pytest.mark.parametrize("family", FAMILIES)


@st.composite
def summaries(draw: st.DrawFn, size: int = 5) -> pd.DataFrame:
    """Whole times, so that they serve BG/BB too."""
    rows = []
    for _ in range(draw(st.integers(2, size))):
        T = draw(st.integers(1, 30))
        t_x = draw(st.integers(0, T))
        x = draw(st.integers(1, min(t_x, 8))) if t_x else 0
        rows.append((x, float(t_x), float(T), x * float(np.log(t_x / x)) if x else 0.0))
    frame = pd.DataFrame(rows, columns=["frequency", "recency", "T", "log_intervals"])
    frame.attrs["unit"] = "W"
    return frame


@pytest.mark.parametrize(
    "model",
    [
        cs.ParetoNBD(r=0.5, alpha=9.7, s=1e5, beta=5e6),
        cs.ParetoNBD(r=30.0, alpha=1.7, s=0.01, beta=1e-8),
        cs.ParetoNBD(r=500.0, alpha=3.0, s=2.0, beta=10.0),
        cs.BGNBD(r=30.0, alpha=1.7, a=0.01, b=1e-3),
        cs.NBD(r=500.0, alpha=3.0),
    ],
)
def test_a_count_asked_among_others_is_that_asked_alone(model: Any) -> None:
    """Far from each other and in any order; the sums over the same nodes differ by rounding alone."""
    summary = pd.DataFrame({"frequency": [0, 2, 40], "recency": [0.0, 9.0, 27.0], "T": [30.0, 12.0, 30.0]})
    wanted = [121, 0, 17, 3, 15, 16, 700, 2]
    for after in (0.0, 5.0):
        together = model.conditional_pmf(wanted, summary, 39.0, after=after)
        for n in wanted:
            alone = model.conditional_pmf(n, summary, 39.0, after=after)[n]
            np.testing.assert_allclose(together[n], alone, rtol=1e-12, atol=1e-300)
    new = model.purchase_pmf([wanted[:4], wanted[4:]], 52.0)
    assert new.shape == (2, 4)
    np.testing.assert_allclose(new.ravel(), [model.purchase_pmf(n, 52.0) for n in wanted], rtol=1e-12, atol=1e-300)


@every_family
@few
@given(data=st.data(), summary=summaries())
def test_chances_and_expectations_agree(family: str, data: st.DataObject, summary: pd.DataFrame) -> None:
    model = data.draw(FAMILIES[family])
    alive = model.p_alive(summary)
    assert alive.between(0, 1).all()
    horizon = float(data.draw(st.integers(1, 8)))
    expected = model.expected_purchases(summary, horizon)
    top = 60 + int(20 * expected.max())
    pmf = model.conditional_pmf(range(top), summary, horizon)
    assert (pmf >= 0).all().all()
    # What is beyond `top` purchases is bounded by Markov's inequality on the mean that is still missing.
    number = pmf.to_numpy() @ np.arange(top)
    assert (pmf.sum(axis=1) <= 1 + 1e-9).all()
    missing = 1 - pmf.sum(axis=1)
    assert (expected - number >= top * missing - 1e-8 * (1 + expected)).all()
    tail = pmf.iloc[:, -20:].sum(axis=1) < 1e-14
    np.testing.assert_allclose(number[tail], expected[tail], rtol=1e-8, atol=1e-12)
    # None at all, and the wait for the first one.
    wait = model.time_to_next_purchase(summary, quantile=0.2)
    for i, time in enumerate(wait):
        one = summary.iloc[[i]]
        if np.isfinite(time) and time < 1e4:
            by = 1 - model.conditional_pmf([0], one, time).iloc[0, 0]
            assert by >= 0.2 - 1e-9
            if family != "bg_bb":
                assert by == pytest.approx(0.2, rel=1e-8)
    # A discount takes something, a small one next to nothing, and a longer horizon adds.
    worth = [model.residual_transactions(summary, rate, horizon=horizon) for rate in (0.0, 0.1, 0.5)]
    np.testing.assert_allclose(worth[0], expected, rtol=1e-8, atol=1e-12)
    assert (worth[1] <= worth[0] * (1 + 1e-12)).all()
    assert (worth[2] <= worth[1] * (1 + 1e-12)).all()
    endless = model.residual_transactions(summary, 0.5)
    assert (endless >= worth[2] * (1 - 1e-9)).all()


@every_family
@few
@given(data=st.data(), summary=summaries())
def test_gradient_is_the_slope(family: str, data: st.DataObject, summary: pd.DataFrame) -> None:
    model = data.draw(FAMILIES[family])
    options = {"k": model.k} if isinstance(model, cs.models.MBGCNBD) else {}
    weights = np.linspace(0.5, 2.0, len(summary))
    likelihood = type(model).likelihood(summary, weights=weights, **options)
    at = likelihood.parameters(model)
    value, gradient = likelihood.objective(at)
    total = float((weights * model.log_likelihood(summary)).sum())
    assert value + likelihood.log_scale == pytest.approx(total, rel=1e-10, abs=1e-9)
    slopes = gradient * at
    for i in range(at.size):
        unit = np.eye(at.size)[i]
        wide, narrow = (
            (likelihood.objective(at * np.exp(h * unit))[0] - likelihood.objective(at * np.exp(-h * unit))[0]) / (2 * h)
            for h in (2e-3, 1e-3)
        )
        # Extrapolated central differences: error h^4, and rounding of the value over h.
        assert (4 * narrow - wide) / 3 == pytest.approx(
            slopes[i], rel=0, abs=1e-8 * np.abs(slopes).max() + 1e-11 * (abs(value) + 1)
        )
    if likelihood.hessian is not None:
        second = likelihood.hessian(at) * at
        for k in range(at.size):
            shift = np.exp(1e-4 * np.eye(at.size)[k])
            up, down = likelihood.objective(at * shift)[1], likelihood.objective(at / shift)[1]
            scale = np.abs(second[:, k]).max() + np.abs(up).max()
            np.testing.assert_allclose((up - down) / 2e-4, second[:, k], rtol=0, atol=2e-6 * scale)


@pytest.mark.parametrize("family", [cs.MBGNBD, cs.ParetoNBD, cs.NBD], ids=lambda family: family.family)
def test_unit_order_and_repetition_do_not_matter(family: Any) -> None:
    seen = cs.BGNBD(r=0.6, alpha=5.0, a=0.8, b=2.5).draw_summary([40.0] * 300 + [25.0] * 300, seed=3)
    seen.attrs.clear()
    weeks = family.fit(seen)
    days = family.fit(seen.assign(recency=seen["recency"] * 7, T=seen["T"] * 7), unit="D")
    assert days.loglik == pytest.approx(weeks.loglik - seen["frequency"].sum() * np.log(7), rel=1e-12)
    for name, value in weeks.parameters.items():
        factor = 7 if name in ("alpha", "beta") else 1
        assert days.parameters[name] == pytest.approx(factor * value, rel=1e-6), name
    twice = family.fit(pd.concat([seen, seen.sample(frac=1, random_state=1)], ignore_index=True))
    weighted = family.fit(seen, weights=np.full(len(seen), 2.0))
    for name, value in weeks.parameters.items():
        assert twice.parameters[name] == pytest.approx(value, rel=1e-6), name
        assert weighted.parameters[name] == pytest.approx(value, rel=1e-6), name
        assert twice.standard_errors[name] == pytest.approx(weeks.standard_errors[name] / np.sqrt(2), rel=1e-4), name
    assert twice.loglik == pytest.approx(2 * weeks.loglik, rel=1e-12)


def test_regular_buyers_of_thousands_of_stages():
    """MBG/CNBD-1 by its sum over stages, whose first chances no number is small enough for, is MBG/NBD by its series;
    and what comes in an interval that begins later has a law whose mean is the difference of two."""
    heavy = pd.DataFrame({"frequency": [700, 2000], "recency": [99.0, 298.0], "T": [100.0, 300.0]})
    parameters = {"r": 0.5, "alpha": 2.0, "a": 0.02, "b": 2.0}
    one, same = cs.models.MBGCNBD(**parameters, k=1), cs.models.MBGNBD(**parameters)
    np.testing.assert_allclose(one.expected_purchases(heavy, 500.0), same.expected_purchases(heavy, 500.0), rtol=1e-10)
    three = cs.models.MBGCNBD(**parameters, k=3)
    alive, living = three._alive(h := three._histories(heavy)), three._living(h)
    start, span = np.full(2, 200.0), np.full(2, 2.0)
    law = np.stack([three._pmf_later(living, n, start, span) for n in range(80)])
    both = three._expected(h, start + span) - three._expected(h, start)
    np.testing.assert_allclose(law.sum(axis=0), 1.0, rtol=1e-10)
    np.testing.assert_allclose(alive * (np.arange(80.0) @ law), both, rtol=1e-9)


LATER = (
    cs.NBD(r=0.8, alpha=6.0), cs.BGNBD(r=0.8, alpha=6.0, a=0.7, b=2.3), cs.MBGNBD(r=0.8, alpha=6.0, a=0.7, b=2.3),
    cs.models.MBGCNBD(r=0.8, alpha=3.0, a=0.7, b=2.3, k=2), cs.ParetoNBD(r=0.8, alpha=6.0, s=0.6, beta=9.0),
    cs.models.BGBB(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8, unit="W"),
)  # fmt: skip


@pytest.mark.parametrize("model", LATER, ids=lambda model: model.family)
def test_what_comes_later_has_a_law_with_the_mean_that_is_a_difference(model):
    data = pd.DataFrame({"frequency": [0, 2, 5], "recency": [0.0, 8.0, 7.0], "T": [9.0, 10.0, 20.0]})
    law = model.conditional_pmf(range(140), data, [3.0, 4.0, 0.0], after=[5.0, 0.0, 2.0])
    np.testing.assert_allclose(law.sum(axis=1), 1.0, atol=1e-9)
    mean = model.expected_purchases(data, [3.0, 4.0, 0.0], after=[5.0, 0.0, 2.0])
    np.testing.assert_allclose(law.to_numpy() @ np.arange(140.0), mean, rtol=1e-9)
    both = model.expected_purchases(data, 8.0) - model.expected_purchases(data, 5.0)
    assert mean.iloc[0] == pytest.approx(both.iloc[0], rel=1e-12)
    np.testing.assert_allclose(law.iloc[1], model.conditional_pmf(range(140), data, 4.0).iloc[1], rtol=1e-9, atol=1e-15)


def test_counts_after_more_stages_than_are_followed_are_refused():
    """Beside the expectation, which is there at any distance."""
    data = pd.DataFrame({"frequency": [30], "recency": [25.0], "T": [26.0]})
    model = cs.models.MBGCNBD(r=0.7, alpha=4.0, a=0.8, b=2.4, k=3)
    with pytest.raises(ConfigError, match=r"302,333 stages .* up to 200,000\. .* use expected_purchases"):
        model.conditional_pmf(0, data, 5.0, after=1e5)
    assert 0 < model.expected_purchases(data, 5.0, after=1e5).iloc[0] < model.expected_purchases(data, 5.0).iloc[0]


def test_later_purchases_of_simulated_regular_buyers():
    """Of new customers, and of those who did not buy again in five weeks, gap by gap: within four standard errors."""
    size, rng, k = 40_000, np.random.default_rng(7), 3
    rate, leaves = rng.gamma(1.5, 1 / 2.0, size), rng.beta(0.7, 2.3, size)
    bought = np.cumsum(rng.gamma(k, 1.0, (size, 24)) / rate[:, None], axis=1)
    tosses = rng.random((size, 24)) > leaves[:, None]  # the first is that of the first purchase
    bought[~np.logical_and.accumulate(tosses, axis=1)] = np.inf
    silent = bought[:, 0] > 5.0
    model = cs.models.MBGCNBD(r=1.5, alpha=2.0, a=0.7, b=2.3, k=k)
    for T, who in ((0.0, np.ones(size, bool)), (5.0, silent)):
        seen = pd.DataFrame({"frequency": [0], "recency": [0.0], "T": [T]})
        chances = model.conditional_pmf(range(4), seen, 9.0, after=4.0).iloc[0]
        later = ((bought[who] > T + 4.0) & (bought[who] <= T + 13.0)).sum(axis=1)
        for n in range(4):
            error = np.sqrt(chances[n] * (1 - chances[n]) / later.size)
            assert (later == n).mean() == pytest.approx(chances[n], abs=4 * error)
