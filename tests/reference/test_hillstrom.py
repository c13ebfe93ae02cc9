"""Reference: Hillstrom's trial of 64,000 customers, from the file where it is there and from the sums shipped."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

import churnsim as cs
from churnsim.errors import DataError
from churnsim.evidence import effects_of_sums, trial_effects

THIRDS = dict.fromkeys(("none", "men", "women"), 1 / 3)
OUTCOMES = ["visit", "conversion", "spend"]
STRATA = ["newbie", "channel"]


def test_published_figures_come_from_the_sums():
    """Conversion .573, 1.253, .884% and spend .653, 1.423, 1.077; spend +.77 [.49, 1.06] and +.42 [.17, .68]."""
    found = effects_of_sums(cs.datasets.hillstrom_sums(), outcomes=OUTCOMES, control="none", chance=THIRDS)
    assert found.customers.to_dict() == {"none": 21_306, "men": 21_307, "women": 21_387}
    plain = found.table.xs("unadjusted", level="estimator").round(5)
    assert plain.loc["conversion", ["control", "treated"]].to_numpy().round(4).tolist() == [
        [0.0057, 0.0125],
        [0.0057, 0.0088],
    ]
    assert plain.loc["spend", ["control", "treated"]].to_numpy().round(3).tolist() == [[0.653, 1.423], [0.653, 1.077]]
    interval = plain.loc["spend", ["difference", "lower", "upper"]].to_numpy()
    np.testing.assert_allclose(interval, [[0.77, 0.49, 1.06], [0.42, 0.17, 0.68]], atol=0.006)
    # Newcomers and others apart (+.96 and +.73, +.58 and +.11).
    for newbie, expected in ((1, [0.96, 0.73]), (0, [0.58, 0.11])):
        part = cs.datasets.hillstrom_sums().loc[lambda sums, who=newbie: sums["newbie"] == who]
        apart = effects_of_sums(part, outcomes=["spend"], control="none", chance=THIRDS).best["difference"]
        np.testing.assert_allclose(apart, expected, atol=0.006)


def test_the_sums_are_those_of_the_file(hillstrom):
    """To rounding, unadjusted and stratified; each difference and error is scipy's of Welch's test."""
    sums = effects_of_sums(
        cs.datasets.hillstrom_sums(), outcomes=OUTCOMES, control="none", chance=THIRDS, strata=STRATA
    )
    cells = hillstrom.assign(cell=hillstrom[STRATA].astype(str).agg("/".join, axis=1))
    rows = trial_effects(cells, outcomes=OUTCOMES, control="none", chance=THIRDS, covariates=["cell"])
    pd.testing.assert_frame_equal(rows.table, sums.table, rtol=1e-8)
    assert rows.status == sums.status == "measured here (randomised)"
    for outcome, arm in sums.best.index:
        groups = (hillstrom.loc[hillstrom.arm == group, outcome] for group in (arm, "none"))
        welch = ttest_ind(*groups, equal_var=False)
        plain = sums.table.loc[outcome, arm, "unadjusted"]
        low, high = welch.confidence_interval(0.95)
        np.testing.assert_allclose(plain[["lower", "upper"]].to_numpy(dtype=float), [low, high], rtol=1e-9)


def test_adjusting_for_the_past_widens_no_interval(hillstrom):
    found = trial_effects(
        hillstrom, outcomes=OUTCOMES, control="none", chance=THIRDS, covariates=["recency", "history"]
    )
    assert (found.narrower >= 0).all()
    np.testing.assert_allclose(
        found.best["difference"], found.table.xs("unadjusted", level="estimator")["difference"], rtol=0.02
    )


def test_a_file_that_is_not_the_published_one_is_refused(tmp_path, monkeypatch):
    (tmp_path / "hillstrom.csv").write_text("recency\n1\n")
    monkeypatch.setenv("CHURNSIM_DATA", str(tmp_path))
    with pytest.raises(DataError, match="not the published file"):
        cs.datasets.hillstrom()
