"""Survival curves of one population: the Kaplan-Meier estimate and six parametric families, as plain numbers.

With t in the model's unit (symbols as in lifelines):

    kaplan_meier           the step function of its jumps; beyond the last one the hazard `tail_hazard` holds
    weibull                S = exp(-(t/lambda)^rho)
    log_normal             S = 1 - Phi((ln t - mu)/sigma)
    log_logistic           S = 1/(1 + (t/alpha)^beta)
    generalized_gamma      with z = (ln t - mu)/sigma and k = 1/lambda^2: S = Q(k, k e^(lambda z)) for lambda > 0, P
    for < 0 piecewise_exponential  constant hazard 1/lambda_i between `breakpoints`
    mixture_cure           S = c + (1 - c) exp(-(t/lambda)^rho): a share c never leaves
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammaincc, log_ndtr

from churnsim.errors import ConfigError
from churnsim.models.estimation.parameters import ParametricModel
from churnsim.models.retention.base import RetentionModel
from churnsim.units import check_unit

__all__ = ["FAMILIES", "SurvivalCurve"]

Floats = NDArray[np.float64]

# Parameters of each family; those in REAL may be negative, the others are above 0 (a share: between 0 and 1).
FAMILIES: dict[str, tuple[str, ...]] = {
    "kaplan_meier": (),
    "weibull": ("lambda_", "rho_"),
    "log_normal": ("mu_", "sigma_"),
    "log_logistic": ("alpha_", "beta_"),
    "generalized_gamma": ("mu_", "ln_sigma_", "lambda_"),
    "piecewise_exponential": (),
    "mixture_cure": ("cured_fraction_", "lambda_", "rho_"),
}
REAL = {("log_normal", "mu_"), ("generalized_gamma", "mu_"), ("generalized_gamma", "ln_sigma_"),
        ("generalized_gamma", "lambda_")}  # fmt: skip
TINY = 1e-300


@dataclass(frozen=True, kw_only=True)
class SurvivalCurve(RetentionModel, ParametricModel):
    """One curve of a `family`: its `parameters` by name; for the step function `times` and `survivals` at them.

    `breakpoints` belong to the piecewise exponential. `tail_hazard` is the hazard per unit that the step function is
    continued with beyond its last time (an assumption: no data reach there). Raises ConfigError for an unknown
    family, missing or surplus parameters, or curves that rise.
    """

    kind: str
    parameters: dict[str, float] = field(default_factory=dict)
    breakpoints: tuple[float, ...] = ()
    times: tuple[float, ...] = ()
    survivals: tuple[float, ...] = ()
    tail_hazard: float = 0.0
    unit: str = "M"

    family: ClassVar[str] = "survival_curve"

    def __post_init__(self) -> None:
        check_unit(self.unit)
        if self.kind not in FAMILIES:
            raise ConfigError(f"unknown survival family {self.kind!r}. Use one of {', '.join(FAMILIES)}.")
        for name in ("breakpoints", "times", "survivals"):
            object.__setattr__(self, name, tuple(float(value) for value in getattr(self, name)))
        wanted = FAMILIES[self.kind]
        if self.kind == "piecewise_exponential":
            wanted = tuple(f"lambda_{i}_" for i in range(len(self.breakpoints) + 1))
        if set(self.parameters) != set(wanted):
            raise ConfigError(f"{self.kind} takes the parameters {list(wanted)}; got {sorted(self.parameters)}.")
        for name, value in self.parameters.items():
            positive = (self.kind, name) in REAL or value > 0 or name == "cured_fraction_"
            if not (np.isfinite(value) and positive) or (name == "cured_fraction_" and not 0 <= value <= 1):
                raise ConfigError(f"{self.kind}: {name} is out of range; got {value!r}.")
        steps = np.diff(np.array((1.0, *self.survivals)))
        if len(self.times) != len(self.survivals) or (steps > 0).any() or (np.diff(self.times) <= 0).any():
            raise ConfigError("a step function needs a survival for each of its ascending times, none above the last.")

    @classmethod
    def fit(cls, subscriptions: Any, kind: str = "kaplan_meier", **options: Any) -> Any:
        """Estimate a curve of that family; see `churnsim.models.survival.fitting.fit_curve`."""
        from churnsim.models.survival.fitting import fit_curve

        return fit_curve(subscriptions, kind, **options)

    def log_survival(self, t: Floats) -> Floats:
        """ln S(t), 1-d."""
        t = np.asarray(t, dtype=np.float64)
        if self.kind == "kaplan_meier":
            return self._steps(t)
        p = self.parameters
        with np.errstate(divide="ignore"):
            log_t = np.log(np.maximum(t, TINY))
        match self.kind:
            case "weibull":
                return np.asarray(-((t / p["lambda_"]) ** p["rho_"]))
            case "log_normal":
                return np.asarray(log_ndtr((p["mu_"] - log_t) / p["sigma_"]))
            case "log_logistic":
                return np.asarray(-np.logaddexp(0.0, p["beta_"] * (log_t - np.log(p["alpha_"]))))
            case "generalized_gamma":
                return _generalized_gamma(log_t, p["mu_"], np.exp(p["ln_sigma_"]), p["lambda_"])
            case "piecewise_exponential":
                edges = np.array((0.0, *self.breakpoints, np.inf))
                scales = np.array([p[f"lambda_{i}_"] for i in range(edges.size - 1)])
                spent = np.clip(t[:, None] - edges[:-1], 0.0, np.diff(edges))
                return np.asarray(-(spent / scales).sum(axis=1))
            case _:
                cured = p["cured_fraction_"]
                return np.asarray(np.log(cured + (1 - cured) * np.exp(-((t / p["lambda_"]) ** p["rho_"]))))

    def _steps(self, t: Floats) -> Floats:
        place = np.searchsorted(np.array(self.times), t, side="right")
        values = np.array((1.0, *self.survivals))
        last = self.times[-1] if self.times else 0.0
        with np.errstate(divide="ignore"):
            known = np.log(values[place])
        return np.asarray(known - self.tail_hazard * np.maximum(t - last, 0.0))


def _generalized_gamma(log_t: Floats, mu: float, sigma: float, shape: float) -> Floats:
    z = (log_t - mu) / sigma
    if shape == 0.0:
        return np.asarray(log_ndtr(-z))
    k = 1.0 / shape**2
    at = k * np.exp(np.minimum(shape * z, 700.0))
    return np.asarray(np.log(np.maximum(gammaincc(k, at) if shape > 0 else gammainc(k, at), TINY)))
