"""Survival with covariates: Cox's proportional hazards and accelerated failure times, as plain numbers.

With z a customer's covariates as a `Design` writes them, less their means, and b the coefficients:

    cox               S(t | z) = exp(-H_s(t) e^(z b)), H_s the baseline cumulative hazard of stratum s at mean
    covariates weibull_aft       S = exp(-(t/lambda)^rho), ln lambda = `intercept` + z b, rho = `shape`
    log_normal_aft    S = 1 - Phi((ln t - mu)/sigma), mu = `intercept` + z b, sigma = `shape`
    log_logistic_aft  S = 1/(1 + (t/alpha)^beta), ln alpha = `intercept` + z b, beta = `shape`

In a Cox model a positive coefficient means leaving sooner, in the others staying longer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_ndtr

from churnsim.errors import ConfigError, DataError
from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.design_matrix import Design
from churnsim.models.retention.tenures import Tenures
from churnsim.units import check_unit

__all__ = ["REGRESSIONS", "Baseline", "SurvivalRegression"]

Floats = NDArray[np.float64]

REGRESSIONS = ("cox", "weibull_aft", "log_normal_aft", "log_logistic_aft")
TINY = 1e-300


@dataclass(frozen=True)
class Baseline:
    """A step function of cumulative hazard at mean covariates; beyond its last time the hazard `tail_hazard` holds."""

    times: tuple[float, ...]
    hazards: tuple[float, ...]
    tail_hazard: float

    def cumulative(self, t: Floats) -> Floats:
        """H(t), shape of `t`."""
        values = np.array((0.0, *self.hazards))
        last = self.times[-1] if self.times else 0.0
        return np.asarray(
            values[np.searchsorted(np.array(self.times), t, side="right")]
            + self.tail_hazard * np.maximum(t - last, 0.0)
        )


@dataclass(frozen=True, kw_only=True)
class SurvivalRegression(RetentionModel):
    """A fitted regression. `coefficients` go by the design's names; `baselines` (Cox) by the stratum's value, "" where
    there are no strata; `intercept` and `shape` belong to the accelerated failure times."""

    kind: str
    design: Design
    coefficients: dict[str, float]
    baselines: dict[str, Baseline] = field(default_factory=dict)
    strata: str | None = None
    intercept: float = 0.0
    shape: float = 1.0
    unit: str = "M"

    family: ClassVar[str] = "survival_regression"

    def __post_init__(self) -> None:
        check_unit(self.unit)
        if self.kind not in REGRESSIONS:
            raise ConfigError(f"unknown regression {self.kind!r}. Use one of {', '.join(REGRESSIONS)}.")
        if set(self.coefficients) != set(self.design.names):
            raise ConfigError(
                f"coefficients are needed for {list(self.design.names)}; got {sorted(self.coefficients)}."
            )
        if (self.kind == "cox") != bool(self.baselines):
            raise ConfigError("a Cox model has baseline hazards, an accelerated failure time has none.")

    @classmethod
    def fit(cls, subscriptions: Any, kind: str = "cox", **options: Any) -> Any:
        """Estimate; see `churnsim.models.survival.regression_fit.fit_regression`."""
        from churnsim.models.survival.regression_fit import fit_regression

        return fit_regression(subscriptions, kind, **options)

    def linear(self, customers: pd.DataFrame) -> Floats:
        """z b of each customer, 0 at mean covariates."""
        return self._linear(self.design.centred(customers))

    def _linear(self, centred: Floats) -> Floats:
        return np.asarray(centred @ np.array([self.coefficients[name] for name in self.design.names]))

    @property
    def proportional(self) -> bool:
        """Whether customers' hazards are multiples of one baseline's at every tenure: Cox without strata, Weibull."""
        return (self.kind == "cox" and self.strata is None) or self.kind == "weibull_aft"

    def hazard_multiplier(self, customers: pd.DataFrame) -> pd.Series[float]:
        """Each customer's hazard as a multiple of that at mean covariates (in its stratum): e^(z b) under Cox, e^(-rho
        z b) for Weibull times. ConfigError for the others, whose hazards are not proportional."""
        return pd.Series(self.multiplier_at(self.design.centred(customers)), customers.index, name="hazard_multiplier")

    def multiplier_at(self, centred: Floats) -> Floats:
        """The same from covariates as `design.centred` writes them; ConfigError for a family without a multiplier."""
        if self.kind not in ("cox", "weibull_aft"):
            raise ConfigError(f"{self.kind} has no hazard multiplier: covariates stretch its time instead.")
        return np.exp((1.0 if self.kind == "cox" else -self.shape) * self._linear(centred))

    def log_survival(self, t: Floats) -> Floats:
        """ln S(t) at mean covariates, 1-d; ConfigError with strata, where there is no such customer."""
        if self.strata is not None:
            raise ConfigError(f"with strata there is no customer at the mean: pass customers with {self.strata!r}.")
        if self.kind == "cox":
            return -self.baselines[""].cumulative(np.asarray(t, dtype=np.float64))
        return np.asarray(self._aft(np.asarray(t, dtype=np.float64), np.zeros(1))[0])

    def residual_survival(self, customers: pd.DataFrame, steps: Floats) -> Floats:
        """P(still there `steps` from now | there now), shape (customers, steps)."""
        tenure, linear = Tenures.of(customers, need_churned=False).tenure, self.linear(customers)
        if self.kind != "cox":
            ahead = self._aft(tenure[:, None] + steps[None, :], linear)
            return np.exp(ahead - self._aft(tenure[:, None], linear))
        out = np.empty((len(customers), steps.size))
        for stratum, rows in self._by_stratum(customers):
            baseline = self.baselines[stratum]
            ages, place = np.unique(tenure[rows], return_inverse=True)
            more = baseline.cumulative(ages[:, None] + steps[None, :]) - baseline.cumulative(ages)[:, None]
            out[rows] = np.exp(-more[place] * np.exp(linear[rows])[:, None])
        return out

    def _by_stratum(self, customers: pd.DataFrame) -> list[tuple[str, NDArray[np.bool_]]]:
        if self.strata is None:
            return [("", np.ones(len(customers), dtype=bool))]
        if self.strata not in customers.columns:
            raise ConfigError(f"the model has strata by {self.strata!r}, which the customers lack.")
        words = customers[self.strata].astype(str).to_numpy()
        unknown = sorted(set(words) - set(self.baselines))
        if unknown:
            raise DataError(
                f"{self.strata!r} has {unknown[0]!r}, which the model has not seen: {sorted(self.baselines)}."
            )
        return [(stratum, words == stratum) for stratum in self.baselines]

    def _aft(self, t: Floats, linear: Floats) -> Floats:
        """ln S, shape (len(linear), columns of t)."""
        with np.errstate(divide="ignore"):
            log_t = np.log(np.maximum(np.atleast_2d(t), TINY))
        z = log_t - (self.intercept + linear)[:, None]
        if self.kind == "weibull_aft":
            return np.asarray(-np.exp(np.minimum(self.shape * z, 700.0)))
        if self.kind == "log_normal_aft":
            return np.asarray(log_ndtr(-z / self.shape))
        return np.asarray(-np.logaddexp(0.0, self.shape * z))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "family": self.family, "kind": self.kind, "design": self.design.to_dict(),
            "coefficients": dict(self.coefficients), "strata": self.strata, "intercept": self.intercept,
            "shape": self.shape, "unit": self.unit,
            "baselines": {
                stratum: {"times": list(b.times), "hazards": list(b.hazards), "tail_hazard": b.tail_hazard}
                for stratum, b in self.baselines.items()
            },
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SurvivalRegression:
        """The model of a dict made by `to_dict`; ConfigError for another dict."""
        rest = {key: value for key, value in values.items() if key != "family"}
        try:
            rest["design"] = Design.from_dict(rest["design"])
            rest["baselines"] = {
                stratum: Baseline(tuple(b["times"]), tuple(b["hazards"]), float(b["tail_hazard"]))
                for stratum, b in rest["baselines"].items()
            }
            return cls(**rest)
        except (KeyError, TypeError) as error:
            raise ConfigError(f"cannot make a SurvivalRegression: {error}.") from None

    def save(self, path: str | Path) -> None:
        """Write the model as JSON."""
        Path(path).write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")
