"""BG/BB beside the models in continuous time: periods by hand, one count for all, and a choice that says its ground."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import churnsim as cs
from churnsim import plots
from churnsim.data.summaries.period_holdout import period_log, period_track
from churnsim.errors import ConfigError, DataError
from churnsim.models.evaluation.holdout import rolling_validation, validate
from churnsim.models.evaluation.selection import compare_models

WHEN = {"calibration_end": "1997-09-30", "holdout_end": "1998-06-30"}


def log_of(days: dict[str, list[str]]) -> pd.DataFrame:
    rows = [(customer, day) for customer, all_days in days.items() for day in all_days]
    return pd.DataFrame(rows, columns=["customer_id", "date"]).astype({"date": "datetime64[ns]"})


# Weeks end on Sunday 2024-01-28; the holdout is 2024-01-29 to 02-18, three weeks, and a day beyond.
FEW = log_of(
    {
        "ann": ["2024-01-03", "2024-01-04", "2024-01-17", "2024-01-30", "2024-02-04", "2024-02-05", "2024-02-19"],
        "bob": ["2024-01-22"],
        "cid": ["2024-01-28", "2024-02-18"],
        "dan": ["2024-02-01"],
    }
)


def test_periods_by_hand() -> None:
    split = cs.data.split_periods(FEW, until="2024-01-28", holdout_until="2024-02-19")
    assert list(split.index) == ["ann", "bob", "cid"]
    assert split["T_holdout"].tolist() == [3.0] * 3
    # Ann's two days of one week are one week; of the day after the third week nothing is said.
    assert split["frequency_holdout"].tolist() == [2, 0, 1]
    # In its own first week Ann's second day counts for nothing, and her clock starts with the next.
    assert split[["periods_frequency", "periods_recency", "periods_T"]].to_numpy().tolist() == [
        [1, 2, 3], [0, 0, 0], [0, 0, 0],
    ]  # fmt: skip
    assert split["frequency"].tolist() == [2, 0, 0]
    once = period_log(FEW, until="2024-01-28")
    assert once.loc[once["customer_id"] == "ann", "date"].dt.day.tolist() == [7, 21, 4, 11, 25]
    frame, ages, kind = period_track(FEW, until="2024-01-28", holdout_until="2024-02-19")
    assert frame["date"].dt.strftime("%m-%d").tolist() == [
        "01-07",
        "01-14",
        "01-21",
        "01-28",
        "02-04",
        "02-11",
        "02-18",
    ]
    assert frame["actual"].tolist() == [0, 0, 1, 1, 2, 3, 4]
    assert frame["holdout"].tolist() == [False] * 4 + [True] * 3
    # Ann on Wednesday of her week: four of seven days are left of it.
    np.testing.assert_allclose(ages[:, 0], np.arange(7) + 4 / 7)
    assert kind.tolist() == [0, 1, 2]


def test_months_end_where_months_end() -> None:
    split = cs.data.split_periods(FEW, until="2024-01-31", unit="M", holdout_until="2024-02-29")
    assert split.loc["ann", ["frequency_holdout", "T_holdout"]].tolist() == [1, 1]
    with pytest.raises(
        DataError, match=r"until \(2024-01-28\) must be the last day of a month.*2023-12-31 or 2024-01-31"
    ):
        cs.data.split_periods(FEW, until="2024-01-28", unit="M")
    with pytest.raises(
        DataError, match=r"no whole period of unit 'W' lies between until \(2024-02-14\) and 2024-02-19"
    ):
        cs.data.split_periods(FEW, until="2024-02-14")


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    """A third of CDNOW."""
    whole = cs.datasets.cdnow()
    return whole[whole["customer_id"] % 3 == 0]


@pytest.fixture(scope="module")
def done(log):
    return validate(log, [cs.BGNBD, cs.models.BGBB], unit="M", baselines=[], **WHEN)


def test_all_are_scored_on_the_same_counts(done, log) -> None:
    assert done.count == "periods"
    split = done.split
    by_month = log[log["date"] > "1997-09-30"].assign(month=lambda frame: frame["date"].dt.to_period("M"))
    active = by_month[by_month["customer_id"].isin(split.index)].drop_duplicates(["customer_id", "month"])
    assert (done.scores["actual"] == len(active)).all()
    row = done.scores.loc["bg_bb"]
    own = split.drop(columns=["frequency", "recency", "T"]).rename(columns=lambda name: name.removeprefix("periods_"))
    model = done.fits["bg_bb"].model
    assert row["expected"] == pytest.approx(model.expected_purchases(own, 9).sum())
    pmf = model.conditional_pmf(range(10), own, 9).to_numpy()
    came = split["frequency_holdout"].to_numpy()
    assert row["log_score"] == pytest.approx(np.log(pmf[np.arange(came.size), came]).mean())
    model = done.fits["bg_nbd"].model
    pmf = model.active_periods_pmf(range(10), split, 9).to_numpy()
    assert done.scores.loc["bg_nbd", "log_score"] == pytest.approx(np.log(pmf[np.arange(came.size), came]).mean())
    assert done.scores.loc["bg_nbd", "expected"] < model.expected_purchases(split, 9).sum()
    track = done.tracking[done.tracking["model"] == "bg_nbd"]
    assert track["cumulative_actual"].iloc[-1] == split["periods_frequency"].sum() + came.sum()
    assert f"{done.holdout_end:%Y-%m-%d}" == "1998-06-30"
    axes = Figure().subplots(2)
    assert plots.holdout(done, ["bg_bb"], ax=axes[0]).get_ylabel() == "Mean months with a purchase held out"
    by_month = plots.tracking(done, ["bg_bb"], cumulative=False, ax=axes[1])
    assert by_month.get_ylabel() == "Customers who bought again, by month"


def test_baselines_count_periods_too(log) -> None:
    few = log[log["customer_id"].isin(log["customer_id"].unique()[::8])]
    found = validate(few, [cs.models.BGBB], unit="M", **WHEN).scores
    assert found["actual"].nunique() == 1
    assert set(found.index) == {"bg_bb", "nbd", "last rate continued", "gradient-boosted trees on RFM"}
    # Nine months hold nine at most.
    assert found.loc["gradient-boosted trees on RFM", "expected"] < 9 * few["customer_id"].nunique()


def test_a_true_bg_bb_is_found_to_be_one() -> None:
    """Customers of BG/BB who buy in most periods or not at all: no model of random times foresees them as well."""
    truth = cs.models.BGBB(alpha=8.0, beta=1.0, gamma=0.6, delta=4.0, unit="W")
    rng = np.random.Generator(np.random.PCG64(2))
    traits = truth.draw_customers(1500, seed=3)
    lives = rng.geometric(np.maximum(traits["dropout"], 1e-12)) - 1  # opportunities met
    days = [
        (i, pd.Timestamp("2024-01-01") + pd.Timedelta(weeks=int(week)))
        for i, (p, life) in enumerate(zip(traits["purchase_probability"], lives, strict=True))
        for week in [0, *(1 + np.flatnonzero(rng.random(min(int(life), 20)) < p))]
    ]
    log = pd.DataFrame(days, columns=["customer_id", "date"])
    split = cs.data.split_periods(log, until="2024-03-17", holdout_until="2024-05-26")
    found = compare_models(split, [cs.BGNBD, cs.ParetoNBD, cs.models.BGBB])
    assert found.recommended == "bg_bb"
    assert "no other comes within two standard errors" in found.reason
    assert np.isnan(found.table.loc["bg_bb", "delta_bic"])
    assert abs(found.table.loc["bg_bb", "bias"]) < 0.1
    fit = found.fits["bg_bb"]
    for name in ("alpha", "beta", "gamma", "delta"):
        assert (
            abs(np.log(fit.parameters[name] / getattr(truth, name)))
            < 4 * fit.standard_errors[name] / fit.parameters[name]
        )


def test_a_choice_across_scales_says_its_ground(done, log) -> None:
    split = done.split
    found = compare_models(split.drop(columns="frequency_holdout"), [cs.BGNBD, cs.models.BGBB])
    assert found.recommended == "bg_nbd"
    assert "Left out: bg_bb, whose likelihood is of periods" in found.reason
    alone = compare_models(cs.data.summarise_opportunities(log, unit="M"), [cs.models.BGBB])
    assert alone.recommended == "bg_bb"
    assert alone.table.loc["bg_bb", "delta_bic"] == 0


def test_rolling_origins_end_where_months_end(log) -> None:
    """Three months from the end of July are those to the end of October, not 91 days."""
    few = log[log["customer_id"].isin(log["customer_id"].unique()[::8])]
    table = rolling_validation(few, [cs.models.BGBB], origins=["1997-07-31"], horizon=3, unit="M", baselines=[])
    split = cs.data.split_periods(few, until="1997-07-31", holdout_until="1997-10-31", unit="M")
    assert split["T_holdout"].iloc[0] == 3
    assert table["actual"].iloc[0] == split["frequency_holdout"].sum()
    with pytest.raises(ConfigError, match="a whole number of periods"):
        rolling_validation(few, [cs.models.BGBB], origins=["1997-07-31"], horizon=2.5, unit="M")


def test_what_cannot_be_counted_is_refused(log) -> None:
    with pytest.raises(ConfigError, match="it cannot be scored on purchases"):
        validate(log, [cs.models.BGBB], count="purchases", **WHEN)
    with pytest.raises(ConfigError, match="count must be 'purchases' or 'periods'"):
        validate(log, [cs.BGNBD], count="weeks", **WHEN)
    with pytest.raises(DataError, match="T must be a whole number of opportunities"):
        compare_models(cs.summarise(log), [cs.BGNBD, cs.models.BGBB])
