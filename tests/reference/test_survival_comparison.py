"""Truth: log-rank tests, restricted means, Nelson-Aalen's variance and scores of survival, against definitions by
loops, scipy, R's printed output and lifelines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import CensoredData, logrank

import churnsim as cs
from churnsim.models.retention.tenures import Tenures
from churnsim.models.survival.comparison import log_rank_test, restricted_means
from churnsim.models.survival.scores import auc_at, brier_score, concordance, observed_until, survival_scores

F = pd.DataFrame


@pytest.fixture(scope="module")
def tied():
    """Whole tenures, so that losses and censorings fall together; three groups, two strata, tied risks."""
    random = np.random.default_rng(6)
    n = 150
    life, seen = random.geometric(0.12, n), random.integers(2, 15, n)
    frame = F({"tenure": np.minimum(life, seen).astype(float), "churned": life <= seen})
    return frame.assign(
        group=random.choice(["a", "b", "c"], n), part=random.choice(["x", "y"], n),
        entry=np.where(random.random(n) < 0.3, np.floor(frame["tenure"] * random.random(n)), 0.0),
        risk=random.integers(0, 6, n) - life / 4,
    )  # fmt: skip


@pytest.fixture(scope="module")
def lung():
    """The lung data of Loprinzi et al. (1994)."""
    lung = pytest.importorskip("lifelines.datasets").load_lung()
    return lung.rename(columns={"time": "tenure", "status": "churned"}).astype({"tenure": float, "churned": bool})


def test_ovarian_log_rank_as_r_prints_it():
    """survdiff(Surv(futime, fustat) ~ rx, data = ovarian): expected 5.23353 and 6.76647, 1.06274, p = .302591."""
    treated = [(421, 0), (464, 1), (475, 1), (563, 1), (744, 0), (769, 0), (770, 0), (1129, 0), (1206, 0), (1227, 0),
               (353, 1), (365, 1), (377, 0)]  # fmt: skip
    others = [(59, 1), (115, 1), (156, 1), (431, 1), (448, 0), (477, 0), (638, 1), (803, 0), (855, 0), (1040, 0),
              (1106, 0), (268, 1), (329, 1)]  # fmt: skip
    rows = [(t, d == 1, rx) for rx, part in (("1", others), ("2", treated)) for t, d in part]
    frame = F(rows, columns=["tenure", "churned", "rx"])
    found = log_rank_test(frame, "rx")
    assert found.table["observed"].tolist() == [7, 5]
    assert found.table["expected"].tolist() == pytest.approx([5.23353, 6.76647], abs=5e-6)
    assert found.statistic == pytest.approx(1.06274, abs=5e-6)
    assert found.p == pytest.approx(0.302591, abs=5e-7)
    data = [CensoredData(uncensored=[t for t, d in part if d], right=[t for t, d in part if not d])
            for part in (others, treated)]  # fmt: skip
    assert found.statistic == pytest.approx(logrank(*data).statistic ** 2, rel=1e-12)


def test_lung_as_r_prints_it(lung):
    """survdiff(~ sex): expected 91.6 and 73.4, 10.3, p = .00131; print(survfit(), rmean = "common"): 376.3, 19.7."""
    found = log_rank_test(lung, "sex")
    assert found.table["expected"].tolist() == pytest.approx([91.6, 73.4], abs=0.05)
    assert found.statistic == pytest.approx(10.3, abs=0.05)
    assert found.p == pytest.approx(0.00131, abs=5e-6)
    row = restricted_means(lung, 1022.0).iloc[0]
    assert (row["mean"], row["standard_error"]) == pytest.approx((376.3, 19.7), abs=0.05)


def slow_log_rank(frame, weighting, strata):
    """Its definition, time by time; the survival that weighs is the stratum's own."""
    words = sorted(frame["group"].unique())
    gap, covariance = np.zeros(3), np.zeros((3, 3))
    for _, part in frame.groupby("part" if strata else np.zeros(len(frame))):
        survival = 1.0
        for t in sorted(part.loc[part["churned"], "tenure"].unique()):
            there = part[(part["tenure"] >= t) & (part["entry"] < t)]
            lost = there[there["churned"] & (there["tenure"] == t)]
            n, d = len(there), len(lost)
            v = {"log_rank": 1.0, "gehan": n, "tarone_ware": n**0.5, "peto": survival}[weighting]
            share = np.array([(there["group"] == word).mean() for word in words])
            gap += v * (np.array([(lost["group"] == word).sum() for word in words]) - d * share)
            if n > 1:
                covariance += v**2 * d * (n - d) / (n - 1) * (np.diag(share) - np.outer(share, share))
            survival *= 1 - d / n
    return gap[:2] @ np.linalg.solve(covariance[:2, :2], gap[:2])


