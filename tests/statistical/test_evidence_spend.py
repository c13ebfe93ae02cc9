"""Truth: simulated firms whose channels bring what is known; a written-down likelihood; independent laws."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal, nbinom
from tests.statistical.simulated_records import spending

from churnsim.data.records.reading import record_table
from churnsim.errors import ConfigError, DataError
from churnsim.evidence import spend_evidence
from churnsim.evidence.laplace import laplace_draws
from churnsim.evidence.published_effects import elasticity_prior
from churnsim.evidence.spend import _Model, _periods, _tests
from churnsim.units import Duration

NUMBERS = ("brought", "elasticity", "next_cost", "carry_over")
INSIDE = (0.92, 0.98)


def test_draws_of_a_skew_posterior():
    """A normal number, and beside it the logarithm of a gamma one: moments by draws against the laws themselves."""
    normal = multivariate_normal([1.0], [[4.0]])

    def log_density(x):
        return normal.logpdf(x[:, :1]) + 3.0 * x[:, 1] - 2.0 * np.exp(x[:, 1])

    found = laplace_draws(log_density, np.zeros(2), draws=4000, seed=1)
    assert_allclose(found.draws[:, 0].mean(), 1.0, atol=0.15)
    assert_allclose(found.draws[:, 0].std(), 2.0, atol=0.12)
    assert_allclose(np.exp(found.draws[:, 1]).mean(), 1.5, atol=0.06)  # gamma with shape 3 and rate 2
    assert_allclose(np.exp(found.draws[:, 1]).std(), math.sqrt(3) / 2, atol=0.05)
    assert_allclose(found.mode, [1.0, math.log(1.5)], atol=1e-3)


@pytest.fixture(scope="module")
def firm():
    return spending(11, channels=1, weeks=54)


@pytest.fixture(scope="module")
def told(firm):
    return spend_evidence(firm.spend, lifts=firm.lifts, level=0.99, draws=300)


def test_the_posterior_against_its_formula():
    """Likelihood by scipy's negative binomial, carry-over by a loop, the tests and every prior, written down anew."""
    firm = spending(11)
    table = _periods(record_table("spend", firm.spend))
    model = _Model.of(table, _tests(firm.lifts, table))
    random = np.random.default_rng(2)
    x = model.start() + 0.3 * random.normal(size=len(model.start()))
    base, u = math.exp(x[0]) / (1 + np.exp(x[1:3]).sum()), np.exp(x[3:5])
    brought = base * np.exp(x[1:3])
    theta, dispersion, season = 1 / (1 + np.exp(-x[5:7])), math.exp(x[7]), x[8:]
    money = table.spend.to_numpy()
    scale, most = money.mean(axis=0) / u, brought / (1 - np.exp(-u))
    middle = (table.first + table.last) / 2
    wave = np.exp(season[0] * np.sin(2 * math.pi * middle / 365.25) + season[1] * np.cos(2 * math.pi * middle / 365.25))

    def mean(spent):
        stock, came = money.mean(axis=0), []
        for row in spent:
            stock = (1 - theta) * row + theta * stock
            came.append(base + (most * (1 - np.exp(-stock / scale))).sum())
        return np.array(came) * wave

    mu = mean(money)
    expected = nbinom.logpmf(np.round(table.new), 1 / dispersion, 1 / (1 + mu * dispersion)).sum()
    test = firm.lifts.iloc[0]
    less = money.copy()
    less[52:56, 0] *= 0.2
    expected -= 0.5 * ((test["lift"] - (mu - mean(less)).sum()) / test["standard_error"]) ** 2
    level = math.log(table.new.mean())
    eta = (brought * u / (np.exp(u) - 1)).sum() / (base + brought.sum())
    centre, spread = elasticity_prior()
    assert_allclose(centre, math.log(0.12 * 0.24 * 0.09) / 3)
    terms = [x[0] - level, *((x[1:3] + math.log(20)) / 2), *x[3:7], (x[7] - math.log(0.05)) / 1.5]
    terms += [*(season / 0.5), (math.log(eta) - centre) / spread]
    assert_allclose(model.log_posterior(x[None, :])[0], expected - 0.5 * np.square(terms).sum(), rtol=1e-8)


