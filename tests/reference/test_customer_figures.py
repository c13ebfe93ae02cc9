"""Truth: figures about CDNOW's customers that others have printed, and small cases worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import churnsim as cs
from churnsim.data import customers
from churnsim.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def full_log():
    return cs.datasets.cdnow(full=True)


def log(*rows):
    """(id, day, amount) rows as a log."""
    frame = pd.DataFrame(rows, columns=["customer_id", "date", "amount"])
    return frame.assign(date=pd.to_datetime(frame["date"]))


FOUR = log(
    ("a", "2020-01-01", 10.0), ("a", "2020-01-11", 30.0), ("a", "2020-02-10", 20.0),
    ("b", "2020-01-05", 40.0), ("b", "2020-03-05", 5.0),
    ("c", "2020-01-31", 15.0), ("d", "2020-03-31", 80.0),
)  # fmt: skip


def test_cdnow_top_twenty_percent_bring_what_is_published(full_log):
    """Top-20% share of sales .678 on the full log: printed to three digits."""
    share = customers.top_share(customers.customer_spend(full_log), replications=50)
    assert round(share.value, 3) == 0.678
    assert share.lower < share.value < share.upper
    assert share.n == 23_570


def test_top_share_and_curve_by_hand():
    values = pd.Series([1.0, 70.0, 20.0, 9.0], index=list("wxyz"))
    assert customers.top_share(values, share=0.25, replications=20).value == pytest.approx(0.70)
    # Half of the second customer's 20.
    assert customers.top_share(values, share=0.375, replications=20).value == pytest.approx(0.80)
    curve = customers.whale_curve(values, points=4, replications=20)
    assert curve["value"].tolist() == pytest.approx([0, 0.70, 0.90, 0.99, 1])


def test_a_whale_curve_with_losses_rises_above_one():
    curve = customers.whale_curve([100.0, 50.0, -25.0, -25.0], points=4, replications=20)
    assert curve["value"].tolist() == pytest.approx([0, 1.0, 1.5, 1.25, 1.0])
    with pytest.raises(DataError, match="sum to -50"):
        customers.top_share([-50.0])


def test_abc_by_hand_and_equals_stay_together():
    values = pd.Series([50.0, 30.0, 10.0, 10.0, 0.0])
    assert customers.abc_classes(values).tolist() == ["A", "A", "B", "B", "C"]
    assert customers.abc_table(values)["value_share"].tolist() == pytest.approx([0.8, 0.2, 0.0])
    assert set(customers.abc_classes([1.0] * 10)) == {"A"}
    with pytest.raises(ConfigError, match="rising"):
        customers.abc_classes(values, cuts=(0.9, 0.8))


def test_replacement_by_hand():
    """The source's own arithmetic: 3,500 against 275 is 12.73, so 13 customers."""
    table = customers.replacement_ratio([3500.0] + [275.0] * 9, shares=[0.10], replications=20)
    assert table["ratio"][0] == pytest.approx(3500 / 275)
    assert table["needed"][0] == 13
    # In binary .07 of 100 is a little more than 7: the best seven of 1 ... 100 have 97 on average, the others 47.
    table = customers.replacement_ratio(np.arange(1.0, 101.0), shares=[0.07], replications=20)
    assert table["customers"][0] == 7
    assert table["ratio"][0] == pytest.approx(97 / 47, rel=1e-12)


def test_repeat_within_by_hand():
    """Gaps after the first purchase to 2020-03-31: a 10 (again), b 60 (again), c 60 (not yet), d 0 (not yet).

    At gap 10 three are at risk and one returns; at 60 two are and one returns: survival 2/3 . 1/2.
    """
    estimate = customers.repeat_within(FOUR, within_days=60)
    assert estimate.value == pytest.approx(1 - 2 / 3 * 1 / 2)
    assert customers.repeat_within(FOUR, within_days=30).value == pytest.approx(1 / 3)
    with pytest.raises(DataError, match="only for 60"):
        customers.repeat_within(FOUR, within_days=61)


def test_repeat_within_where_everybody_buys_again_early():
    """Nobody is left to be watched, so nothing is open: 3 of 3, with Wilson's limits 3 / (3 + 1.96^2) and 1."""
    day = pd.Timestamp("2020-01-01")
    again = pd.DataFrame(
        {"customer_id": [1, 1, 2, 2, 3, 3], "date": [day + pd.Timedelta(d, unit="D") for d in (0, 4, 0, 8, 2, 3)]}
    )
    found = customers.repeat_within(again, within_days=30)
    assert (found.value, found.upper) == (1.0, 1.0)
    assert found.lower == pytest.approx(3 / (3 + 1.959963985**2))
    none = customers.repeat_within(again[again["customer_id"] == 2], within_days=5, until="2020-01-09")
    assert none.value == 0.0
    assert none.upper == pytest.approx(1.959963985**2 / (1 + 1.959963985**2))
    # One who is not seen again leaves it open.
    open_end = pd.concat([again, pd.DataFrame({"customer_id": [4], "date": [day]})])
    with pytest.raises(DataError, match="only for 20"):
        customers.repeat_within(open_end, within_days=30, until="2020-01-21")