@pytest.mark.parametrize("weighting", ["log_rank", "gehan", "tarone_ware", "peto"])
def test_log_rank_from_its_definition(tied, weighting):
    for strata in (None, "part"):
        found = log_rank_test(tied, "group", strata=strata, weighting=weighting)
        assert found.statistic == pytest.approx(slow_log_rank(tied, weighting, strata), rel=1e-10)
        assert found.degrees_of_freedom == 2


def test_log_rank_beside_lifelines(tied):
    """All weightings but Peto's, which lifelines takes from S(t) of another estimate."""
    statistics = pytest.importorskip("lifelines.statistics")
    now = tied.assign(entry=0.0)
    for ours, theirs in (("log_rank", None), ("gehan", "wilcoxon"), ("tarone_ware", "tarone-ware")):
        found = statistics.multivariate_logrank_test(now["tenure"], now["group"], now["churned"], weightings=theirs)
        assert log_rank_test(now, "group", weighting=ours).statistic == pytest.approx(found.test_statistic, rel=1e-9)


def test_restricted_means_from_their_definition(tied):
    """The area by unit steps, and its variance by the sum over losses; groups against the largest."""
    found = restricted_means(tied, 8.5, group="group")
    for word, part in tied.groupby("group"):
        fit = cs.models.SurvivalCurve.fit(part)
        survival = np.array([float(fit.model.survival(t)) for t in range(9)])
        area = survival[:8].sum() + survival[8] / 2
        ahead = {t: survival[int(t) : 8].sum() + survival[8] / 2 for t in fit.table.index if t < 8.5}
        n, d = fit.table["at_risk"], fit.table["lost"]
        variance = sum(ahead[t] ** 2 * d[t] / (n[t] * (n[t] - d[t])) for t in ahead)
        assert found.loc[word, "mean"] == pytest.approx(area, rel=1e-12)
        assert found.loc[word, "standard_error"] == pytest.approx(np.sqrt(variance), rel=1e-12)
    first, second = found.iloc[0], found.iloc[1]
    assert second["difference"] == second["mean"] - first["mean"]
    assert second["difference_error"] == pytest.approx(np.hypot(first["standard_error"], second["standard_error"]))
    with pytest.raises(cs.errors.DataError, match="before the horizon of"):
        restricted_means(tied, 100.0)


def test_the_error_of_a_restricted_mean_is_its_spread():
    """Over 200 samples of 60: the mean of the squared errors is the variance of the means, to 4 standard errors."""
    random = np.random.default_rng(9)
    rows = []
    for _ in range(200):
        life, seen = random.exponential(8, 60), random.uniform(3, 14, 60)
        frame = F({"tenure": np.minimum(life, seen), "churned": life <= seen})
        rows.append(restricted_means(frame, 3.0).iloc[0][["mean", "standard_error"]].to_numpy(float))
    means, errors = np.array(rows).T
    assert means.mean() == pytest.approx(8 * (1 - np.exp(-3 / 8)), abs=4 * means.std() / 200**0.5)
    assert (errors**2).mean() / means.var(ddof=1) == pytest.approx(1.0, abs=4 * np.sqrt(2 / 199))


