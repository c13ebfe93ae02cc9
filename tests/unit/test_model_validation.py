"""Holdout validation and the choice between models: scores by hand, calibration under the truth, no look-ahead."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import churnsim as cs
from churnsim.errors import ConfigError, DataError, FitError
from churnsim.models.evaluation.holdout import BoostedTrees, LastRate, rolling_validation, validate
from churnsim.models.evaluation.holdout_scores import (
    active_calibration,
    interval_calibration,
    point_scores,
    poisson_scores,
)
from churnsim.models.evaluation.predictive import draw_counts, score_counts
from churnsim.models.evaluation.selection import choose_model, compare_models, identifiability
from churnsim.models.evaluation.validation import tracking
from churnsim.models.purchase.registry import PURCHASE_FAMILIES

TRUTH = cs.BGNBD(r=0.6, alpha=5.0, a=0.8, b=2.0)
CALIBRATION = {"calibration_end": "1997-09-30", "holdout_end": "1998-06-30"}


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    return cs.datasets.cdnow()


@pytest.fixture(scope="module")
def done(log):
    return validate(log, [cs.BGNBD, cs.MBGNBD], **CALIBRATION)


@pytest.fixture(scope="module")
def firm() -> tuple[pd.DataFrame, np.ndarray]:
    """Customers of the true model, and what they did in the 26 weeks after."""
    base = TRUTH.draw_summary(np.full(4000, 40.0), seed=3)
    return base, draw_counts(TRUTH, base, 26.0, seed=4).to_numpy()


def test_scores_by_hand(done, cdnow_split, cdnow_models):
    model = cdnow_models[0].model
    came = cdnow_split["frequency_holdout"].to_numpy()
    expected = model.expected_purchases(cdnow_split, 39).to_numpy()
    row = done.scores.loc["bg_nbd"]
    assert row["actual"] == came.sum() == 1882
    assert row["expected"] == pytest.approx(expected.sum())
    assert row["bias"] == pytest.approx(expected.sum() / 1882 - 1)
    assert row["mae"] == pytest.approx(abs(expected - came).mean())
    pmf = model.conditional_pmf(range(50), cdnow_split, 39).to_numpy()
    assert row["log_score"] == pytest.approx(np.log(pmf[np.arange(came.size), came]).mean())
    assert done.scores.loc[done.best, "behind"] == 0
    assert set(done.scores["kind"]) == {"model", "baseline"}
    # The report has long said it: too few purchases for weeks 40-78.
    assert row["bias"] < -0.1
    assert not row["covered"]


def test_the_tables_go_together(done):
    own = done.by_frequency[done.by_frequency["model"] == "bg_nbd"]
    assert own["customers"].sum() == 2357
    assert round(float(own["expected"].iloc[1]), 3) == 0.523  # Fader, Hardie & Lee (2005), fig. 4
    track = done.tracking[done.tracking["model"] == "mbg_nbd"]
    np.testing.assert_allclose(track["expected"].cumsum(), track["cumulative_expected"])
    assert track["cumulative_actual"].iloc[-1] == track["actual"].sum()
    active = done.active[done.active["model"] == "bg_nbd"]
    assert active["customers"].sum() == 2357
    assert (active["lower"] < active["actual"]).all()
    assert (active["actual"] < active["upper"]).all()
    assert active["expected"].is_monotonic_increasing
    assert list(done.intervals["level"]) == [0.5, 0.8, 0.9, 0.95] * 3
    # NBD, in which nobody leaves, foresees far too much.
    assert done.scores.loc["nbd", "kind"] == "baseline"
    assert done.scores.loc["nbd", "bias"] > 0.3


def test_the_truth_is_calibrated_and_half_the_rate_is_not(firm):
    base, came = firm
    half = cs.BGNBD(r=0.3, alpha=5.0, a=0.8, b=2.0)
    for model, right in ((TRUTH, True), (half, False)):
        intervals = interval_calibration(score_counts(model, base, 26.0, came))
        # At three standard errors, so that one test in a hundred runs may fail by chance, not one in five.
        reach = 1.5 * (intervals["upper"] - intervals["lower"]) / 2
        assert (np.abs(intervals["covered"] - intervals["level"]) < reach).all() == right
        active = active_calibration(model, base, 26.0, came.astype(float))
        width = 1.6 * (active["upper"] - active["lower"]) / 2
        assert (np.abs(active["expected"] - active["actual"]) < width).all() == right


def test_a_poisson_forecast_is_scored_as_one():
    scores = poisson_scores(np.array([0.0, 2.0]), np.array([0.0, 3.0]))
    assert scores["log_score"].iloc[1] == pytest.approx(np.log(2**3 * np.exp(-2) / 6))
    assert scores["below"].iloc[1] == pytest.approx(5 * np.exp(-2))
    assert np.isnan(point_scores(np.ones(2), np.zeros(2))["bias"])


def test_nobody_looks_ahead(log):
    """What happens after the calibration changes neither fits nor baselines."""
    end = pd.Timestamp("1997-09-30")
    later = log["date"] > end
    other = pd.concat([log[~later], log[later].iloc[::3], log[later].iloc[:50]])
    split = cs.split_holdout(log, until=end.date(), holdout_until="1998-06-30")
    for baseline in (LastRate(), BoostedTrees()):
        first, second = (
            baseline.expected(each, split, end=end, horizon=39.0, unit="W") for each in (log, other)
        )  # fmt: skip
        np.testing.assert_array_equal(first, second)
    first, second = (validate(each, [cs.BGNBD], baselines=[], **CALIBRATION) for each in (log, other))
    assert first.fits["bg_nbd"].model == second.fits["bg_nbd"].model
    assert first.scores["actual"].iloc[0] != second.scores["actual"].iloc[0]


def test_the_last_rate_by_hand():
    log = pd.DataFrame(
        {
            "customer_id": [1, 1, 1, 1, 2, 2],
            "date": pd.to_datetime(
                ["2024-01-01", "2024-01-10", "2024-03-01", "2024-03-10", "2024-01-01", "2024-01-20"]
            ),
        }
    )
    end = pd.Timestamp("2024-03-31")  # 90 days after both began
    summary = cs.summarise(log, unit="D", until=end.date())
    expected = LastRate().expected(log, summary, end=end, horizon=30.0, unit="D")
    np.testing.assert_allclose(expected, [2 / 45 * 30, 0.0])


@pytest.mark.parametrize("name", ["calibration_end", "holdout_end"])
@pytest.mark.parametrize("day", ["2099-01-01", "x"])
def test_a_day_that_is_none_is_named_as_it_was_passed(log, name, day):
    with pytest.raises((DataError, ConfigError), match=f"^{name} (is|must)"):
        validate(log, [cs.NBD], baselines=[], **(CALIBRATION | {name: day}))


@pytest.mark.parametrize(
    "wrong", [{"baselines": 1.0}, {"baselines": [None]}, {"covariates": True}, {"count": np.ones((2, 2))}]
)
def test_what_is_no_baseline_no_covariate_and_no_count(log, wrong):
    with pytest.raises((DataError, ConfigError), match=f"^{next(iter(wrong))} must be"):
        validate(log, [cs.NBD], **CALIBRATION, **wrong)


def test_a_horizon_of_thousands_of_years(log):
    with pytest.raises(ConfigError, match=r"horizon must be .* at most 5217\.86; got 1200000\.0"):
        rolling_validation(log, [cs.NBD], origins=["1997-09-30"], horizon=1.2e6)


def test_rolling_origins(log):
    table = rolling_validation(log, [cs.BGNBD], origins=["1997-07-31", "1997-09-30"], horizon=13, baselines=[])
    assert list(table["origin"].dt.month) == [7, 9]
    assert list(table["model"]) == ["bg_nbd", "bg_nbd"]
    with pytest.raises(ConfigError, match="origins must hold at least one day"):
        rolling_validation(log, [cs.BGNBD], origins=[], horizon=13)


@pytest.mark.parametrize(
    ("models", "words"), [([], "models holds none"), (["bg_nbd"], "is not a family"), ({"mine": 3}, "neither fit")]
)
def test_what_is_no_model_is_refused(log, models, words):
    with pytest.raises(ConfigError, match=words):
        validate(log, models, **CALIBRATION)


def test_a_wrong_model_is_behind_by_more_than_chance(cdnow_split, cdnow_models):
    """Control: parameters that are off are found by the held-out purchases, and the right ones recommended."""
    fit = cdnow_models[0]

    def wrong(summary):
        import dataclasses

        return dataclasses.replace(fit, model=cs.BGNBD(r=0.5, alpha=4.4, a=0.8, b=2.4))

    found = compare_models(cdnow_split, {"right": cs.BGNBD, "wrong": wrong})
    assert found.recommended == "right"
    assert "no other comes within two standard errors" in found.reason
    assert found.table.loc["wrong", "behind"] > 2 * found.table.loc["wrong", "behind_error"]
    assert "right" in str(found)


def test_the_likelihood_ratio_finds_dropout(cdnow_split):
    found = compare_models(cdnow_split, [PURCHASE_FAMILIES["nbd"], cs.BGNBD, PURCHASE_FAMILIES["pareto_nbd"]])
    gap = found.fits["bg_nbd"].loglik - found.fits["nbd"].loglik
    assert found.table.loc["bg_nbd", "lr"] == pytest.approx(2 * gap)
    assert found.table.loc["bg_nbd", "lr_p"] < 1e-50
    assert np.isnan(found.table.loc["nbd", "lr"])
    assert found.recommended != "nbd"


def test_without_a_holdout_the_criteria_decide(log):
    found = compare_models(cs.summarise(log), [cs.BGNBD, cs.MBGNBD])
    assert found.recommended == "mbg_nbd"
    assert "its BIC is the lowest by 21.7" in found.reason
    assert "log_score" not in found.table
    fit = found.fits["bg_nbd"]
    assert found.table.loc["bg_nbd", "aic"] == 8 - 2 * fit.loglik


def test_what_cannot_be_told_is_said():
    nobody = pd.DataFrame({"frequency": [0] * 30, "recency": 0.0, "T": 10.0})
    found = compare_models(nobody, [cs.BGNBD])
    assert found.recommended is None
    assert found.warnings["bg_nbd"][0].startswith("too little data")
    few = TRUTH.draw_summary(np.full(60, 20.0), seed=2)
    words = " ".join(identifiability(cs.BGNBD.fit(few)))
    assert "either way" in words or "together only" in words or "flat" in words or "edge" in words
    assert identifiability(cs.BGNBD.fit(TRUTH.draw_summary(np.full(20_000, 60.0), seed=2))) == ()


def test_tracking_ends_its_weeks_as_the_published_tables_do(log):
    """BTYD's bgnbd.ExpectedCumulativeTransactions with the estimates of Fader, Hardie & Lee (2005), at week 20."""
    model = cs.BGNBD(r=0.24259395230803, alpha=4.41359091416604, a=0.792919955839573, b=2.42589404751842)
    track = tracking(model, log, until="1997-09-30", holdout_until="1998-06-30").set_index("period")
    assert track.loc[20, "expected"] == pytest.approx(1312.5, abs=0.05)
    assert track.loc[39, "date"] == pd.Timestamp("1997-09-30")


