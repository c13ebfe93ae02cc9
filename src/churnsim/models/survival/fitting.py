"""Survival curves estimated by lifelines (Davidson-Pilon 2019, Journal of Open Source Software 4(40), 1317)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lifelines
import numpy as np
import pandas as pd
from lifelines.exceptions import ConvergenceError
from numpy.typing import NDArray
from scipy.stats import kstwobign, norm

from churnsim.errors import ConfigError, DataError, FitError
from churnsim.models.estimation.fit import FitStatus, ModelFit
from churnsim.models.retention.tenures import Tenures
from churnsim.models.survival.curve import FAMILIES, REAL, SurvivalCurve
from churnsim.models.survival.risk_sets import TAIL_SHARE
from churnsim.models.survival.rounded import Intervals, fit_rounded

__all__ = ["CurveFit", "fit_curve"]

Floats = NDArray[np.float64]

FITTERS = {
    "weibull": lifelines.WeibullFitter,
    "log_normal": lifelines.LogNormalFitter,
    "log_logistic": lifelines.LogLogisticFitter,
    "generalized_gamma": lifelines.GeneralizedGammaFitter,
}
PIECES = 6  # pieces of the piecewise exponential, of equally many losses each, when none are given


@dataclass(frozen=True, kw_only=True, eq=False)
class CurveFit(ModelFit[SurvivalCurve]):
    """A fitted curve. `table` (Kaplan-Meier only) holds `at_risk, lost, survival, standard_error` by `time`."""

    table: pd.DataFrame | None = None

    @property
    def parameters(self) -> dict[str, float]:
        """Estimates by name."""
        return {name: float(self.model.parameters[name]) for name in self.names}

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """One row a parameter: estimate, standard_error, lower, upper; log-normal intervals for positive ones."""
        z = float(norm.ppf((1 + level) / 2))
        rows = {}
        for name, value in self.parameters.items():
            error = self.standard_errors[name]
            if (self.model.kind, name) in REAL or value <= 0:
                lower, upper = value - z * error, value + z * error
            else:
                factor = float(np.exp(min(z * error / value, 700.0)))
                lower, upper = value / factor, value * factor
            rows[name] = {"estimate": value, "standard_error": error, "lower": lower, "upper": upper}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("parameter")

    def draw_parameters(self, n: int, *, seed: int) -> list[SurvivalCurve]:
        """`n` curves from the estimates' asymptotic law (normal, in logarithms for positive parameters).

        A Kaplan-Meier estimate draws the losses at each time from a binomial given those at risk.
        """
        random = np.random.Generator(np.random.Philox(seed))
        if self.table is not None:
            return [self._redrawn(random) for _ in range(n)]
        names, estimate = self.names, np.array(list(self.parameters.values()))
        real = np.array([(self.model.kind, name) in REAL for name in names])
        scale = np.where(real, 1.0, estimate)
        values, vectors = np.linalg.eigh(self.matrix / np.outer(scale, scale))
        steps = random.standard_normal((n, len(names))) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
        drawn = np.where(real, estimate + steps, estimate * np.exp(np.minimum(steps, 50.0)))
        base = self.model.to_dict()
        if "cured_fraction_" in names:
            place = names.index("cured_fraction_")
            drawn[:, place] = np.clip(drawn[:, place], 0.0, 1.0)
        made = [{**base, "parameters": dict(zip(names, map(float, row), strict=True))} for row in drawn]
        return [SurvivalCurve.from_dict(values) for values in made]

    def _redrawn(self, random: np.random.Generator) -> SurvivalCurve:
        assert self.table is not None
        lost = random.binomial(self.table["at_risk"].to_numpy(np.int64), self.table["lost"] / self.table["at_risk"])
        survival = np.cumprod(1.0 - lost / self.table["at_risk"].to_numpy())
        return SurvivalCurve.from_dict({**self.model.to_dict(), "survivals": tuple(survival)})

    def interval(self, t: Any, level: float = 0.95, *, draws: int = 500, seed: int = 0) -> pd.DataFrame:
        """Pointwise interval of S(t): columns `survival, lower, upper` by `t`.

        Kaplan-Meier: Greenwood's, in ln(-ln S). Parametric: quantiles over draws of the parameters.
        """
        ages = np.atleast_1d(np.asarray(t, dtype=np.float64))
        value = np.asarray(self.model.survival(ages))
        if self.table is None:
            drawn = np.array([model.survival(ages) for model in self.draw_parameters(draws, seed=seed)])
            lower, upper = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
        else:
            spread = np.sqrt(self._greenwood(ages))
            with np.errstate(divide="ignore", invalid="ignore"):
                reach = float(norm.ppf((1 + level) / 2)) * spread / np.abs(np.log(value))
                lower, upper = value ** np.exp(reach), value ** np.exp(-reach)
            edge = (value == 1) | (value == 0)
            lower, upper = np.where(edge, value, lower), np.where(edge, value, upper)
        return pd.DataFrame({"survival": value, "lower": lower, "upper": upper}, pd.Index(ages, name="t"))

    def band(self, level: float = 0.95) -> pd.DataFrame:
        """Simultaneous band of a Kaplan-Meier curve at all its times: `survival, lower, upper` by `t`.

        Hall & Wellner (1980, Biometrika 67(1), 133-143) with Kolmogorov's quantile, which is that of observation to the
        end and hence on the safe (wide) side where some customers are still there. Raises FitError for other families.
        """
        if self.table is None:
            raise FitError("only a Kaplan-Meier curve has this band. Use interval() for a parametric one.")
        times, n = self.table.index.to_numpy(dtype=np.float64), self.n
        value = self.table["survival"].to_numpy()
        reach = float(kstwobign.ppf(level)) / np.sqrt(n) * (1.0 + n * self._greenwood(times)) * value
        lower, upper = np.clip(value - reach, 0.0, 1.0), np.clip(value + reach, 0.0, 1.0)
        return pd.DataFrame({"survival": value, "lower": lower, "upper": upper}, pd.Index(times, name="t"))

    def _greenwood(self, ages: Floats) -> Floats:
        """Sum of d / (r (r - d)) up to each age."""
        assert self.table is not None
        at_risk, lost = self.table["at_risk"].to_numpy(), self.table["lost"].to_numpy()
        with np.errstate(divide="ignore"):
            total = np.concatenate([[0.0], np.cumsum(lost / (at_risk * (at_risk - lost)))])
        return np.asarray(total[np.searchsorted(self.table.index.to_numpy(), ages, side="right")])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as of every fit."""
        if self.table is None:
            return super().to_dict()
        status = {"code": self.status.code, "message": self.status.message, "advice": self.status.advice}
        return {"model": self.model.to_dict(), "parameters": [], "loglik": self.loglik, "n": self.n, "status": status}