def test_nelson_aalen(tied):
    """Steps and Aalen's variance by hand; its limits hold the estimate."""
    found = cs.models.SurvivalCurve.fit(tied).cumulative_hazard()
    hazard = variance = 0.0
    for t, row in found.iterrows():
        r = ((tied["tenure"] >= t) & (tied["entry"] < t)).sum()
        d = (tied["churned"] & (tied["tenure"] == t)).sum()
        hazard, variance = hazard + d / r, variance + d / r**2
        assert row["cumulative_hazard"] == pytest.approx(hazard, rel=1e-12)
        assert row["standard_error"] == pytest.approx(np.sqrt(variance), rel=1e-12)
        assert row["lower"] < hazard < row["upper"]
    with pytest.raises(cs.errors.FitError, match="Kaplan-Meier"):
        cs.models.SurvivalCurve.fit(tied, "weibull").cumulative_hazard()


def slow_reach(frame, t, before):
    """The product limit of staying under observation at t or just before, the lost of a time gone before it."""
    value = 1.0
    for s in sorted(frame.loc[~frame["churned"], "tenure"].unique()):
        if s < t or (s == t and not before):
            censored = (~frame["churned"] & (frame["tenure"] == s)).sum()
            there = ((frame["tenure"] > s) | (~frame["churned"] & (frame["tenure"] == s))).sum()
            value *= 1 - censored / there
    return value


def slow_concordance(frame, until):
    pairs = right = 0.0
    for _, i in frame[frame["churned"]].iterrows():
        weight = 1.0 if until is None else (i["tenure"] < until) / slow_reach(frame, i["tenure"], True) ** 2
        later = frame[(frame["tenure"] > i["tenure"]) | ((frame["tenure"] == i["tenure"]) & ~frame["churned"])]
        pairs += weight * len(later)
        right += weight * ((later["risk"] < i["risk"]).sum() + (later["risk"] == i["risk"]).sum() / 2)
    return right / pairs


def test_concordance_from_its_definition(tied):
    now = tied.drop(columns="entry").assign(risk=tied["risk"].round())
    for until in (None, 7.0):
        found = concordance(now["risk"].to_numpy(), now, until=until)
        assert found == pytest.approx(slow_concordance(now, until), rel=1e-12)
    assert concordance((-now["tenure"] - 0.5 * ~now["churned"]).to_numpy(), now) == 1.0
    assert concordance(np.zeros(len(now)), now) == 0.5
    index = pytest.importorskip("lifelines.utils").concordance_index
    theirs = index(now["tenure"], -now["risk"], now["churned"])
    assert concordance(now["risk"].to_numpy(), now) == pytest.approx(theirs, rel=1e-12)


def test_lung_concordance_as_r_prints_it(lung):
    """coxph(Surv(time, status) ~ age + sex + ph.ecog): .637."""
    frame = lung[["tenure", "churned", "age", "sex", "ph.ecog"]].dropna()
    model = cs.models.SurvivalRegression.fit(frame, covariates=["age", "sex", "ph.ecog"], unit="D").model
    assert concordance(model.linear(frame), frame) == pytest.approx(0.637, abs=5e-4)


def test_brier_and_area_from_their_definition(tied):
    now, t = tied.drop(columns="entry").assign(risk=tied["risk"].round()), 6.0
    tenures = Tenures.of(now)
    watched, risk = observed_until(tenures), now["risk"].to_numpy()
    survival = 1 / (1 + np.exp(risk))
    brier, won, weights = 0.0, 0.0, 0.0
    there = now[now["tenure"] > t]
    for k, row in enumerate(now.itertuples()):
        if row.churned and row.tenure <= t:
            weight = 1 / slow_reach(now, row.tenure, True)
            brier += weight * survival[k] ** 2
            weights += weight
            won += weight * ((there["risk"] < row.risk).mean() + (there["risk"] == row.risk).mean() / 2)
        elif row.tenure > t:
            brier += (1 - survival[k]) ** 2 / slow_reach(now, t, False)
    assert brier_score(survival, tenures, t, watched=watched) == pytest.approx(brier / len(now), rel=1e-12)
    assert auc_at(risk, tenures, t, watched=watched) == pytest.approx(won / weights, rel=1e-12)


