"""Histories made ready for a fit: identical rows collapsed, time divided by its mean, starting points from moments."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from churnsim.data.summaries.column_aliases import as_summary
from churnsim.errors import DataError
from churnsim.kernels.likelihoods.histories import unique_histories
from churnsim.models.estimation.fit import FitStatus
from churnsim.models.estimation.likelihood import Likelihood
from churnsim.models.estimation.threads import Chunks
from churnsim.models.purchase.histories import Histories, checked_weights, unit_of
from churnsim.typing import Floats

Family = TypeVar("Family", bound=Any)
Objective = Callable[[Floats], tuple[float, Floats]]

# From so many distinct histories on, a search begins with every SKETCH-th of them: it ends within some four standard
# errors of where all of them do, at a sixteenth of the time.
SKETCH_FROM, SKETCH = 50_000, 16


@dataclass(frozen=True, kw_only=True, eq=False)
class ScaledHistories:
    """Distinct histories with time in units of the mean observation `scale`, and the customers each stands for."""

    histories: Histories
    weight: Floats
    scale: float
    unit: str
    customers: float
    repeats: float
    never: float

    @classmethod
    def of(
        cls, summary: pd.DataFrame, *, unit: str | None, weights: ArrayLike | None, scale: float | None = None
    ) -> ScaledHistories:
        """Check, collapse and scale a summary, by its mean T unless `scale` says by what.

        Raises DataError where nobody was observed for any time.
        """
        h = Histories.of(summary, unit=unit)
        h, weight = collapse(h, checked_weights(weights, h.x.size))
        customers = float(weight.sum())
        # Not `@`: a dot product of this length wakes BLAS threads, which then fight the kernels' for the cores.
        mean = float((weight * h.T).sum()) / customers
        if mean == 0:
            raise DataError(
                "every customer first bought on the last day (T is 0 throughout), so there is nothing to fit. "
                "Check the observation end, or observe longer."
            )
        scale = scale or mean
        scaled = Histories(x=h.x, t_x=h.t_x / scale, T=h.T / scale, index=h.index)
        return cls._counted(scaled, weight, scale, unit_of(as_summary(summary), unit))

    @classmethod
    def _counted(cls, h: Histories, weight: Floats, scale: float, unit: str) -> ScaledHistories:
        customers = float(weight.sum())
        return cls(
            histories=h,
            weight=weight,
            scale=scale,
            unit=unit,
            customers=customers,
            repeats=float((weight * h.x).sum()),
            never=float(weight[h.x == 0].sum()) / customers,
        )

    def sketch(self) -> ScaledHistories | None:
        """Some of many histories, on the same scale; None where there are few."""
        h = self.histories
        if h.x.size < SKETCH_FROM:
            return None
        weight = np.ascontiguousarray(self.weight[::SKETCH])
        part = Histories(
            x=np.ascontiguousarray(h.x[::SKETCH]),
            t_x=np.ascontiguousarray(h.t_x[::SKETCH]),
            T=np.ascontiguousarray(h.T[::SKETCH]),
            index=h.index[::SKETCH],
        )
        return self._counted(part, weight, self.scale, self.unit)

    def chunks(self) -> Chunks:
        """x, t_x, T and weight in pieces for the kernels."""
        return Chunks(self.histories.x, self.histories.t_x, self.histories.T, self.weight)

    @property
    def log_scale(self) -> float:
        """Scaling time by s multiplies the density of x purchase times by s^x; this undoes it."""
        return -self.repeats * math.log(self.scale)

    @property
    def doubt(self) -> FitStatus | None:
        """Without a repeat purchase nothing can be told, whatever a search finds."""
        if self.repeats > 0:
            return None
        return FitStatus(
            "too little data",
            "no customer bought again, so neither the purchase rate nor dropout can be told.",
            "Observe longer, or check that repeat purchases are in the log.",
        )


def summed(kernel: Callable[..., Floats], chunks: Chunks, *last: Any) -> Objective:
    """The objective of a kernel that gives the log-likelihood and, after it, its slopes."""

    def objective(parameters: Floats) -> tuple[float, Floats]:
        result = chunks.sum(kernel, tuple(parameters), last)
        return float(result[0]), result[1:]

    return objective


def likelihood_of(
    family: type[Family],
    data: ScaledHistories,
    objective: Objective,
    *,
    leaving: Sequence[tuple[float, ...]],
    remedies: str,
    rate: int = 1,
    log_scale: float | None = None,
    fixed: Mapping[str, Any] | None = None,
    **more: Any,
) -> Likelihood[Family]:
    """The likelihood of a family whose first parameters are r and `alpha`, and whose `alpha` and `beta` are times.

    `objective` gives the log-likelihood and its slopes at parameters in scaled time; `leaving` are starting points of
    those after r and alpha, one for each of `rate_starts`. At the rate lambda `rate` events make a purchase;
    `log_scale` undoes the scaling of time, that of purchase times unless given. `remedies` say what to try where the
    data do not tell the parameters, `fixed` is what the model has beside the estimated ones and the unit, and `more` is
    of `Likelihood`.
    """
    names: tuple[str, ...] = family.parameter_names
    known = {**(fixed or {}), "unit": data.unit}
    return Likelihood(
        names=names,
        scales=np.array([data.scale if name in ("alpha", "beta") else 1.0 for name in names]),
        starts=[
            np.array([r, alpha / rate, *rest]) for (r, alpha), rest in zip(rate_starts(data), leaving, strict=True)
        ],
        customers=data.customers,
        log_scale=data.log_scale if log_scale is None else log_scale,
        objective=objective,
        build=lambda values: family.from_dict({**values, **known}),
        remedies=remedies,
        doubt=data.doubt,
        **more,
    )


def rate_starts(data: ScaledHistories) -> list[tuple[float, float]]:
    """Six starts (r, alpha) in units of the mean observation.

    The first matches the mean repeat count and the share who never bought again, as if nobody dropped out (NBD:
    P(0) = (1 + mean/r)^-r); the others span alike and unlike customers at the same mean.
    """
    mean = max(data.repeats / data.customers, 1e-3)
    low, high = math.log(0.05), math.log(20.0)
    for _ in range(12):
        r = math.exp((low + high) / 2)
        # P(0) falls with r: the more alike customers are, the fewer never buy.
        low, high = (math.log(r), high) if (1 + mean / r) ** -r > data.never else (low, math.log(r))
    return [(shape, shape / mean) for shape in (r, 2.0, 0.2, 1.0, 5.0, 1.0)]


def collapse(h: Histories, weight: Floats) -> tuple[Histories, Floats]:
    """One row for identical histories, with their summed weight; rows without weight are left out."""
    rows, summed = unique_histories(h.x, h.t_x.view(np.int64), h.T.view(np.int64), weight)
    if rows.size == h.x.size:
        return h, summed
    return Histories(x=h.x[rows], t_x=h.t_x[rows], T=h.T[rows], index=pd.RangeIndex(rows.size)), summed
