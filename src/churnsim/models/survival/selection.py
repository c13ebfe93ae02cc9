"""Which survival curve: every family on one scale, by AIC and by customers it has not seen.

All families, discrete or continuous, are scored on one scale: the log score, by which who left within unit t (of its
tenure) scores ln(S(t - 1) - S(t)) and who was still there at t scores ln S(t), both given survival to entry; and the
Brier score under censoring.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import check_count, check_kind, check_seed
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import ConfigError, DataError, FitError
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.bdw import BetaDiscreteWeibull
from churnsim.models.retention.g2g import GammaGeometric
from churnsim.models.retention.sbg import ShiftedBetaGeometric
from churnsim.models.retention.tenures import Tenures
from churnsim.models.survival.curve import FAMILIES, SurvivalCurve
from churnsim.models.survival.scores import brier_score, observed_until
from churnsim.typing import Floats

# What a curve calls impossible (a loss between the steps of a step function, a customer beyond its fall to 0) scores as
# if it had this probability.
FLOOR = 1e-6


def log_scores(model: RetentionModel, tenures: Tenures) -> Floats:
    """Log score of each customer, the higher the better; `FLOOR` stands for what the curve calls impossible."""
    # The interval in which the loss fell begins at the whole unit before it, or at entry if that was later.
    begin = np.maximum(np.ceil(tenures.tenure) - 1.0, tenures.entry)
    end = np.ceil(tenures.tenure)
    left = np.exp(model.log_survival(begin)) - np.exp(model.log_survival(end))
    stayed = model.log_survival(tenures.tenure)
    given = model.log_survival(tenures.entry)
    stayed = np.where(np.isneginf(stayed), np.log(FLOOR), stayed)
    given = np.where(np.isneginf(given), 0.0, given)
    return np.where(tenures.churned, np.log(np.maximum(left, FLOOR)), stayed) - given


RENEWAL_MODELS: dict[str, Any] = {"sbg": ShiftedBetaGeometric, "bdw": BetaDiscreteWeibull, "g2g": GammaGeometric}


@in_kind
def compare_survival(
    subscriptions: CustomerFrame, *, kinds: Sequence[str] | None = None, folds: int = 5, seed: int = 0
) -> pd.DataFrame:
    """One row a family, best held-out score first: parameters, log-likelihood, AIC, held-out log and Brier scores.

    All log-likelihoods are by unit intervals (`scores.log_scores`), so that they compare, at each family's estimate;
    `loglik` and `aic` are of the fit to everybody, `held_out` is the mean log score of a customer in the fold that
    the fit did not see, `held_out_error` its standard error, `brier` the mean over four horizons. `difference` and
    `difference_error` compare held-out scores with the best family's, customer by customer.

    `.attrs["choice"]` is the family with the fewest parameters among the parametric ones whose held-out score is
    within one standard error of the best of them, and `.attrs["why"]` says so.

    Parameters
    ----------
    subscriptions : DataFrame
        A row a customer: `tenure`, `churned` and perhaps `entry`.
    kinds : sequence of str, optional
        Names of survival families, and where tenures are whole "sbg", "bdw" and "g2g"; all but the last if absent.
    folds : int
        Parts of the customers, each scored by fits that did not see it; 2 or more.
    seed : int
        Of the parts.

    Examples
    --------
    >>> import churnsim as cs
    >>> table = compare_survival(cs.datasets.telco().head(300), kinds=["weibull", "kaplan_meier"], folds=2)
    >>> table.attrs["choice"], sorted(table.index)
    ('weibull', ['kaplan_meier', 'weibull'])
    """
    tenures = Tenures.of(subscriptions)
    whole = bool((tenures.tenure == np.floor(tenures.tenure)).all())
    known = [*FAMILIES, *(RENEWAL_MODELS if whole else ())]
    check_kind(known if kinds is None else kinds, "kinds", (list, tuple), "a list of names")
    wanted = [kind for kind in known if kind != "g2g"] if kinds is None else list(kinds)
    check_count(folds, "folds", least=2)
    if len(tenures) < folds:
        raise DataError(f"{folds} folds need as many customers; there are {len(tenures)}. Take fewer folds.")
    if not wanted or set(wanted) - set(known):
        raise ConfigError(f"kinds must be among {', '.join(known)}; got {wanted}.")
    fold = np.random.Generator(np.random.Philox(check_seed(seed))).permutation(len(tenures)) % folds
    rows, scores = [], {}
    for kind in wanted:
        try:
            fit = fit_of_kind(kind, subscriptions)
            scores[kind], brier = _held_out(kind, subscriptions, fold, folds)
        except FitError as error:
            rows.append({"model": kind, "status": f"not fitted: {error}"})
            continue
        count = len(getattr(fit.model, "times", ())) if kind == "kaplan_meier" else len(fit.names)
        loglik = float(log_scores(fit.model, tenures).sum())
        rows.append(
            {
                "model": kind, "parameters": count, "loglik": loglik, "aic": 2 * count - 2 * loglik,
                "held_out": float(scores[kind].mean()),
                "held_out_error": float(scores[kind].std(ddof=1) / np.sqrt(len(tenures))), "brier": brier,
                "status": str(fit.status),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows).set_index("model")
    return _judged(table, scores)


def _judged(table: pd.DataFrame, scores: dict[str, NDArray[np.float64]]) -> pd.DataFrame:
    if not set(scores) - {"kaplan_meier"}:
        told = "; ".join(f"{kind}: {status}" for kind, status in table["status"].items())
        raise FitError(f"no parametric family was fitted. {told}")
    table = table.sort_values("held_out", ascending=False, na_position="last")
    best = str(table.index[0])
    gaps = {kind: values - scores[best] for kind, values in scores.items()}
    table["difference"] = pd.Series({kind: float(gap.mean()) for kind, gap in gaps.items()})
    error = {kind: float(gap.std(ddof=1) / np.sqrt(gap.size)) for kind, gap in gaps.items()}
    table["difference_error"] = pd.Series(error)
    parametric = [kind for kind in table.index if kind in scores and kind != "kaplan_meier"]
    leader = parametric[0]
    close = [
        kind
        for kind in parametric
        if (gap := scores[leader] - scores[kind]).mean() <= gap.std(ddof=1) / np.sqrt(gap.size)
    ]
    count = table["parameters"].to_dict()
    held_out = table["held_out"].to_dict()
    choice = min(close, key=lambda kind: (count[kind], -held_out[kind]))
    table.attrs["choice"] = choice
    table.attrs["why"] = (
        f"{choice} has the fewest parameters among the families whose held-out log score is within one standard error "
        f"of the best parametric one ({leader}); Kaplan-Meier is the reference, but ends where the data end."
    )
    return table


def fit_of_kind(kind: str, subscriptions: pd.DataFrame) -> ModelFit[RetentionModel]:
    """A fit of one of the `RENEWAL_MODELS` or of a survival curve, by name."""
    if kind in RENEWAL_MODELS:
        fit: ModelFit[RetentionModel] = RENEWAL_MODELS[kind].fit(subscriptions)
        return fit
    return SurvivalCurve.fit(subscriptions, kind)


def _held_out(
    kind: str, subscriptions: pd.DataFrame, fold: NDArray[np.int64], folds: int
) -> tuple[NDArray[np.float64], float]:
    """Log score of each customer and the mean Brier score, from fits that did not see its fold."""
    values = np.empty(len(subscriptions))
    briers = []
    for number in range(folds):
        seen, unseen = subscriptions[fold != number], subscriptions[fold == number]
        seen.attrs.update(subscriptions.attrs)
        model, tenures = fit_of_kind(kind, seen).model, Tenures.of(unseen)
        values[fold == number] = log_scores(model, tenures)
        watched = observed_until(Tenures.of(seen))
        if watched.times.size:
            for horizon in np.quantile(tenures.tenure, [0.2, 0.4, 0.6, 0.8]):
                there = np.full(len(tenures), float(np.exp(model.log_survival(np.array([horizon]))[0])))
                briers.append(brier_score(there, tenures, float(horizon), watched=watched))
    return values, float(np.mean(briers)) if briers else float("nan")
