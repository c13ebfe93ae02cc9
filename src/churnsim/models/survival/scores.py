"""How well survival is foretold: concordance, Brier score and time-dependent area under the curve, under censoring.

With G(t) the product limit of staying under observation (who is lost at t was not at risk of being censored at t):

    concordance   of pairs of which one is known to have left first, the share in which it had the higher risk, ties
                  half (Harrell, Lee & Mark 1996, Statistics in Medicine 15, 361-387); with weights 1/G(T-)^2 before a
                  time it does not depend on the censoring (Uno et al. 2011, Statistics in Medicine 30, 1105-1117)
    Brier score   mean of (1{T > t} - S(t))^2, those lost by t weighted by 1/G(T-), those still there by 1/G(t)
                  (Graf, Schmoor, Sauerbrei & Schumacher 1999, Statistics in Medicine 18, 2529-2545)
    AUC(t)        chance that one lost by t had a higher risk than one still there at t, those lost weighted by 1/G(T-)
                  (Uno, Cai, Tian & Wei 2007, JASA 102, 527-537)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from churnsim.checks import typed
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation.fit import ModelFit, fitted_model
from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.tenures import Tenures
from churnsim.product_limit import RiskTable, sum_at_risk
from churnsim.typing import Flags, Floats, Ints

NEGLIGIBLE = 1e-12


@dataclass(frozen=True, eq=False)
class SurvivalScores:
    """How well a model foretold who stayed how long.

    Attributes
    ----------
    table : DataFrame
        A row a time: `brier` (lower is better; .25 for forecasts of one half), `auc`, and how many were `lost` by then
        and `there`.
    concordance : float
        Harrell's, of the risk to have left by the last of the times.
    concordance_uno : float
        The same weighted for censoring, of pairs whose first loss came before the last of the times.
    integrated_brier : float
        Mean of the Brier score between the first and the last time (trapezoids).
    """

    table: pd.DataFrame
    concordance: float
    concordance_uno: float
    integrated_brier: float


def observed_until(tenures: Tenures) -> RiskTable:
    """The product limit of staying under observation, those lost at a time counted as lost before it."""
    times, censored = np.unique(tenures.tenure[~tenures.churned], return_counts=True)
    there = sum_at_risk(times, tenures.tenure, tenures.entry)
    lost = np.sort(tenures.tenure[tenures.churned])
    lost_then = np.searchsorted(lost, times, side="right") - np.searchsorted(lost, times, side="left")
    return RiskTable(times, np.maximum(there - lost_then, censored), censored.astype(np.float64))


def censoring_weights(tenures: Tenures, t: float, watched: RiskTable) -> Floats:
    """1/G(T-) of those lost by `t`, 1/G(t) of those still there, 0 of those of whom nothing is known at t."""
    gone, there = tenures.churned & (tenures.tenure <= t), tenures.tenure > t
    values = np.concatenate([[1.0], watched.survival])
    at_loss = values[np.searchsorted(watched.times, tenures.tenure, side="left")]
    now = values[np.searchsorted(watched.times, t, side="right")]
    return np.where(gone | there, 1.0 / np.maximum(np.where(gone, at_loss, now), NEGLIGIBLE), 0.0)


def brier_score(survival: Floats, tenures: Tenures, t: float, *, watched: RiskTable) -> float:
    """Mean squared difference between P(still there at `t`), one a customer, and what happened, weighted for
    censoring."""
    return float(np.mean(censoring_weights(tenures, t, watched) * ((tenures.tenure > t) - survival) ** 2))


def auc_at(risk: Floats, tenures: Tenures, t: float, *, watched: RiskTable) -> float:
    """Area under the curve at `t`; NaN where nobody was lost by t, or nobody is still there."""
    gone, there = tenures.churned & (tenures.tenure <= t), np.sort(risk[tenures.tenure > t])
    if not (gone.any() and there.size):
        return float("nan")
    weight = censoring_weights(tenures, t, watched)[gone]
    below, upto = (np.searchsorted(there, risk[gone], side=side) for side in ("left", "right"))
    return float(weight @ (below + upto) / 2 / (weight.sum() * there.size))


@in_kind
@typed
def concordance(risk: Floats, subscriptions: CustomerFrame, *, until: float | None = None) -> float:
    """Share of comparable pairs of customers in which the one who left first had the higher risk, ties half.

    A pair is comparable where one left before the other, or while the other was still under observation.

    Parameters
    ----------
    risk : array of shape (n,)
        The higher, the sooner a customer leaves, such as `fit.hazard_multiplier(subscriptions)` of a Cox model.
    subscriptions : DataFrame
        A row a customer: `tenure` and `churned`.
    until : float, optional
        With it, only losses before that tenure count, weighted for censoring (Uno's); Harrell's without.

    Returns
    -------
    float
        1 for a perfect order, .5 for none.

    Raises
    ------
    ConfigError, DataError
        For risks that are no finite number a customer, customers who came under observation late, and no comparable
        pair.

    Examples
    --------
    >>> base = pd.DataFrame({"tenure": [1.0, 2, 3, 4], "churned": [True, True, False, False]})
    >>> concordance(np.array([4.0, 2.0, 3.0, 1.0]), base)
    0.8
    """
    tenures = _from_the_start(subscriptions)
    if np.shape(risk) != (len(tenures),) or not np.isfinite(risk).all():
        raise ConfigError(f"risk must be a finite number for each of the {len(tenures)} customers.")
    return _concordance(np.asarray(risk, dtype=np.float64), tenures, until)


def _concordance(risk: Floats, tenures: Tenures, until: float | None) -> float:
    rank = np.unique(risk, return_inverse=True)[1].astype(np.int64)
    t, stays = tenures.tenure, ~tenures.churned
    # In order of tenure, of those with the same the lost before the others. Of the lost at one time, who are not
    # comparable, none that follows has a smaller (larger) risk, so that they are not counted.
    smaller, larger = np.empty(rank.size, np.int64), np.empty(rank.size, np.int64)
    for found, key in ((smaller, rank), (larger, -rank)):
        order = np.lexsort((key, stays, t))
        found[order] = smaller_ones_later(key[order])
    ordered = np.sort(t)
    same = np.lexsort((stays, t))
    lost_then = _at_the_same(t[same], stays[same], same)
    later = t.size - np.searchsorted(ordered, t, side="left") - lost_then
    weight = tenures.churned.astype(np.float64)
    if until is not None:
        weight = np.where(
            tenures.churned & (t < until), censoring_weights(tenures, until, observed_until(tenures)) ** 2, 0
        )
    pairs = float(weight @ later)
    if not pairs > 0:
        raise DataError("no customer is known to have left before another, so there is no pair to compare.")
    return float(weight @ (smaller + (later - smaller - larger) / 2)) / pairs


def _at_the_same(t: Floats, stays: Flags, order: Ints) -> Ints:
    """How many were lost at each one's tenure, from sorted tenures."""
    _, group, count = np.unique(t, return_inverse=True, return_counts=True)
    found = np.empty(t.size, np.int64)
    found[order] = np.bincount(group, ~stays, minlength=count.size).astype(np.int64)[group]
    return found


def smaller_ones_later(values: Ints) -> Ints:
    """For each value how many of those after it are smaller, by merging ever longer halves.

    Examples
    --------
    >>> smaller_ones_later(np.array([3, 1, 2, 1]))
    array([3, 0, 1, 0])
    """
    n = values.size
    size = 1 << max(int(n - 1).bit_length(), 0)
    low, span = int(values.min()), int(np.ptp(values)) + 2
    padded = np.full(size, span - 1, np.int64)
    padded[:n] = values - low
    found, width = np.zeros(size, np.int64), 1
    while width < size:
        blocks, counts = padded.reshape(-1, 2, width), found.reshape(-1, 2, width)
        offset = np.arange(len(blocks))[:, None] * span
        right = (np.sort(blocks[:, 1], axis=1) + offset).ravel()
        places = np.searchsorted(right, (blocks[:, 0] + offset).ravel(), side="left").reshape(-1, width)
        counts[:, 0] += places - np.arange(len(blocks))[:, None] * width
        width *= 2
    return found[:n]


@in_kind
@typed
def survival_scores(
    model: RetentionModel | ModelFit[RetentionModel],
    subscriptions: CustomerFrame,
    *,
    times: Sequence[float] | None = None,
) -> SurvivalScores:
    """Score a model on customers it was not fitted to, each foretold from its start.

    Parameters
    ----------
    model : RetentionModel
        A curve, a regression or a renewal model, or its fit.
    subscriptions : DataFrame
        A row a customer: `tenure`, `churned` and what the model needs of it; all under observation from the start.
    times : sequence of float, optional
        Tenures above 0 at which to score; the fifths of the tenures if absent.

    Returns
    -------
    SurvivalScores

    Raises
    ------
    ConfigError, DataError
        For times that are none, customers who came under observation late, and no comparable pair.

    Examples
    --------
    >>> import churnsim as cs
    >>> telco = cs.datasets.telco()
    >>> seen, unseen = telco.iloc[::2], telco.iloc[1::2]
    >>> fit = cs.models.SurvivalRegression.fit(seen, covariates=["contract"])
    >>> scores = survival_scores(fit, unseen, times=[12.0, 36.0])
    >>> round(scores.concordance, 2), scores.table["auc"].round(2).tolist()
    (0.77, [0.8, 0.88])
    """
    tenures = _from_the_start(subscriptions)
    if times is None:
        times = np.unique(np.quantile(tenures.tenure[tenures.tenure > 0], [0.2, 0.4, 0.6, 0.8])).tolist()
    at = np.asarray(times, dtype=np.float64)
    if at.ndim != 1 or not at.size or not (np.isfinite(at).all() and (at > 0).all() and (np.diff(at) > 0).all()):
        raise ConfigError(f"times must be ascending tenures above 0; got {list(times)}.")
    new = subscriptions.assign(tenure=0.0, churned=False)
    survival = np.asarray(fitted_model(model).survival(at, customers=new), dtype=np.float64)
    watched = observed_until(tenures)
    rows = [
        {
            "brier": brier_score(survival[:, k], tenures, t, watched=watched),
            "auc": auc_at(-survival[:, k], tenures, t, watched=watched),
            "lost": int((tenures.churned & (tenures.tenure <= t)).sum()),
            "there": int((tenures.tenure > t).sum()),
        }
        for k, t in enumerate(at.tolist())
    ]
    table = pd.DataFrame(rows, pd.Index(at, name="t"))
    brier: Any = table["brier"].to_numpy()
    mean = float(np.trapezoid(brier, at) / (at[-1] - at[0])) if at.size > 1 else float(brier[0])
    risk = -survival[:, -1]
    return SurvivalScores(
        table, _concordance(risk, tenures, None), _concordance(risk, tenures, float(np.nextafter(at[-1], np.inf))), mean
    )


def _from_the_start(subscriptions: pd.DataFrame) -> Tenures:
    tenures = Tenures.of(subscriptions)
    if (tenures.entry > 0).any():
        late = int((tenures.entry > 0).sum())
        raise DataError(f"{late} customers came under observation late; score those seen from the start only.")
    return tenures
