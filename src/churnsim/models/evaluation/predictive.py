"""The law of each customer's purchases to come, as the whole numbers 0, 1, 2 ...: moments, draws, scores of what came.

Everything rests on `conditional_pmf`, so it serves every family. Probabilities are taken in blocks, and only for
customers whose law is not yet spent, so that one heavy buyer does not cost a matrix for all.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from churnsim.errors import ConfigError
from churnsim.models.estimation.arguments import MOST_PURCHASES, durations
from churnsim.models.estimation.arguments import counts as whole_counts
from churnsim.models.purchase.protocol import CountForecasts
from churnsim.typing import Flags, Floats, Ints

# What is left of a customer's law when it counts as spent. A variance then misses n^2 times as much, a draw nothing.
TAIL = 1e-10
FIRST_BLOCK = 8
MOST = MOST_PURCHASES


def score_counts(model: CountForecasts, summary: pd.DataFrame, horizon: ArrayLike, counts: ArrayLike) -> pd.DataFrame:
    """How probable the purchases that came in (T, T + horizon] had been.

    One row a customer: `log_score`, the logarithm of the probability of the number that came, and `below` and `at`,
    the probabilities of fewer and of just as many, from which calibration is read. `counts` holds one whole number a
    row, 0 or more, else ConfigError.
    """
    came = whole_counts(counts, "counts")
    if came.shape != (len(summary),):
        raise ConfigError(f"counts must be one a customer ({len(summary)}); got shape {came.shape}.")
    spans = _spans(horizon, summary)
    below, at = np.zeros(came.size), np.zeros(came.size)
    done = 0
    while (rows := np.flatnonzero(came >= done)).size:
        ahead = min(done + _block(done), MOST + 1)
        block = model.conditional_pmf(range(done, ahead), summary.iloc[rows], spans[rows]).to_numpy()
        place = came[rows] - done
        inside = place < block.shape[1]
        at[rows[inside]] = block[inside, place[inside]]
        fewer = np.arange(block.shape[1])[None, :] < place[:, None]
        below[rows] += (block * fewer).sum(axis=1)
        done = ahead
    with np.errstate(divide="ignore"):
        return pd.DataFrame({"log_score": np.log(at), "below": below, "at": at}, index=summary.index)


def variance_of_counts(model: CountForecasts, summary: pd.DataFrame, horizon: ArrayLike) -> pd.Series[float]:
    """Variance of each customer's purchases in (T, T + horizon], given its history and the model."""
    first, second = np.zeros(len(summary)), np.zeros(len(summary))
    for rows, start, block in _laws(model, summary, horizon):
        n = np.arange(start, start + block.shape[1], dtype=np.float64)
        first[rows] += block @ n
        second[rows] += block @ (n * n)
    return pd.Series(np.maximum(second - first**2, 0.0), index=summary.index, name="variance")


def draw_counts(
    model: CountForecasts, summary: pd.DataFrame, horizon: ArrayLike, *, seed: int, replication: int = 0
) -> pd.Series[int]:
    """One draw of each customer's purchases in (T, T + horizon], independent given the model."""
    uniform = np.random.Generator(np.random.Philox([seed, replication])).random(len(summary))
    reached, open_ = np.zeros(len(summary)), np.ones(len(summary), dtype=bool)
    drawn = np.full(len(summary), -1, dtype=np.int64)
    for rows, start, block in _laws(model, summary, horizon, open_):
        cumulative = reached[rows][:, None] + np.cumsum(block, axis=1)
        passed = cumulative > uniform[rows][:, None]
        fresh = passed.any(axis=1) & (drawn[rows] < 0)
        drawn[rows[fresh]] = start + passed[fresh].argmax(axis=1)
        reached[rows] = cumulative[:, -1]
        # A uniform beyond all that was summed falls into the last place that was.
        drawn[rows[(drawn[rows] < 0) & (1 - reached[rows] <= TAIL)]] = start + block.shape[1] - 1
        open_[rows] = drawn[rows] < 0
    return pd.Series(drawn, index=summary.index, name="purchases")


def _laws(
    model: CountForecasts, summary: pd.DataFrame, horizon: ArrayLike, open_: Flags | None = None
) -> Iterator[tuple[Ints, int, Floats]]:
    """(rows, first count, probabilities by count) until every customer's law is spent, or who asks has closed it in
    `open_`."""
    spans = _spans(horizon, summary)
    left = np.ones(len(summary))
    done = 0
    while (rows := np.flatnonzero((left > TAIL) & (True if open_ is None else open_))).size and done < MOST:
        ahead = min(done + _block(done), MOST)
        block = model.conditional_pmf(range(done, ahead), summary.iloc[rows], spans[rows]).to_numpy()
        left[rows] -= block.sum(axis=1)
        yield rows, done, block
        done = ahead


def _block(done: int) -> int:
    return max(FIRST_BLOCK, done // 2)


def _spans(horizon: ArrayLike, summary: pd.DataFrame) -> Floats:
    return durations(horizon, "horizon", shape=(len(summary),))