def test_spending_of_a_firm_is_told(firm, told):
    found = told
    table = found.by_channel
    for name in NUMBERS:
        truth = getattr(firm, name)
        assert ((table[f"{name}_lower"] < truth) & (truth < table[f"{name}_upper"])).all(), name
    assert found.status == "measured here (observational)"
    # A market of 5,000 prospects and periods of four weeks: customers and money a prospect and period.
    beliefs = found.beliefs(prospects=5000.0, period=Duration(4, "W"), channel="channel 0")
    ceiling, scale = (np.array(beliefs[f"prospects.{name}"].draws) for name in ("ceiling", "spend_scale"))
    assert_allclose(ceiling, found.ceiling["channel 0"] * 4 / 5000)
    assert_allclose(scale, found.scale["channel 0"] * 4 / 5000)
    assert found.beliefs(prospects=5000.0, period=Duration(4, "W")) == beliefs
    with pytest.raises(ConfigError, match="channel must be one of 'channel 0'; got 'mail'"):
        found.beliefs(prospects=5000.0, period=Duration(4, "W"), channel="mail")
    with pytest.raises(ConfigError, match=r"which has 1 prospects\. Give more"):
        found.beliefs(prospects=1.0, period=Duration(4, "W"), channel="channel 0")
    assert "1 lift tests" in str(found)


def test_a_lift_test_narrows_what_a_channel_brings(firm, told):
    sharp = firm.lifts.assign(standard_error=1.0)
    found = spend_evidence(firm.spend, lifts=sharp, draws=300, level=0.99).by_channel
    width = [np.log(t["brought_upper"] / t["brought_lower"]).item() for t in (told.by_channel, found)]
    assert width[1] < 0.9 * width[0]


@pytest.mark.slow
def test_intervals_of_spending_cover():
    held = np.zeros((2, len(NUMBERS)))
    for seed in range(200):
        firm = spending(seed)
        for k, tests in enumerate((None, firm.lifts)):
            table = spend_evidence(firm.spend, lifts=tests, level=0.95, draws=600, seed=seed).by_channel
            for j, name in enumerate(NUMBERS):
                truth = getattr(firm, name)
                held[k, j] += ((table[f"{name}_lower"] <= truth) & (truth <= table[f"{name}_upper"])).mean()
    assert ((held / 200 >= INSIDE[0]) & (held / 200 <= INSIDE[1])).all(), held / 200


def weekly(**change) -> pd.DataFrame:
    begins = pd.date_range("2023-01-02", periods=24, freq="7D")
    rows = {"from": begins, "to": begins + pd.Timedelta(days=6), "channel": "mail", "spend": np.arange(24.0)}
    return pd.DataFrame(rows | {"new_customers": 5.0, **change})


def test_what_the_record_cannot_tell_is_said():
    table = weekly()
    both = pd.concat([table, table.assign(channel="web", spend=2 * table["spend"] + 1)])
    found = spend_evidence(both, draws=50)
    assert any("less than a year" in line for line in found.checks)
    assert any("mail and web goes together (correlation 1.00)" in line for line in found.checks)
    assert math.isnan(found.revenue_per_customer)
    assert spend_evidence(table.assign(revenue=50.0), draws=50).revenue_per_customer == 10.0


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            weekly().iloc[[0, 1, 3, 4]],
            r"row 3, column 'from': .* does not begin the day after the period before it ends",
        ),
        (pd.concat([weekly(), weekly().iloc[:1]]), "row 25, column 'channel': 'mail' has a row for this period before"),
        (weekly(to=pd.Timestamp("2022-12-01")), "row 1, column 'to': .* lies before the period begins"),
        (weekly(spend=-1.0), "row 1, column 'spend': -1.0"),
        (weekly().iloc[:5], "there are 5 periods; at least 20 are needed"),
        (weekly(spend=3.0), "spending on 'mail' is the same in all periods"),
    ],
)
def test_bad_rows_of_spending_are_named(rows, message):
    with pytest.raises(DataError, match=message):
        spend_evidence(rows)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"channel": "web"}, "lifts, row 1: no spending on 'web' from"),
        ({"from": "2029-01-01"}, "lifts, row 1: no spending on 'mail' from"),
        ({"spend_change": 1000.0}, r"the test added 1,000\.00 to the spending of its periods, which is 3\.00"),
        ({"standard_error": 0.0}, "lifts, row 1: standard_error must be a finite number above 0"),
    ],
)
def test_bad_lift_tests_are_named(change, message):
    test = {"channel": "mail", "from": "2023-01-02", "to": "2023-01-22", "spend_change": 2.0, "lift": 1.0,
            "standard_error": 1.0}  # fmt: skip
    with pytest.raises((DataError, ConfigError), match=message):
        spend_evidence(weekly(), lifts=pd.DataFrame([test | change]))
    with pytest.raises(DataError, match="lifts has no column 'lift'"):
        spend_evidence(weekly(), lifts=pd.DataFrame([test]).drop(columns="lift"))