def some_log() -> pd.DataFrame:
    """600 customers of the true model's kind, in the first half of 2024."""
    random = np.random.default_rng(5)
    ids = np.repeat(np.arange(600), random.integers(1, 9, 600))
    days = np.concatenate([np.cumsum(random.integers(1, 40, n)) for n in np.bincount(ids)])
    log = pd.DataFrame({"customer_id": ids, "date": pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")})
    return log[log["date"] < "2024-07-01"].reset_index(drop=True)


LOGS = {
    "ISO text": lambda log: log.assign(date=log["date"].dt.strftime("%Y-%m-%d")),
    "date objects": lambda log: log.assign(date=log["date"].dt.date),
    "a zone": lambda log: log.assign(date=(log["date"] + pd.Timedelta(hours=23)).dt.tz_localize("Asia/Tokyo")),
    "Arrow": pa.Table.from_pandas,
    "times, shuffled": lambda log: log.assign(date=log["date"] + pd.Timedelta(hours=23)).sample(frac=1, random_state=1),
}


@pytest.fixture(scope="module")
def plain() -> pd.DataFrame:
    return validate(some_log(), [cs.NBD], calibration_end="2024-03-31", baselines=[LastRate()]).scores


@pytest.mark.parametrize("kind", LOGS)
def test_every_log_that_can_be_split_can_be_validated(kind, plain):
    given = LOGS[kind](some_log())
    rolled = rolling_validation(given, [cs.NBD], origins=["2024-03-31"], horizon=13, baselines=[LastRate()])
    pd.testing.assert_frame_equal(rolled.drop(columns="origin").set_index("model"), plain)


def test_a_log_without_a_repeat_purchase_is_refused_in_words():
    log = some_log().drop_duplicates("customer_id")
    with pytest.raises(DataError, match="none of the 600 customers bought again by calibration_end"):
        validate(log, [cs.BGNBD], calibration_end="2024-02-20", holdout_end="2024-06-30")


def test_trees_that_see_no_repeat_purchase_expect_none():
    log = some_log()
    log = log[(log["date"] <= "2024-02-10") | (log["date"] > "2024-03-31")]
    summary = cs.summarise(log, until="2024-03-31")
    expected = BoostedTrees().expected(log, summary, end=pd.Timestamp("2024-03-31"), horizon=4.0, unit="W")
    assert (expected == 0).all()


@pytest.fixture(scope="module")
def loyal() -> pd.DataFrame:
    """Customers who never leave, and what they bought in the 26 weeks after."""
    truth = cs.NBD(r=1.0, alpha=8.0)
    split = truth.draw_summary(np.full(800, 40.0), seed=1)
    split["frequency_holdout"] = draw_counts(truth, split, 26.0, seed=5).to_numpy()
    split["T_holdout"] = 26.0
    return split


def test_dropout_at_its_boundary_is_not_preferred_to_none(loyal):
    chosen = choose_model(loyal, models=[cs.BGNBD, cs.NBD])
    assert chosen.fits["bg_nbd"].status.code == "boundary"
    assert chosen.recommended == "nbd"
    assert chosen.tied == ("nbd",)  # the other has become the same, and is not counted twice
    assert chosen.left == 0
    assert chosen.reason.endswith("By it nobody leaves, so it cannot say what a strategy against leaving is worth.")
    alone = choose_model(loyal, models=[cs.BGNBD])
    assert "its fit lies at the boundary, where it is NBD" in alone.reason


def test_models_of_all_that_are_tied_are_drawn(done):
    found = done.comparison
    assert set(found.tied) == {"bg_nbd", "mbg_nbd"}
    drawn = found.draw_parameters(5, seed=1)
    assert [model.family for model in drawn] == [found.tied[0]] * 3 + [found.tied[1]] * 2
    assert drawn[0] == found.fit.draw_parameters(3, seed=1)[0]


def test_nbd_is_a_candidate_of_a_validation(done):
    assert set(done.comparison.table.index) == {"bg_nbd", "mbg_nbd", "nbd"}
    found = compare_models(done.split, [cs.BGNBD, cs.MBGNBD])
    assert (done.comparison.recommended, done.comparison.reason) == (found.recommended, found.reason)
    assert done.comparison.left == pytest.approx(1 - done.comparison.fit.p_alive(done.split).mean())


def test_a_choice_says_what_it_lacks(log):
    with pytest.raises(ConfigError, match="calibration_end"):
        choose_model(pa.Table.from_pandas(log))
    chosen = choose_model(pa.Table.from_pandas(log), models=[cs.NBD], calibration_end="1997-09-30")
    assert chosen.table.loc["nbd", "bias"] > 0.3
    with pytest.raises(ConfigError, match="a summary already"):
        choose_model(cs.summarise(log), calibration_end="1997-09-30")
    nobody = pd.DataFrame({"frequency": [0] * 30, "recency": 0.0, "T": 10.0})
    chosen = choose_model(nobody, models=[cs.NBD])
    assert (chosen.recommended, chosen.tied, chosen.left) == (None, (), None)
    with pytest.raises(FitError, match="nbd: too little data"):
        _ = chosen.fit


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: cs.models.forecast(cs.BGNBD, s, horizon=4.0, seed=1), "fit must be a fit, such as"),
        (lambda s: cs.models.forecast(None, s, horizon=4.0, seed=1), "fit must be a fit, such as"),
        (
            lambda s: cs.models.total_value(s, purchases="x", spend=None, annual_discount_rate=0.1, seed=1),
            "purchases must be a fit, such as .* got 'x'",
        ),
        (
            lambda s: cs.models.rolling_validation(s, None, origins=["1997-09-30"], horizon=4.0),
            "models must be a list of families",
        ),
        (
            lambda s: cs.models.rolling_validation(s, [cs.BGNBD], origins=5, horizon=4.0),
            "origins must be a list of days",
        ),
    ],
)
def test_what_is_of_another_kind_is_refused_by_name(call, message):
    with pytest.raises(ConfigError, match=message):
        call(pd.DataFrame({"frequency": [1], "recency": [1.0], "T": [2.0]}, index=["a"]))
