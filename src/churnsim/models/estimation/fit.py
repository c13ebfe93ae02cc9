"""What a fit reports: estimates, standard errors, and in words how it ended.

Standard errors come from the observed information in log-parameters (`optimise.py`), by the delta method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import getmembers, isfunction
from typing import Any, Generic, Literal, Protocol, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from churnsim.checks import shown, typed
from churnsim.errors import ConfigError
from churnsim.models.estimation.arguments import check_draws, check_no_posterior
from churnsim.models.estimation.optimise import RIDGE_ERROR, Optimum
from churnsim.models.estimation.parameters import ParametricModel
from churnsim.other_packages import said_here
from churnsim.statistics import normal_quantile
from churnsim.typing import Floats
from churnsim.units import UNIT_NAMES

Code = Literal["converged", "ridge", "boundary", "separation", "too little data", "not converged"]


@dataclass(frozen=True)
class FitStatus:
    """What happened to a fit, in words: `code`, `message`, and `advice` on what to try.

    Attributes
    ----------
    code : str
        One word: "converged" and what else can happen.
    message : str
        What happened, in a sentence.
    advice : str
        What to try; empty where nothing is to be done.

    Examples
    --------
    >>> import churnsim as cs
    >>> fit = cs.BGNBD.fit(cs.summarise(cs.datasets.cdnow(), until="1997-09-30"))
    >>> fit.status.ok, fit.status.code
    (True, 'converged')
    """

    code: Code
    message: str
    advice: str = ""

    @property
    def ok(self) -> bool:
        """Whether estimates and standard errors can be used as they stand."""
        return self.code == "converged"

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" {self.advice}" if self.advice else "")


_CONVERGED = FitStatus("converged", "the gradient vanishes and the curvature is that of a maximum.")


def status_of(optimum: Optimum, names: Sequence[str], remedies: str, real: Sequence[bool] = ()) -> FitStatus:
    """Judge an optimum: converged, separation, boundary, ridge or not converged, naming the parameters concerned.

    `real` marks the coefficients of covariates, which are in standard deviations here: one that runs off, or could,
    by a factor of e^4 in the rate tells that the covariate separates customers who differ altogether.
    """
    if optimum.optimal and optimum.determined:
        return _CONVERGED
    errors = np.sqrt(np.diag(optimum.log_covariance))
    bound = [name for name, at in zip(names, optimum.at_bound, strict=True) if at]
    loose = [name for name, error in zip(names, errors, strict=True) if error > RIDGE_ERROR and name not in bound]
    off = [
        name
        for name, at, error, is_real in zip(names, optimum.at_bound, errors, real or [False] * len(names), strict=True)
        if is_real and (at or error > RIDGE_ERROR)
    ]
    if off:
        return FitStatus(
            "separation",
            f"the effect of {', '.join(off)} runs off: customers on one side of it show no purchase (or no dropout) at "
            "all, so that its size cannot be told.",
            "Leave the covariate out, merge its rare values, or fit with a penalty.",
        )
    if not optimum.optimal and not bound:
        return FitStatus(
            "not converged",
            f"the gradient is still {np.abs(optimum.gradient).max():.2g} after {optimum.starts} starts.",
            "Check the data for outliers; do not use these estimates.",
        )
    if bound:
        return FitStatus(
            "boundary",
            f"{', '.join(bound)} ran to the edge of what the data can tell; its standard error is infinite.",
            remedies,
        )
    if loose:
        return FitStatus(
            "ridge", f"the likelihood is flat along {', '.join(loose)}: many values fit equally well.", remedies
        )
    return _CONVERGED


class Parametric(Protocol):
    """What a fit needs of a model: to be made from a dict and turned into one."""

    @property
    def family(self) -> str:
        """Its kind, as files and registries name it."""

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The model with these values."""

    def to_dict(self) -> dict[str, Any]:
        """Its values as plain JSON."""


