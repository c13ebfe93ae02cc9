"""Truth: theory. On markets whose expected profit is known, a map's verdicts are right as often as promised, and
sensitivity indices are those of the formula."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

import churnsim as cs
from churnsim.decisions.assumptions import sensitivity as sensitivity_module
from churnsim.decisions.assumptions.outcome import Quantity
from churnsim.decisions.comparison.paired import interval
from churnsim.errors import ConfigError
from churnsim.simulation.mechanisms.complaints import Complaints
from churnsim.simulation.mechanisms.terms import Terms

RUN = {"horizon": 24.0}
OVER = {"terms.margin": (0.1, 0.9), "terms.fixed_cost_per_period": (0.0, 60.0)}


@pytest.fixture(scope="module")
def market(published_models):
    """Forty new customers; with every failure's loss at its own rate the purchases are the fitted model's."""
    purchases, spend = published_models
    terms = Terms(fixed_cost_per_period=20.0)
    return cs.Market(
        customers=cs.Cohort(size=40), purchases=purchases, spend=spend, terms=terms, complaints=Complaints()
    )


def expected_profit(market, margin, fixed):
    """40 customers, E[X(24)] repeat purchases each, p gamma / (q - 1) a purchase, six periods."""
    spend = market.spend
    revenue = 40 * float(market.purchases.expected_purchases_new(24.0)) * spend.p * spend.gamma / (spend.q - 1)
    return margin * revenue - 6 * fixed


ASKED, MAPS = 100.0, 12


@pytest.fixture(scope="module")
def maps(market):
    """So many maps of whether the profit is above what is asked, each at a joint 95%."""
    return [
        cs.decisions.assumption_region(
            market, [cs.Strategy(name="as it is")], cs.decisions.Quantity(of="as it is", metric="profit"), OVER,
            above=ASKED, cells=4, replications=8, max_replications=16, joint=True, seed=seed, **RUN,
        )
        for seed in range(MAPS)
    ]  # fmt: skip


def wrong_maps(market, maps, *, true):
    """How many of them hold any wrong verdict where the truth is about another threshold."""
    wrong = decided = 0
    for region in maps:
        truth = np.array([expected_profit(market, *cell) > true for cell in region.frame[list(OVER)].to_numpy()])
        state = region.frame["state"].to_numpy()
        wrong += bool(((state == "holds") & ~truth).any() or ((state == "fails") & truth).any())
        decided += (state != "undecided").sum()
    assert decided > len(maps)  # a map that decides nothing is never wrong
    return wrong


def test_verdicts_are_wrong_no_more_often_than_promised(market, maps):
    assert wrong_maps(market, maps, true=ASKED) <= binom.ppf(0.999, MAPS, 0.05)


def test_skewed_cells_at_the_border_are_judged_wrongly_no_more_often_than_promised():
    """Exponential replications about 0, in two looks that share 5%: any verdict of 1,500 is wrong. By t intervals 8%
    are (control)."""
    random, quantity = np.random.default_rng(5), Quantity(of="a")
    wrong = {quantity.estimate: 0, lambda rows, level: interval(rows[0], level=level): 0}
    for _ in range(1500):
        values = random.exponential(size=(1, 40)) - 1
        for how in wrong:
            looks = [how(values[:, :size], level=0.975) for size in (20, 40)]
            wrong[how] += any(look.lower > 0 or look.upper < 0 for look in looks)
    allowed = binom.ppf(0.999, 1500, 0.05)
    assert wrong.pop(quantity.estimate) <= allowed < wrong.popitem()[1]


def test_control_a_map_of_another_statement_is_wrong(market, maps):
    assert wrong_maps(market, maps, true=ASKED + 300.0) > binom.ppf(0.999, MAPS, 0.05)


def test_cells_share_their_chances_and_workers_change_nothing(market):
    contact = cs.Strategy(name="contact", retention=cs.simulation.RetentionContacts(budget_per_period=80.0))
    settings = {"cells": {"terms.margin": 2, "retention.max_effect": 3}, "replications": 5, "max_replications": 5}
    arguments = (
        market,
        [cs.Strategy(name="none"), contact],
        cs.decisions.Quantity(of="contact", against="none", metric="profit"),
        {"terms.margin": (0.2, 0.6), "retention.max_effect": (0.0, 0.9)},
    )
    steps: list[int] = []
    one = cs.decisions.assumption_region(*arguments, seed=1, progress=steps.append, **settings, **RUN)
    two = cs.decisions.assumption_region(*arguments, seed=1, workers=2, backend="threads", **settings, **RUN)
    assert one.frame.equals(two.frame)
    assert sum(steps) == 2 * 3 + 1
    # Margin scales what the same purchases bring: profit + budget is proportional to it, cell by cell.
    gains = one.frame["mean"].to_numpy().reshape(2, 3) + 6 * 80.0
    assert gains[0, 1:].min() > 0
    assert gains[1] == pytest.approx(gains[0] * 0.5 / 0.3, abs=0.5)
    assert one.here is not None
    assert one.here["terms.margin"] == 0.3


def test_what_a_map_refuses(market):
    asks = (market, [cs.Strategy(name="none")], cs.decisions.Quantity(of="none"))
    for over, words in (
        ({"terms.margin": (0.1, 0.2), "terms.marge": (0.1, 0.2)}, "Did you mean"),
        ({"terms.margin": (0.1, 0.2)}, "two or three"),
        ({"terms.margin": (0.2, 0.1), "retention.max_effect": (0.0, 1.0)}, "from a lower"),
    ):
        with pytest.raises(ConfigError, match=words):
            cs.decisions.assumption_region(*asks, over, seed=1, progress=pytest.fail, **RUN)
    with pytest.raises(ConfigError, match="no strategy 'other'"):
        cs.decisions.assumption_region(
            market, [cs.Strategy(name="none")], cs.decisions.Quantity(of="other"), OVER, seed=1, **RUN
        )
    with pytest.raises(ConfigError, match="at most 80"):
        cs.decisions.assumption_region(*asks, OVER, replications=100, seed=1, **RUN)


def test_contradictory_cells_are_told(market):
    region = cs.decisions.assumption_region(
        market, [cs.Strategy(name="none")], cs.decisions.Quantity(of="none", metric="profit"),
        {"complaints.failure_share": (0.0, 0.9), "complaints.silent_stay": (0.0, 1.0)},
        cells=2, replications=2, max_replications=2, seed=1, horizon=4.0,
    )  # fmt: skip
    # .675 of dropout cannot come from failures after which only a quarter of the silent leave.
    assert region.frame["state"].tolist()[3] == "impossible"
    assert region.counts["impossible"] == 1
    assert str(region).endswith(
        "\nReplications differ by chance; the error of the estimates and beliefs about numbers of "
        "the market are left out."
    )


# Sensitivity


def profit_indices(market, method, size):
    return cs.decisions.sensitivity(
        market, [cs.Strategy(name="as it is")], cs.decisions.Quantity(of="as it is", metric="profit"),
        {**OVER, "terms.annual_discount_rate": None}, method=method, size=size, replications=4, seed=1, **RUN,
    )  # fmt: skip


def test_indices_of_a_linear_answer(market):
    """Profit = margin R - 6 F with R the same at every point (common random numbers): the shares of variance are those
    of (R .8)^2 and (6 60)^2, and neither the discount rate nor chance has any."""
    pytest.importorskip("SALib", reason="needs the extra [sensitivity]")
    revenue = cs.compare(market, [cs.Strategy(name="as it is")], replications=4, seed=1, **RUN).values("revenue").mean()
    pull = np.array([0.8 * revenue.iloc[0], 6 * 60.0])
    share = pull**2 / (pull**2).sum()
    found = profit_indices(market, "sobol", 64)
    table = found.table.set_index("assumption")
    for name, wanted in zip(OVER, share, strict=True):
        row = table.loc[name]
        assert row["total"] == pytest.approx(wanted, abs=0.05)
        assert row["first"] == pytest.approx(wanted, abs=0.15)
        assert row["total_lower"] < wanted < row["total_upper"]
    assert table.loc["terms.annual_discount_rate", "total"] == pytest.approx(0.0, abs=1e-9)
    # A cent's rounding apart, replications move all points alike in R and not at all in F: their own luck is margin's.
    assert 0 < found.noise < 0.2
    walked = profit_indices(market, "morris", 6).table.set_index("assumption")
    # An elementary effect is the change over the whole range where the answer is linear.
    assert walked.loc[list(OVER), "mu_star"].to_numpy() == pytest.approx(pull, rel=0.01)
    assert walked.loc["terms.fixed_cost_per_period", "mu"] == pytest.approx(-360.0, rel=0.01)
    assert walked["sigma"].to_numpy() == pytest.approx(0.0, abs=1.0)


def test_control_points_that_draw_their_own_chances_are_seen(market, monkeypatch):
    """Without common random numbers an assumption that changes nothing seems to."""
    pytest.importorskip("SALib", reason="needs the extra [sensitivity]")
    honest = sensitivity_module._Point.__call__

    def careless(self, point):
        own = replace(self.experiment, seed=int(point.sum() * 1e6) % 2**31)
        return honest(replace(self, experiment=own), point)

    monkeypatch.setattr(sensitivity_module._Point, "__call__", careless)
    table = profit_indices(market, "sobol", 32).table.set_index("assumption")
    assert table.loc["terms.annual_discount_rate", "total"] > 0.05


def test_an_answer_that_never_changes_hangs_on_nothing(market):
    pytest.importorskip("SALib", reason="needs the extra [sensitivity]")
    quantity = cs.decisions.Quantity(of="as it is", metric="purchases")
    over = ["terms.margin", "terms.annual_discount_rate"]
    found = cs.decisions.sensitivity(
        market, [cs.Strategy(name="as it is")], quantity, over, replications=2, seed=1, **RUN
    )
    assert (found.table["mu_star"] == 0).all()
    assert found.noise == 0
    assert found.table["range_status"].tolist() == ["assumed"] * 2
    assert "by mu_star (morris, 60 points of 2 replications" in str(found)


@pytest.mark.parametrize(
    ("over", "settings", "words"),
    [
        (["terms.margin"], {}, "at least 2"),
        (["terms.margin", "terms.fixed_cost"], {}, "Did you mean"),
        (["terms.margin", "retention.max_effect"], {"method": "sobol", "size": 100}, "power of two"),
        (
            ["terms.margin", "retention.max_effect"],
            {"method": "guess"},
            "method must be 'morris' or 'sobol'; got 'guess'",
        ),
        (
            ["terms.margin", "retention.max_effect"],
            {"replications": 1},
            "replications must be a whole number, 2 or more",
        ),
        ({"terms.margin": (0.5, 0.5), "retention.max_effect": None}, {}, "from a lower"),
        ({"complaints.failure_share": (0.1, 0.9), "terms.margin": None}, {}, "narrow the ranges"),
    ],
)
def test_what_sensitivity_refuses(market, over, settings, words):
    pytest.importorskip("SALib", reason="needs the extra [sensitivity]")
    small = replace(market, customers=cs.Cohort(size=2))
    asked = {"method": "morris", "replications": 2, **settings}
    with pytest.raises(ConfigError, match=words):
        cs.decisions.sensitivity(
            small, [cs.Strategy(name="n")], cs.decisions.Quantity(of="n"), over, seed=1, horizon=4.0, **asked
        )
