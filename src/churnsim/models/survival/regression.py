"""Survival with covariates: Cox's proportional hazards and accelerated failure times, as plain numbers.

With z a customer's covariates as a `Design` writes them, less their means, and b the coefficients:

    cox               S(t | z) = exp(-H_s(t) e^(z b)), H_s the baseline cumulative hazard of stratum s at mean
                      covariates
    weibull_aft       S = exp(-(t/lambda)^rho), ln lambda = `intercept` + z b, rho = `shape`
    log_normal_aft    S = 1 - Phi((ln t - mu)/sigma), mu = `intercept` + z b, sigma = `shape`
    log_logistic_aft  S = 1/(1 + (t/alpha)^beta), ln alpha = `intercept` + z b, beta = `shape`

In a Cox model a positive coefficient means leaving sooner, in the others staying longer.

Both are estimated by lifelines, with the check of proportional hazards.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_ndtr
from scipy.stats import norm

from churnsim.errors import ConfigError, DataError, FitError
from churnsim.models.estimation.design_matrix import Design
from churnsim.models.estimation.fit import FitStatus, ModelFit
from churnsim.models.retention.base import RetentionModel
from churnsim.models.retention.tenures import Tenures
from churnsim.models.survival.curve import TAIL_SHARE
from churnsim.typing import Floats
from churnsim.units import check_unit

__all__ = ["REGRESSIONS", "Baseline", "RegressionFit", "RiskSets", "SurvivalRegression", "fit_regression"]


REGRESSIONS = ("cox", "weibull_aft", "log_normal_aft", "log_logistic_aft")
TINY = 1e-300
# The fitters' names in lifelines (imported where a regression is estimated), and what they call the two parameters.
AFT = {
    "weibull_aft": ("WeibullAFTFitter", "lambda_", "rho_"),
    "log_normal_aft": ("LogNormalAFTFitter", "mu_", "sigma_"),
    "log_logistic_aft": ("LogLogisticAFTFitter", "alpha_", "beta_"),
}
PROPORTIONAL = 0.05  # chance of a false alarm in the check of proportional hazards, shared among the columns
SEPARATED = 10.0  # a coefficient of this size (a hazard ratio of 22,000) means that a level tells leavers from stayers


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
    def fit(
        cls,
        subscriptions: pd.DataFrame,
        kind: str = "cox",
        *,
        covariates: Sequence[str],
        strata: str | None = None,
        unit: str | None = None,
    ) -> RegressionFit:
        """Estimate; see `fit_regression`."""
        return fit_regression(subscriptions, kind, covariates=covariates, strata=strata, unit=unit)

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
    def from_dict(cls, values: dict[str, Any]) -> Self:
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


@dataclass(frozen=True, eq=False)
class RiskSets:
    """The customers a Cox model was fitted to: covariates less their means (customers, columns), tenure, whether it
    ended, the tenure at which they came under observation, and their stratum.

    Breslow's baseline: at each time of loss t of a stratum, with d(t) losses and R(t) those at risk, its hazard is d(t)
    over the sum of e^(z b) over R(t) (Breslow 1972). Given the coefficients its steps are independent, with variance
    d/(sum)^2: a step times Gamma(d, rate d) has that mean and variance and stays above 0. Drawn with b, the two add up
    to the variance of Tsiatis (1981, Annals of Statistics 9, 93-108).
    """

    centred: Floats
    tenure: Floats
    churned: NDArray[np.bool_]
    entry: Floats
    stratum: NDArray[np.str_]

    def baselines(self, coefficients: Floats, random: np.random.Generator | None = None) -> dict[str, Baseline]:
        """The baseline of each stratum at these coefficients; with `random` one drawn about it."""
        weight, last = np.exp(self.centred @ coefficients), float(self.tenure.max())
        words = np.unique(self.stratum)
        return {str(word): self._baseline(self.stratum == word, weight, last, random) for word in words}

    def _baseline(
        self, rows: NDArray[np.bool_], weight: Floats, last: float, random: np.random.Generator | None
    ) -> Baseline:
        tenure, entry, of = self.tenure[rows], self.entry[rows], weight[rows]
        times, losses = np.unique(tenure[self.churned[rows]], return_counts=True)
        # Those at risk at t: there at t or longer, less those who came under observation at t or later.
        at_risk = _sum_from(tenure, of, times) - np.where(entry.any(), _sum_from(entry, of, times), 0.0)
        steps = losses / at_risk
        if random is not None:
            steps = steps * random.gamma(losses) / losses
        tail = float(steps[times > last * (1 - TAIL_SHARE)].sum() / (last * TAIL_SHARE))
        return Baseline(tuple(times.tolist()), tuple(np.cumsum(steps).tolist()), tail)


def _sum_from(ages: Floats, weight: Floats, times: Floats) -> Floats:
    """Sum of the weights of those with an age of t or more, for each t."""
    order = np.argsort(ages)
    from_here = np.concatenate([np.cumsum(weight[order][::-1])[::-1], [0.0]])
    return np.asarray(from_here[np.searchsorted(ages[order], times, side="left")])


@dataclass(frozen=True, kw_only=True, eq=False)
class RegressionFit(ModelFit[SurvivalRegression]):
    """A fitted regression. `checks` (Cox): a row a column of the test that its hazards are proportional over tenure
    (Grambsch & Therneau 1994, through lifelines): `statistic, p`; None where customers came under observation late,
    for which lifelines has no residuals. `risk_sets` (Cox) are what its baseline is counted from."""

    checks: pd.DataFrame | None = None
    risk_sets: RiskSets | None = None

    @property
    def parameters(self) -> dict[str, float]:
        """Coefficients by name."""
        return {name: self.model.coefficients[name] for name in self.names}

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """One row a coefficient: estimate, standard_error, lower, upper (normal), and `ratio`, e to the estimate."""
        estimate, error = pd.Series(self.parameters), pd.Series(self.standard_errors)
        reach = float(norm.ppf((1 + level) / 2)) * error
        columns = {"estimate": estimate, "standard_error": error, "lower": estimate - reach, "upper": estimate + reach}
        return pd.DataFrame({**columns, "ratio": np.exp(estimate)}).rename_axis("parameter")

    def draw_parameters(self, n: int, *, seed: int) -> list[SurvivalRegression]:
        """`n` models with coefficients from their asymptotic normal law, each (Cox) with a baseline drawn about the one
        that these coefficients give; intercept and shape of the others stay."""
        random = np.random.Generator(np.random.Philox(seed))
        values, vectors = np.linalg.eigh(self.matrix)
        steps = random.standard_normal((n, len(self.names))) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
        estimate = np.array(list(self.parameters.values()))
        drawn = []
        for row in estimate + steps:
            baselines = self.model.baselines if self.risk_sets is None else self.risk_sets.baselines(row, random)
            named = dict(zip(self.names, map(float, row), strict=True))
            drawn.append(replace(self.model, coefficients=named, baselines=baselines))
        return drawn


def fit_regression(
    subscriptions: pd.DataFrame,
    kind: str = "cox",
    *,
    covariates: Sequence[str],
    strata: str | None = None,
    unit: str | None = None,
) -> RegressionFit:
    """Estimate a regression of leaving on `covariates` from `tenure`, `churned` and perhaps `entry`.

    `kind` is one of `REGRESSIONS`. Words become a column a level, against the commonest; columns that others
    determine are left out (`fit.model.design.dropped`). `strata` (Cox) names a column whose values get a baseline
    each. Whole tenures are taken as censored to the unit by the accelerated failure times, as ties by Cox (Efron).
    Raises ConfigError or DataError for impossible arguments, FitError where lifelines finds no maximum.
    """
    from lifelines.exceptions import ConvergenceError

    if kind not in REGRESSIONS or (strata is not None and kind != "cox"):
        raise ConfigError(f"kind must be one of {', '.join(REGRESSIONS)}, with strata for cox only; got {kind!r}.")
    tenures = Tenures.of(subscriptions)
    if not tenures.churned.any():
        raise DataError("no customer left, so there is nothing to regress on. Observe longer.")
    use = tenures.tenure > 0
    design = Design.of(subscriptions[use], covariates)
    if not design.names:
        raise ConfigError("a regression needs at least one covariate.")
    data = pd.DataFrame(design.centred(subscriptions[use]), columns=list(design.names))
    data["_tenure"], data["_churned"], data["_entry"] = (
        tenures.tenure[use], tenures.churned[use].astype(float), tenures.entry[use],
    )  # fmt: skip
    unit = unit or subscriptions.attrs.get("unit", "M")
    try:
        with warnings.catch_warnings():
            # Separation, which lifelines warns of, is judged below.
            warnings.simplefilter("ignore")
            if kind == "cox":
                words = None if strata is None else subscriptions.loc[use, strata].astype(str).to_numpy()
                return _cox(data, design, strata, words, unit, float(len(tenures)))
            return _aft(data, design, kind, unit, float(len(tenures)))
    except (ConvergenceError, np.linalg.LinAlgError) as error:
        raise FitError(
            f"lifelines found no maximum for {kind} ({str(error).splitlines()[0]}). Leave out rare levels, and "
            "covariates whose levels tell leavers from stayers without exception."
        ) from None


def _cox(
    data: pd.DataFrame, design: Design, strata: str | None, words: Any, unit: str, customers: float
) -> RegressionFit:
    import lifelines

    if words is not None:
        data["_stratum"] = words
    if not (data["_entry"] > 0).any():
        data = data.drop(columns="_entry")
    fitter = lifelines.CoxPHFitter()
    fitter.fit(
        data, "_tenure", "_churned",
        entry_col="_entry" if "_entry" in data.columns else None,
        strata=["_stratum"] if strata is not None else None,
    )  # fmt: skip
    names = design.names
    coefficients = {name: float(fitter.params_[name]) for name in names}
    risk_sets = RiskSets(
        centred=data[list(names)].to_numpy(dtype=np.float64), tenure=data["_tenure"].to_numpy(dtype=np.float64),
        churned=data["_churned"].to_numpy(dtype=bool), stratum=np.zeros(len(data), "U1") if words is None else words,
        entry=data["_entry"].to_numpy(dtype=np.float64) if "_entry" in data.columns else np.zeros(len(data)),
    )  # fmt: skip
    baselines = risk_sets.baselines(np.array(list(coefficients.values())))
    table = None if "_entry" in data.columns else _checks(fitter, data)
    model = SurvivalRegression(
        kind="cox", design=design, coefficients=coefficients, baselines=baselines, strata=strata, unit=unit
    )
    matrix = fitter.variance_matrix_.loc[list(names), list(names)].to_numpy(dtype=np.float64)
    return RegressionFit(
        model=model, names=names, matrix=matrix, loglik=float(fitter.log_likelihood_), n=customers,
        status=_status(coefficients, table), checks=table, risk_sets=risk_sets,
    )  # fmt: skip


def _checks(fitter: Any, data: pd.DataFrame) -> pd.DataFrame:
    """The test on scaled Schoenfeld residuals, which lifelines has for data without truncation."""
    from lifelines.statistics import proportional_hazard_test

    found = proportional_hazard_test(fitter, data, time_transform="rank").summary
    columns = {"statistic": found["test_statistic"].to_numpy(), "p": found["p"].to_numpy()}
    return pd.DataFrame(columns, list(found.index)).rename_axis("parameter")


def _aft(data: pd.DataFrame, design: Design, kind: str, unit: str, customers: float) -> RegressionFit:
    import lifelines

    family, main, other = AFT[kind]
    fitter = getattr(lifelines, family)()
    tenure, left, entry = (data.pop(name) for name in ("_tenure", "_churned", "_entry"))
    if (tenure == np.floor(tenure)).all():
        data["_lower"] = np.maximum(np.where(left == 1, tenure - 1.0, tenure), entry)
        data["_upper"] = np.where(left == 1, tenure, np.inf)
        columns: dict[str, Any] = {"lower_bound_col": "_lower", "upper_bound_col": "_upper"}
        search = fitter.fit_interval_censoring
    else:
        data["_tenure"], data["_churned"] = tenure, left
        columns = {"duration_col": "_tenure", "event_col": "_churned"}
        search = fitter.fit
    if (entry > 0).any():
        data["_entry"] = entry
        columns["entry_col"] = "_entry"
    search(data, **columns)
    coefficients = {name: float(fitter.params_[main, name]) for name in design.names}
    model = SurvivalRegression(
        kind=kind, design=design, coefficients=coefficients, intercept=float(fitter.params_[main, "Intercept"]),
        shape=float(np.exp(fitter.params_[other, "Intercept"])), unit=unit,
    )  # fmt: skip
    keys = [(main, name) for name in design.names]
    matrix = fitter.variance_matrix_.loc[keys, keys].to_numpy(dtype=np.float64)
    return RegressionFit(
        model=model, names=design.names, matrix=matrix, loglik=float(fitter.log_likelihood_), n=customers,
        status=_status(coefficients, None),
    )  # fmt: skip


def _status(coefficients: dict[str, float], checks: pd.DataFrame | None) -> FitStatus:
    """Separation first; then hazards that are not proportional, which bends predictions but not the search."""
    far = [name for name, value in coefficients.items() if abs(value) > SEPARATED]
    if far:
        return FitStatus(
            "boundary",
            f"{', '.join(far)} tells leavers from stayers almost without exception.",
            "Merge or drop the level.",
        )
    message, advice = "the search of lifelines ended at a maximum.", ""
    if checks is not None:
        bent = checks.index[checks["p"] < PROPORTIONAL / len(checks)].tolist()
        if bent:
            message += f" Hazards are not proportional over tenure for {', '.join(bent)}."
            advice = "Their coefficients are averages over tenure; for predictions stratify by the strongest of them."
        else:
            message += " Nothing speaks against proportional hazards."
    return FitStatus("converged", message, advice)