M = TypeVar("M", bound=Parametric)
M_co = TypeVar("M_co", bound=Parametric, covariant=True)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ModelFit(Generic[M_co]):
    """A fitted model with its uncertainty.

    The verbs of the model are verbs of the fit: `fit.p_alive(summary)`.

    Attributes
    ----------
    model : a model
        At the estimates.
    names : tuple of str
        The parameters.
    matrix : array of shape (parameters, parameters)
        Covariance of their estimates (delta method from the log-parameters); NaN where the data do not determine them.
    loglik : float
        Log-likelihood at the estimates, in the data's own units, so that models compare.
    n : float
        Customers: the sum of the weights.
    status : FitStatus
        How the fit ended.
    real : tuple of bool
        Which parameters may be negative; the others are above 0.

    Examples
    --------
    >>> import churnsim as cs
    >>> fit = cs.NBD.fit(cs.summarise(cs.datasets.cdnow()))
    >>> fit.status.code, list(fit.standard_errors)
    ('converged', ['r', 'alpha'])
    """

    model: M_co
    names: tuple[str, ...]
    matrix: Floats
    loglik: float
    n: float
    status: FitStatus
    real: tuple[bool, ...] = ()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """A verb of the model, such as `fit.p_alive(summary)` for `fit.model.p_alive(summary)`."""
        # Not through `self` while it is being unpickled and has no model yet.
        model = self.__dict__.get("model")
        if model is not None and name in verbs_of(type(model)):
            verb: Callable[..., Any] = getattr(model, name)
            return verb
        if name in getattr(type(model), "instead", ()):
            getattr(model, name)  # the model's error, where it has none, says what serves in place of it
        kind = "" if model is None else f" of {type(model).__name__}"
        meant = said_here(name, dir(self)) if kind and name[0] != "_" else ""  # protocols need no advice
        error = f"{type(self).__name__}{kind} has no {name!r}.{meant}"
        raise AttributeError(error, name=name, obj=self)

    def __repr__(self) -> str:
        """The estimates and how they were found; `summary()` has the rest."""
        values = ", ".join(f"{name} {value:.4g}" for name, value in self.summary()["estimate"].items())
        kind, unit = getattr(self.model, "kind", ""), UNIT_NAMES.get(getattr(self.model, "unit", ""), "")
        data = f"{self.n:,.10g} customers{unit and f' in {unit}'}"
        family = f"{type(self.model).__name__}{kind and f' ({kind})'} fitted to {data}"
        return f"<{family}: {values}{values and '; '}log-likelihood {self.loglik:,.1f}; {self.status.code}>"

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *verbs_of(type(self.model))})

    @property
    def _real(self) -> NDArray[np.bool_]:
        """Which parameters are coefficients, of either sign."""
        return np.array(self.real or [False] * len(self.names), dtype=np.bool_)

    @property
    def covariance(self) -> pd.DataFrame:
        """Covariance of the parameters as named."""
        return pd.DataFrame(self.matrix, index=list(self.names), columns=list(self.names))

    @property
    def parameters(self) -> dict[str, float]:
        """Estimates by name."""
        values = self.model.to_dict()
        return {name: float(values[name]) for name in self.names}

    @property
    def standard_errors(self) -> dict[str, float]:
        """Square roots of the covariance's diagonal, by name; infinite where the data do not determine a parameter."""
        errors = np.sqrt(np.diag(self.matrix))
        return dict(zip(self.names, map(float, errors), strict=True))

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2k - 2 loglik."""
        return 2 * len(self.names) - 2 * self.loglik

    @property
    def bic(self) -> float:
        """Schwarz's criterion, k ln n - 2 loglik."""
        return len(self.names) * float(np.log(self.n)) - 2 * self.loglik

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """One row a parameter: estimate, standard_error, lower, upper.

        The interval is the normal one in the logarithm, where the likelihood of a positive parameter is nearer to
        quadratic; a coefficient's is symmetric.
        """
        estimate = pd.Series(self.parameters)
        error = pd.Series(self.standard_errors)
        z = normal_quantile(level)
        factor = (error / estimate * z).clip(upper=700.0).map(np.exp).where(np.isfinite(error), np.inf)
        lower = (estimate / factor).where(~self._real, estimate - z * error)
        upper = (estimate * factor).where(~self._real, estimate + z * error)
        return pd.DataFrame(
            {"estimate": estimate, "standard_error": error, "lower": lower, "upper": upper}
        ).rename_axis("parameter")

    def _law(self) -> tuple[NDArray[np.bool_], Floats]:
        """Which parameters the data determine, and a root of the asymptotic covariance of their logarithms (of
        coefficients as such), 0 for the others."""
        unit = np.where(self._real, 1.0, np.array(list(self.parameters.values())))
        logs = self.matrix / np.outer(unit, unit)
        held = ~np.isfinite(np.diag(logs)) | (~self._real & (np.diag(logs) > RIDGE_ERROR**2))
        logs[held, :] = 0.0
        logs[:, held] = 0.0
        values, vectors = np.linalg.eigh(logs)
        return ~held, vectors * np.sqrt(np.maximum(values, 0.0))

    @typed
    def draw_parameters(self, n: int, *, seed: int) -> list[M_co]:
        """`n` models drawn from the estimates' asymptotic law: normal in the log-parameters (and in coefficients).

        Parameters that the data do not determine stay at their estimate.
        """
        check_draws(n, seed, 0)
        names, estimate = self.names, np.array(list(self.parameters.values()))
        normals = np.random.Generator(np.random.Philox(seed)).standard_normal((n, len(names)))
        moved = normals @ self._law()[1].T
        drawn = np.where(self._real, estimate + moved, estimate * np.exp(np.where(self._real, 0.0, moved)))
        base = self.model.to_dict()
        return [model_like(self.model, {**base, **dict(zip(names, map(float, row), strict=True))}) for row in drawn]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; infinite standard errors become None."""
        table = self.summary()
        rows = [
            {"name": name, **{k: float(v) if np.isfinite(v) else None for k, v in row.items()}}
            for name, row in table.to_dict("index").items()
        ]
        return {
            "model": self.model.to_dict(),
            "parameters": rows,
            "loglik": self.loglik,
            "aic": self.aic,
            "bic": self.bic,
            "n": self.n,
            "status": {"code": self.status.code, "message": self.status.message, "advice": self.status.advice},
        }


def model_like(model: M, values: dict[str, Any]) -> M:
    """The model of a dict, told of what no dict holds (the future, series of customers) as this one is."""
    found = type(model).from_dict(values)
    like: Callable[[M, M], M] | None = getattr(type(model), "_like", None)
    return like(found, model) if like else found


def verbs_of(family: type[Any]) -> frozenset[str]:
    """Names of the public methods of a model's objects, but for those of files and checks that all models have."""
    if family not in _VERBS:
        shared = vars(ParametricModel)
        _VERBS[family] = frozenset(
            name for name, _ in getmembers(family, isfunction) if not name.startswith("_") and name not in shared
        )
    return _VERBS[family]