def test_repeat_within_agrees_with_lifelines(full_log):
    """The peer's Kaplan-Meier and its log(-log) limits, on the same gaps; both add the same terms: 1e-9."""
    from lifelines import KaplanMeierFitter

    days = full_log.assign(date=full_log["date"].dt.normalize())[["customer_id", "date"]].drop_duplicates()
    days = days.sort_values(["customer_id", "date"])
    second = days.groupby("customer_id")["date"].nth(1)
    first = days.groupby("customer_id")["date"].min()
    second = pd.Series(second.to_numpy(), index=days.loc[second.index, "customer_id"]).reindex(first.index)
    gap = (second.fillna(days["date"].max()) - first).dt.days
    fitted = KaplanMeierFitter().fit(gap, second.notna())
    ours = customers.repeat_within(full_log, within_days=365)
    assert ours.value == pytest.approx(1 - fitted.predict(365), abs=1e-9)
    limits = fitted.confidence_interval_survival_function_
    row = limits.loc[:365].iloc[-1]
    assert [ours.lower, ours.upper] == pytest.approx([1 - row.iloc[1], 1 - row.iloc[0]], abs=1e-9)


def test_profit_by_order_number_by_hand():
    table = customers.profit_by_order_number(FOUR, most=2, unit="D", margin=0.5).set_index("order_number")
    assert table.loc[1, "profit_per_order"] == pytest.approx(0.5 * (10 + 40 + 15 + 80) / 4)
    assert table.loc[2, "profit_per_order"] == pytest.approx(0.5 * (30 + 20 + 5) / 3)
    # After the first order: a waited 10 days for 30, b 60 for 5, c 60 and d 0 for nothing.
    assert table.loc[1, "profit_per_period"] == pytest.approx(0.5 * 35 / 130)
    # After later ones: a 30 days for 20, then 50 for nothing; b 26 for nothing.
    assert table.loc[2, "profit_per_period"] == pytest.approx(0.5 * 20 / 106)


def test_repeat_premium_by_hand():
    per_order = customers.repeat_premium(FOUR, per="order", replications=50)
    assert per_order.value == pytest.approx((55 / 3) / (145 / 4) - 1)
    per_period = customers.repeat_premium(FOUR, per="period", replications=50)
    assert per_period.value == pytest.approx((20 / 106) / (35 / 130) - 1)


def test_existing_revenue_by_hand():
    table = customers.existing_revenue(FOUR, period_days=30)  # January 1-30, to February 29, to March 30; 31 is cut
    assert table["revenue"].tolist() == [80.0, 35.0, 5.0]
    assert table["share"].tolist() == pytest.approx([0, 20 / 35, 1])
    with pytest.raises(DataError, match="less than one period"):
        customers.existing_revenue(FOUR, period_days=400)


def test_ladder_by_hand():
    rungs = customers.ladder_stages(FOUR, at="2020-03-31", client_orders=3, dissolved_after_days=55, advocates=["b"])
    assert rungs.to_dict() == {"a": "client", "b": "advocate", "c": "dissolved", "d": "first-time buyer"}
    occupancy = customers.ladder_occupancy(FOUR, every_days=31, client_orders=3)
    january = occupancy[occupancy["date"] == "2020-01-31"].set_index("stage")["customers"]
    assert january["first-time buyer"] == 2
    assert january["repeat buyer"] == 1
    assert (occupancy.groupby("date")["share"].sum() - 1).abs().max() < 1e-12


def test_cohorts_by_hand():
    table = customers.cohort_matrix(FOUR)  # until March 31, so March is whole
    cells = table.set_index(["cohort", "age"])
    assert cells.loc[("2020-01-01", 1), "active"] == 1
    assert cells.loc[("2020-01-01", 2), "share"] == pytest.approx(1 / 3)
    assert cells.loc[("2020-01-01", 1), "spend"] == pytest.approx(20 / 3)
    cut = customers.cohort_matrix(FOUR[:-1], until="2020-03-30")
    assert cut["age"].tolist() == [1], "March, cut short, must not look like lost customers"


def test_rfm_scores_treat_equals_alike():
    table = customers.rfm_scores(FOUR, groups=2)
    assert table.loc["a", ["days_since_last", "purchases", "spend"]].tolist() == [50, 3, 60]
    assert table.loc["d", "r"] == 2
    assert table.loc["c", "f"] == table.loc["d", "f"]
    assert table["rfm"].str.fullmatch("[12]{3}").all()


def test_wilson_limits_agree_with_scipy():
    from scipy.stats import binomtest

    from churnsim.statistics import wilson

    for hits, trials in ((0, 7), (3, 10), (999, 1000)):
        ours = wilson(np.array([hits]), np.array([trials]))
        theirs = binomtest(hits, trials).proportion_ci(method="wilson")
        assert [ours[0][0], ours[1][0]] == pytest.approx([theirs.low, theirs.high], abs=1e-12)


@pytest.mark.parametrize("bad", [0, -1, 2.0, True, "9", float("nan")])
def test_counts_are_whole_numbers(bad):
    log = pd.DataFrame({"customer_id": [1, 1, 2], "date": ["2020-01-01", "2020-02-01", "2020-01-05"], "amount": 1.0})
    for call in (
        lambda: customers.whale_curve([1.0, 2.0], points=bad),
        lambda: customers.top_share([1.0, 2.0], replications=bad),
        lambda: customers.rfm_scores(log, groups=bad),
        lambda: customers.repeat_within(log, within_days=bad),
        lambda: customers.existing_revenue(log, period_days=bad),
        lambda: customers.ladder_stages(log, client_orders=bad),
        lambda: customers.ladder_occupancy(log, every_days=bad),
    ):
        with pytest.raises(ConfigError, match="must be a whole number"):
            call()