def test_scores_see_the_truth():
    """Half of the losses censored: the weighted Brier score of the true curve is that without censoring, to 4 standard
    errors of a mean of 6,000; the true order has the best area; a curve for all has an area of a half."""
    random = np.random.default_rng(2)
    n, t = 6000, 6.0
    x = random.standard_normal(n)
    life, seen = random.exponential(8 * np.exp(-0.7 * x)), random.uniform(1, 16, n)
    frame = F({"tenure": np.minimum(life, seen), "churned": life <= seen, "x": x})
    fit = cs.models.SurvivalRegression.fit(frame, covariates=["x"])
    scores = survival_scores(fit.model, frame, times=[2.0, t])
    truth = np.exp(-t / 8 * np.exp(0.7 * x))
    assert scores.table.loc[t, "brier"] == pytest.approx(((life > t) - truth).__pow__(2).mean(), abs=4 * 0.5 / n**0.5)
    assert scores.concordance == pytest.approx(scores.concordance_uno, abs=0.02)
    noisy = cs.models.SurvivalRegression.fit(frame.assign(x=x + random.standard_normal(n)), covariates=["x"]).model
    worse = survival_scores(noisy, frame.assign(x=x + random.standard_normal(n)), times=[2.0, t])
    assert (worse.table["auc"] < scores.table["auc"] - 0.02).all()
    assert (worse.table["brier"] > scores.table["brier"]).all()
    for_all = survival_scores(cs.models.SurvivalCurve.fit(frame).model, frame)
    assert for_all.table["auc"].tolist() == pytest.approx([0.5] * 4)
    assert for_all.concordance == 0.5


def test_impossible_comparisons(tied):
    now = tied.drop(columns="entry")
    with pytest.raises(cs.errors.DataError, match="one value only"):
        log_rank_test(now.assign(group="a"), "group")
    with pytest.raises(cs.errors.DataError, match="came under observation late"):
        concordance(tied["risk"].to_numpy(), tied)
    with pytest.raises(cs.errors.ConfigError, match="finite number for each"):
        concordance(np.array([1.0, 2.0]), now)
    with pytest.raises(cs.errors.DataError, match="no pair"):
        concordance(np.zeros(len(now)), now.assign(churned=False))
    for times in ([], [0.0], [3.0, 2.0], [np.nan]):
        with pytest.raises(cs.errors.ConfigError, match="times must be ascending"):
            survival_scores(cs.models.SurvivalCurve.fit(now).model, now, times=times)


def test_a_restricted_mean_of_whom_nobody_left_is_not_sure():
    """None of four lost by 8: (share)^4 = 2.5% is the lowest share still there that is not refuted, and the mean is
    eight times that at least. No error and no p can be told; of the others no limit is beyond the horizon."""
    gone = pd.DataFrame({"tenure": [1.0, 2, 3, 8], "churned": [True, True, False, False], "group": "a"})
    there = pd.DataFrame({"tenure": [9.0, 9, 9, 10], "churned": [False, False, False, True], "group": "b"})
    found = restricted_means(pd.concat([gone, there], ignore_index=True), 8.0, group="group")
    assert found.loc["b", ["mean", "lower", "upper"]].tolist() == pytest.approx([8.0, 8 * 0.025**0.25, 8.0])
    assert found.loc["b", ["standard_error", "difference_error", "p"]].isna().all()
    assert restricted_means(pd.concat([gone, there]), 8.0)["upper"].max() <= 8.0