def fit_curve(
    subscriptions: pd.DataFrame,
    kind: str = "kaplan_meier",
    *,
    breakpoints: Sequence[float] | None = None,
    unit: str | None = None,
) -> CurveFit:
    """Estimate a survival curve from `tenure`, `churned` and perhaps `entry`.

    `kind` is one of `FAMILIES`; `breakpoints` are for "piecewise_exponential" (six pieces of equally many losses if
    absent). Customers with tenure 0 count in `n` and say nothing. Raises ConfigError for an unknown family and
    DataError for bad subscriptions; what the search met is in `status`.
    """
    if kind not in FAMILIES:
        raise ConfigError(f"unknown survival family {kind!r}. Use one of {', '.join(FAMILIES)}.")
    tenures = Tenures.of(subscriptions)
    unit = unit or subscriptions.attrs.get("unit", "M")
    if not tenures.churned.any():
        raise DataError("no customer left, so there is no survival curve to fit. Observe longer.")
    if kind == "kaplan_meier":
        return _kaplan_meier(tenures, unit)
    return _parametric(tenures, kind, breakpoints, unit)


def _kaplan_meier(tenures: Tenures, unit: str) -> CurveFit:
    fitter = lifelines.KaplanMeierFitter()
    truncated = {"entry": tenures.entry} if (tenures.entry > 0).any() else {}
    fitter.fit(tenures.tenure, tenures.churned, **truncated)
    events = fitter.event_table
    at = (events["observed"] > 0) & (events.index > 0)
    survival = fitter.survival_function_.iloc[:, 0].reindex(events.index[at]).to_numpy(dtype=np.float64)
    table = pd.DataFrame(
        {
            "at_risk": events.loc[at, "at_risk"].to_numpy(dtype=np.float64),
            "lost": events.loc[at, "observed"].to_numpy(dtype=np.float64),
            "survival": survival,
        },
        index=pd.Index(events.index[at].to_numpy(dtype=np.float64), name="time"),
    )
    last, end = float(tenures.tenure.max()), table.index.to_numpy()
    hazard = -np.log1p(-np.minimum(table["lost"] / table["at_risk"], 1 - 1e-12))
    tail = float(hazard[end > last * (1 - TAIL_SHARE)].sum() / (last * TAIL_SHARE))
    model = SurvivalCurve(kind="kaplan_meier", times=tuple(end), survivals=tuple(survival), tail_hazard=tail, unit=unit)
    fit = CurveFit(
        model=model, names=(), matrix=np.zeros((0, 0)), loglik=_nonparametric_loglik(table), n=float(len(tenures)),
        status=FitStatus("converged", "counted, not searched for."), table=table,
    )  # fmt: skip
    table["standard_error"] = survival * np.sqrt(fit._greenwood(end))
    return fit


