"""churnsim's entrants of the league, and the baselines: one forecast of every customer, written to a folder.

    python entrants.py NAME FOLDER

The folder holds what an entrant may see (`log.csv` until the origin, `summary.csv`, `origin.json`) and gets what it
says: `forecast.csv` with a row a customer (`purchases` and `value` expected until the horizon's end, and, where there
is a law of counts, `p0 ... p39`), and `cost.json` with its seconds, imports left out, and its memory.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from churnsim.data import split_holdout, summarise_with_intervals
from churnsim.models import GammaGamma
from churnsim.models.evaluation.holdout import BoostedTrees, LastRate
from churnsim.models.purchase.registry import PURCHASE_FAMILIES

COUNTS = 40
"""Counts whose probabilities are written: more purchases than these share what is left."""


def family(name: str) -> Callable[[pd.DataFrame, pd.DataFrame, float, pd.Timestamp], pd.DataFrame]:
    """A purchase model with Gamma-Gamma for what a purchase brings."""

    def forecast(log: pd.DataFrame, summary: pd.DataFrame, horizon: float, end: pd.Timestamp) -> pd.DataFrame:
        model = PURCHASE_FAMILIES[name].fit(summary).model
        purchases = model.expected_purchases(summary, horizon)
        pmf = model.conditional_pmf(range(COUNTS), summary, horizon)
        pmf.columns = [f"p{n}" for n in range(COUNTS)]
        found = pd.DataFrame({"purchases": purchases, "value": purchases * spend_of(summary)})
        return found.join(pmf)

    return forecast


def spend_of(summary: pd.DataFrame) -> pd.Series:
    """What a purchase of each customer brings by Gamma-Gamma."""
    return GammaGamma.fit(summary).model.expected_spend(summary)


def last_rate(log: pd.DataFrame, summary: pd.DataFrame, horizon: float, end: pd.Timestamp) -> pd.DataFrame:
    """The rate of the last half continued, at each customer's own mean purchase."""
    purchases = LastRate().expected(log, summary, end=end, horizon=horizon, unit="W")
    days = log.groupby(["customer_id", "date"])["amount"].sum()
    return pd.DataFrame({"purchases": purchases, "value": purchases * days.groupby("customer_id").mean()})


def trees(log: pd.DataFrame, summary: pd.DataFrame, horizon: float, end: pd.Timestamp) -> pd.DataFrame:
    """Boosted trees on recency, frequency and spend, for purchases and, by one more regression, for value."""
    from scipy.stats import poisson
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    purchases = BoostedTrees().expected(log, summary, end=end, horizon=horizon, unit="W")
    inner = _inner(log, end, horizon)
    learner = HistGradientBoostingRegressor(loss="poisson", learning_rate=0.05, early_stopping=False, random_state=1)
    scale = horizon / float(inner["T_holdout"].iloc[0])
    with threadpool_limits(limits=1, user_api="openmp"):  # threads that wait in a spin would count as its cost
        value = learner.fit(_features(inner), _later_value(inner)).predict(_features(summary)) * scale
    laws = poisson.pmf(np.arange(COUNTS), np.maximum(purchases, 1e-9)[:, None])
    found = pd.DataFrame({"purchases": purchases, "value": value}, summary.index)
    return found.join(pd.DataFrame(laws, summary.index, [f"p{n}" for n in range(COUNTS)]))


def zero_inflated(log: pd.DataFrame, summary: pd.DataFrame, horizon: float, end: pd.Timestamp) -> pd.DataFrame:
    """Zero-inflated log-normal value (Wang, Liu & Miao 2019, arXiv:1912.07753) with linear heads: whether a customer
    buys by logistic regression, and how much by a log-normal one. It says nothing of counts."""
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    inner = _inner(log, end, horizon)
    later = _later_value(inner).to_numpy()
    bought = later > 0
    buys = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(_logs(inner), bought)
    amount = make_pipeline(StandardScaler(), LinearRegression()).fit(_logs(inner)[bought], np.log(later[bought]))
    error = np.log(later[bought]) - amount.predict(_logs(inner)[bought])
    mean = np.exp(amount.predict(_logs(summary)) + 0.5 * error.var())
    scale = horizon / float(inner["T_holdout"].iloc[0])
    value = buys.predict_proba(_logs(summary))[:, 1] * mean * scale
    return pd.DataFrame({"purchases": np.nan, "value": value}, summary.index)


def _inner(log: pd.DataFrame, end: pd.Timestamp, horizon: float) -> pd.DataFrame:
    """The calibration split once more, so that a regression has something to learn from."""
    weeks = min(horizon, (end - log["date"].min()).days / 14)
    until = (end - pd.Timedelta(days=round(7 * weeks))).date()
    split = split_holdout(log, until=until, holdout_until=end.date(), unit="W")
    later = log[log["date"] > pd.Timestamp(until)].groupby("customer_id")["amount"].sum()
    return split.assign(later_value=later.reindex(split.index, fill_value=0.0))


def _later_value(inner: pd.DataFrame) -> pd.Series:
    return inner["later_value"].clip(lower=0.0)


def _features(summary: pd.DataFrame) -> np.ndarray:
    return summary[["frequency", "recency", "T", "monetary_value"]].to_numpy(dtype=np.float64)


def _logs(summary: pd.DataFrame) -> np.ndarray:
    x = _features(summary)
    return np.log1p(np.maximum(np.column_stack([x, x[:, 2] - x[:, 1]]), 0.0))


ENTRANTS = {
    **{f"churnsim {name}": family(name) for name in ("nbd", "bg_nbd", "mbg_nbd", "mbg_cnbd", "pareto_nbd")},
    "last rate continued": last_rate,
    "boosted trees on RFM": trees,
    "zero-inflated log-normal": zero_inflated,
}


def peak() -> float:
    """Most memory this program has taken, MB (Linux; `ru_maxrss` would count what started it)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main(name: str, folder: Path) -> None:
    """Write the forecast and what it cost."""
    origin = json.loads((folder / "origin.json").read_text(encoding="utf-8"))
    log = pd.read_csv(folder / "log.csv", parse_dates=["date"])
    end = pd.Timestamp(origin["end"])
    summary = summarise_with_intervals(log, unit="W", until=end.date())
    ENTRANTS[name](log, summary, float(origin["horizon"]), end)  # so that what is compiled is
    start = time.process_time()
    found = ENTRANTS[name](log, summary, float(origin["horizon"]), end)
    seconds = time.process_time() - start
    found.rename_axis("customer_id").to_csv(folder / "forecast.csv")
    memory = peak()
    (folder / "cost.json").write_text(json.dumps({"seconds": seconds, "megabytes": memory}), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
