"""Bootstrap: fit again to customers drawn anew, and see how far the estimates move.

Nonparametric: customers are drawn with replacement from those observed (as weights, so no row is copied). Parametric:
customers are made up from the fitted model, each over the time that a real one was observed. The first holds when the
model is wrong, the second when customers are few. Efron & Tibshirani (1993), An Introduction to the Bootstrap, ch. 6
and 13.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import numpy as np
import pandas as pd

from churnsim.checks import check_count, check_seed, typed
from churnsim.data.summaries.column_aliases import as_summary
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation.fit import FitStatus, ModelFit, Parametric
from churnsim.models.purchase.bg_bb_calendar import BGBBCalendar
from churnsim.models.purchase.calendar.clock_model import ClockModel
from churnsim.models.purchase.calendar.effects import PurchasesWithEffects
from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.tenures import Tenures
from churnsim.models.spend.gamma_gamma import GammaGamma
from churnsim.statistics import resample_counts, tails

M = TypeVar("M", bound=Parametric)
Kind = Literal["nonparametric", "parametric"]

# Efron & Tibshirani (1993, p. 52): some 200 replications settle a standard error, 1,000 a percentile interval.
REPLICATIONS = 200


@dataclass(frozen=True, kw_only=True, eq=False)
class Bootstrap(Generic[M]):
    """The models and parameters of all replications, how each fit ended, and the fit they belong to.

    `models` goes into `drawn_interval` as it stands.
    """

    fit: ModelFit[M]
    kind: Kind
    models: tuple[M, ...]
    estimates: tuple[dict[str, float], ...]
    statuses: tuple[FitStatus, ...]

    @property
    def endings(self) -> dict[str, int]:
        """How many fits ended in which way; what is not "converged" widens the intervals, and is kept."""
        return dict(Counter(status.code for status in self.statuses))

    def parameters(self) -> pd.DataFrame:
        """One row a replication, one column a parameter."""
        return pd.DataFrame(list(self.estimates), columns=list(self.fit.names)).rename_axis("replication")

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """One row a parameter: estimate, bias (mean of the replications less the estimate), standard_error, and
        the percentile interval `lower, upper`."""
        low, high = tails(level)
        drawn = self.parameters()
        estimate = pd.Series(self.fit.parameters)
        return pd.DataFrame(
            {
                "estimate": estimate,
                "bias": drawn.mean() - estimate,
                "standard_error": drawn.std(ddof=1),
                "lower": drawn.quantile(low),
                "upper": drawn.quantile(high),
            }
        ).rename_axis("parameter")


@in_kind
@typed
def bootstrap(
    fit: ModelFit[M],
    summary: CustomerFrame,
    *,
    seed: int,
    kind: Kind = "nonparametric",
    replications: int = REPLICATIONS,
    **options: Any,
) -> Bootstrap[M]:
    """Refit `replications` times; `summary` is what `fit` was fitted to, a row a customer or subscriber.

    Raises ConfigError for an unknown kind, fewer than 2 replications, or a model whose customers cannot be made up, as
    no model of subscribers' can.

    Parameters
    ----------
    fit : ModelFit
        The fit whose uncertainty is asked for.
    summary : DataFrame
        What it was fitted to, one row a customer.
    seed : int
        Of the resamples.
    kind : "nonparametric" or "parametric"
        Customers drawn again from the data, or made by the model.
    replications : int
        Refits, at least 2.
    **options
        Of the model's own `fit`, such as covariates; not weights, which the bootstrap draws, nor a calendar, which the
        fit has.

    Examples
    --------
    >>> import churnsim as cs
    >>> summary = cs.summarise(cs.datasets.cdnow())
    >>> result = bootstrap(cs.NBD.fit(summary), summary, seed=1, replications=5)
    >>> len(result.models), {status.code for status in result.statuses}
    (5, {'converged'})
    """
    check_count(replications, "replications", least=2, most=1_000_000)
    check_seed(seed)
    if "weights" in options:
        raise ConfigError("a bootstrap draws the weights itself. Give one row a customer in place of weights.")
    model: Any = fit.model
    subscribers = isinstance(model, RetentionModel)
    summary = summary if subscribers else as_summary(summary)
    if summary.empty:
        raise DataError("the summary has no customers. Check the filter that made it.")
    if subscribers and (kind == "parametric" or Tenures.of(summary).past.any()):
        raise ConfigError(
            "subscribers are drawn again from the data, a row each: pass kind='nonparametric', and of covariates that "
            "change one value a customer."
        )
    if hasattr(model, "unit"):
        options = {"unit": model.unit, **options}
    family: Any = type(model)
    if isinstance(model, PurchasesWithEffects):  # a family's fit with its calendar made it
        family = type(model.base) if isinstance(model, ClockModel) else BGBBCalendar
        given = {"calendar": model.calendar, "leaving": getattr(model, "leaving", None)}
        given["k"] = getattr(model.base, "k", None)
        options = {**{name: value for name, value in given.items() if value is not None}, **options}
    if kind == "nonparametric":
        generator = np.random.Generator(np.random.Philox(seed))
        drawn = resample_counts(len(summary), resamples=replications, generator=generator, draw="multinomial")
        if subscribers:
            options = {**({"kind": model.kind} if hasattr(model, "kind") else {}), **options}
            fits = [family.fit(summary.iloc[np.repeat(np.arange(len(summary)), counts)], **options) for counts in drawn]
        else:
            fits = [family.fit(summary, weights=counts, **options) for counts in drawn]
    else:
        fits = [family.fit(made_up(model, summary, seed, i), **options) for i in range(replications)]
    if isinstance(model, PurchasesWithEffects):
        fits = [each.with_future(model.future) for each in fits]
    return Bootstrap(
        fit=fit, kind=kind, models=tuple(f.model for f in fits), estimates=tuple(f.parameters for f in fits),
        statuses=tuple(f.status for f in fits),
    )  # fmt: skip


def made_up(model: Any, summary: pd.DataFrame, seed: int, replication: int) -> pd.DataFrame:
    """What customers of the model, like those of `summary` in all that is given beforehand (age, covariates, for
    Gamma-Gamma the number of purchases), might have done."""
    if isinstance(model, GammaGamma):
        return simulate_spend(model, summary, seed=seed, replication=replication)
    if hasattr(model, "draw_summary_like"):  # customers differ by their covariates too
        like: pd.DataFrame = model.draw_summary_like(summary, seed=seed, replication=replication)
        return like
    drawn: pd.DataFrame = model.draw_summary(summary["T"].to_numpy(dtype=float), seed=seed, replication=replication)
    return drawn


@in_kind
@typed
def simulate_spend(model: GammaGamma, summary: CustomerFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
    """`GammaGamma.draw_summary_like`: `summary` with the `monetary_value` of new customers of the model.

    Examples
    --------
    >>> model = GammaGamma(p=6.25, q=3.74, gamma=15.44)
    >>> simulate_spend(model, pd.DataFrame({"frequency": [3, 0]}), seed=1)["monetary_value"].gt(0).tolist()
    [True, False]
    """
    return model.draw_summary_like(summary, seed=seed, replication=replication)
