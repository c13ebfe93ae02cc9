"""The fit of a model with a calendar beside the one without."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from churnsim.data.summaries.calendar import Future
from churnsim.models.estimation.fit import ModelFit, Parametric
from churnsim.models.purchase.calendar.effects import CalendarEffects
from churnsim.statistics import chi2_tail


@dataclass(frozen=True, kw_only=True, eq=False)
class LikelihoodRatio:
    """A fit beside the one without its calendar: twice the difference of the log-likelihoods, the effects added, and
    the chance of as much were they all 0 (chi-square). `CalendarFit.likelihood_ratio` gives it.

    Examples
    --------
    >>> LikelihoodRatio(statistic=27.0, effects=1, p_value=2e-7).effects
    1
    """

    statistic: float
    effects: int
    p_value: float


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CalendarFit(ModelFit[CalendarEffects]):
    """The fit of a `CalendarModel` or a `SeriesModel`.

    Attributes
    ----------
    plain : ModelFit
        The family without the calendar, on the same customers.

    Examples
    --------
    >>> import churnsim as cs
    >>> calendar = cs.data.Calendar(trend="1997-01-01")
    >>> fit = cs.NBD.fit(cs.summarise(cs.datasets.cdnow(), calendar=calendar), calendar=calendar)
    >>> isinstance(fit, CalendarFit), fit.likelihood_ratio.effects
    (True, 1)
    """

    plain: ModelFit[Parametric]

    def with_future(self, future: Future | None) -> Self:
        """The same fit, its model told once what comes."""
        return replace(self, model=self.model.with_future(future))

    @property
    def likelihood_ratio(self) -> LikelihoodRatio:
        """The test of the calendar against the plain family."""
        statistic = max(2 * (self.loglik - self.plain.loglik), 0.0)
        effects = len(self.names) - len(self.plain.names)
        return LikelihoodRatio(statistic=statistic, effects=effects, p_value=float(chi2_tail(statistic, effects)))