_VERBS: dict[type[Any], frozenset[str]] = {}


def build_fit(
    model: M,
    *,
    names: Sequence[str],
    optimum: Optimum,
    loglik: float,
    n: float,
    status: FitStatus,
    real: tuple[bool, ...] = (),
    scales: Floats | None = None,
) -> ModelFit[M]:
    """A ModelFit from an optimum in (possibly scaled) log-parameters: covariance by the delta method.

    A coefficient marked in `real` is not by its logarithm, and `scales` turns it into the model's own.
    """
    values = model.to_dict()
    slope = np.array([float(values[name]) for name in names])
    if scales is not None and any(real):
        slope = np.where(np.array(real), scales, slope)
    logs = optimum.log_covariance
    with np.errstate(invalid="ignore"):
        covariance = np.where(logs == 0, 0.0, logs * (slope[:, None] * slope))
    return ModelFit(
        model=model,
        loglik=float(loglik),
        n=float(n),
        status=status,
        names=tuple(names),
        matrix=covariance,
        real=real,
    )


def check_fit(value: object, name: str) -> None:
    """ConfigError unless `value` is a fit, of one model or of several averaged, from which models can be drawn."""
    if not hasattr(value, "draw_parameters") or isinstance(value, type):
        raise ConfigError(f"{name} must be a fit, such as BGNBD.fit(summary); got {shown(value)}.")


def fitted_model(given: Any, name: str = "a model") -> Any:
    """The model of a fit; what is no fit as it is. ConfigError for a posterior."""
    check_no_posterior(given, name)
    return given.model if isinstance(given, ModelFit) else given
