"""A likelihood as an object: what every search over a model's parameters works on.

Maximum likelihood, the bootstrap and posterior samplers all need the same things: parameter names, starting points, the
value with its gradient, and the way back to a model. Data are scaled to a mean of 1 first, so that seconds and years
are the same problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from churnsim.models.estimation.fit import FitStatus, ModelFit, Parametric, build_fit, status_of
from churnsim.models.estimation.optimise import Optimum, maximise
from churnsim.typing import Floats

M = TypeVar("M", bound=Parametric)


@dataclass(frozen=True, kw_only=True, eq=False)
class Likelihood(Generic[M]):
    """The log-likelihood of a data set under one family, over an array of parameters in the order of `names`.

    `objective(parameters)` returns the log-likelihood and its gradient, `hessian(parameters)` (if given) its second
    derivatives, all **in scaled data**; a parameter in scaled data is the model's own divided by its entry in
    `scales`. `log_scale` is what the scaling adds to a log-likelihood in the data's own unit. All parameters are
    positive except those marked in `real`. `customers` is the sum of the weights. `doubt` is a verdict that the data
    alone decide, before any search. Where there are many rows `sketch()` is the likelihood of a few of them, on
    the same scale: its maximum is a start so near that Newton steps alone do the rest.
    """

    names: tuple[str, ...]
    scales: Floats
    starts: Sequence[Floats]
    customers: float
    log_scale: float
    objective: Callable[[Floats], tuple[float, Floats]]
    build: Callable[[dict[str, float]], M]
    remedies: str
    hessian: Callable[[Floats], Floats] | None = None
    real: tuple[bool, ...] = ()
    doubt: FitStatus | None = None
    sketch: Callable[[], Likelihood[M]] | None = None

    def model(self, parameters: Floats) -> M:
        """The model, in the data's own unit, whose scaled parameters these are."""
        return self.build(dict(zip(self.names, map(float, parameters * self.scales), strict=True)))

    def parameters(self, model: M) -> Floats:
        """Scaled parameters of a model, in the order of `names`."""
        values = model.to_dict()
        return np.array([float(values[name]) for name in self.names]) / self.scales

    def log_likelihood(self, parameters: Floats) -> float:
        """Log-likelihood in the data's own unit at scaled parameters."""
        return self.objective(parameters)[0] + self.log_scale


def fit_likelihood(likelihood: Likelihood[M]) -> ModelFit[M]:
    """Maximum likelihood: the one path of every family, from starting points to a status in words."""
    optimum = _search(likelihood)
    return build_fit(
        likelihood.model(optimum.parameters),
        names=likelihood.names,
        optimum=optimum,
        loglik=optimum.value + likelihood.log_scale,
        n=likelihood.customers,
        status=likelihood.doubt or status_of(optimum, likelihood.names, likelihood.remedies, likelihood.real),
        real=likelihood.real,
        scales=likelihood.scales,
    )


def _search(likelihood: Likelihood[M]) -> Optimum:
    few = likelihood.sketch() if likelihood.sketch else None
    rough = _search(few) if few else None
    return maximise(
        likelihood.objective,
        starts=likelihood.starts,
        customers=likelihood.customers,
        hessian=likelihood.hessian,
        real=likelihood.real,
        near=rough.parameters if rough is not None and rough.optimal else None,
        few=(few.objective, few.customers) if few else None,
    )