def _nonparametric_loglik(table: pd.DataFrame) -> float:
    """The binomial log-likelihood that the Kaplan-Meier estimate maximises."""
    lost, stayed = table["lost"].to_numpy(), (table["at_risk"] - table["lost"]).to_numpy()
    at_risk = table["at_risk"].to_numpy()
    kept = np.where(stayed > 0, stayed * np.log(np.maximum(stayed, 1) / at_risk), 0.0)
    return float((lost * np.log(lost / at_risk) + kept).sum())


def _parametric(tenures: Tenures, kind: str, breakpoints: Sequence[float] | None, unit: str) -> CurveFit:
    use = tenures.tenure > 0
    t, left, entry = tenures.tenure[use], tenures.churned[use], tenures.entry[use]
    if kind == "piecewise_exponential":
        inner = np.quantile(t[left], np.linspace(0, 1, PIECES + 1)[1:-1]) if breakpoints is None else breakpoints
        cuts = tuple(float(cut) for cut in np.unique(inner) if 0 < cut < t.max())
        return _piecewise(t, left, entry, cuts, unit, len(tenures))
    names = FAMILIES[kind]
    if (t == np.floor(t)).all():
        # Known to the unit only: a loss at t fell between t - 1 and t. Taking it as exact misplaces every early loss
        # (on the Telco data the Weibull's log-likelihood of the monthly counts falls by 49).
        values, matrix, loglik = fit_rounded(kind, Intervals.of(t, left, entry))
        told = ""
    else:
        fitter, told = _searched(kind, t, left, entry)
        values = {name: float(getattr(fitter, name)) for name in names}
        matrix = fitter.variance_matrix_.loc[list(names), list(names)].to_numpy(dtype=np.float64)
        loglik = float(fitter.log_likelihood_)
    status = FitStatus("converged", "the search ended at a maximum.")
    if kind == "mixture_cure" and not 1e-3 < values["cured_fraction_"] < 1 - 1e-3:
        status = FitStatus(
            "boundary", f"the share that never leaves is {values['cured_fraction_']:.3g}.", "Take the Weibull."
        )
    elif not np.isfinite(matrix).all() or np.linalg.eigvalsh(matrix)[0] <= 0:
        status = FitStatus("ridge", "the curvature is not that of a maximum.", "Take a family with fewer parameters.")
    elif "converge" in told:
        status = FitStatus("not converged", "lifelines' search did not end.", "Try another family.")
    return CurveFit(
        model=SurvivalCurve(kind=kind, parameters=values, unit=unit), names=names,
        matrix=np.where(np.isfinite(matrix), matrix, np.inf), loglik=loglik, n=float(len(tenures)), status=status,
    )  # fmt: skip


def _searched(kind: str, t: Floats, left: NDArray[np.bool_], entry: Floats) -> tuple[Any, str]:
    """lifelines' fitter after its search, and what it warned of."""
    fitter = (
        lifelines.MixtureCureFitter(base_fitter=lifelines.WeibullFitter())
        if kind == "mixture_cure"
        else FITTERS[kind]()
    )
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fitter.fit(t, left, **({"entry": entry} if (entry > 0).any() else {}))
    except ConvergenceError as error:
        raise FitError(f"lifelines could not fit {kind} ({str(error).splitlines()[0]}) Try another family.") from None
    return fitter, " ".join(str(warning.message).lower() for warning in caught)


def _piecewise(
    t: Floats, left: NDArray[np.bool_], entry: Floats, cuts: tuple[float, ...], unit: str, customers: int
) -> CurveFit:
    """Losses over exposure, piece by piece: the maximum in closed form, which lifelines' search only approaches.

    Times count as exact: within a piece the hazard is constant, and rounding moves few losses across a breakpoint.
    """
    edges = np.array((0.0, *cuts, np.inf))
    width = np.diff(edges)
    exposure = (np.clip(t[:, None] - edges[:-1], 0, width) - np.clip(entry[:, None] - edges[:-1], 0, width)).sum(axis=0)
    losses = np.histogram(t[left], bins=np.nextafter(edges, np.inf))[0].astype(np.float64)
    names = tuple(f"lambda_{i}_" for i in range(width.size))
    if (losses == 0).any():
        empty = int(np.argmin(losses))
        raise FitError(
            f"nobody left between {edges[empty]:g} and {edges[empty + 1]:g}. Move the breakpoints so that each piece "
            "has a loss."
        )
    scale = exposure / losses
    loglik = float((-losses * np.log(scale) - losses).sum())
    model = SurvivalCurve(
        kind="piecewise_exponential",
        parameters=dict(zip(names, map(float, scale), strict=True)),
        breakpoints=cuts,
        unit=unit,
    )
    status = FitStatus("converged", "the maximum in closed form.")
    return CurveFit(
        model=model, names=names, matrix=np.diag(scale**2 / losses), loglik=loglik, n=float(customers), status=status
    )
