"""Survival with covariates: Cox's proportional hazards and accelerated failure times, as plain numbers.

With z a customer's covariates as a `Design` writes them, less their means, and b the coefficients:

    cox               S(t | z) = exp(-H_s(t) e^(z b)), H_s the baseline cumulative hazard of stratum s at mean
                      covariates
    weibull_aft       S = exp(-(t/lambda)^rho), ln lambda = `intercept` + z b, rho = `shape`
    log_normal_aft    S = 1 - Phi((ln t - mu)/sigma), mu = `intercept` + z b, sigma = `shape`
    log_logistic_aft  S = 1/(1 + (t/alpha)^beta), ln alpha = `intercept` + z b, beta = `shape`
    generalized_gamma_aft  as the curve's, mu = `intercept` + z b, sigma = `shape`, lambda = `lambda_`

In a Cox model a positive coefficient means leaving sooner, in the others staying longer.

Estimated in `cox` and `location_scale`; without covariates see `curve`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import log_ndtr

from churnsim.checks import check_choice, check_count, check_number, check_seed, shown, typed
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.errors import ConfigError, DataError, FitError
from churnsim.models.estimation.arguments import durations, refuse
from churnsim.models.estimation.design_matrix import Design, check_penalty, number_columns, word_column
from churnsim.models.estimation.fit import FitStatus, ModelFit
from churnsim.models.retention.base import RetentionModel, parts_of
from churnsim.models.retention.tenures import Tenures
from churnsim.models.survival.ascent import Peak
from churnsim.models.survival.cox import TIES, Baseline, RiskSets, Ties, Transform
from churnsim.models.survival.lifelines_engine import ENGINES, Engine, accelerated_peak, cox_peak
from churnsim.models.survival.location_scale import TINY, Lifetimes, log_survival_of_gamma, maximise
from churnsim.statistics import normal_quantile, student_quantile, tails
from churnsim.typing import Floats
from churnsim.units import term_of

REGRESSIONS = ("cox", "weibull_aft", "log_normal_aft", "log_logistic_aft", "generalized_gamma_aft")
STEEP = 5.0  # of a generalised gamma's lambda where the search has not ended
PROPORTIONAL = 0.05  # chance of a false alarm in the check of proportional hazards, shared among the columns


@dataclass(frozen=True, kw_only=True)
class SurvivalRegression(RetentionModel):
    """How covariates move how long customers stay; made by `fit`.

    Parameters
    ----------
    kind : str
        One of `REGRESSIONS`.
    design : Design
        How the covariates are written as numbers, with their means.
    coefficients : dict of str to float
        By the design's names.
    baselines : dict of str to Baseline
        Cox only: by the stratum's value, "" where there are no strata.
    strata : str, optional
        Cox only: the column whose values have a baseline each.
    intercept, shape, lambda_ : float
        Of the accelerated failure times, as in the module's docstring; the last of the generalised gamma alone.
    unit : str
        "H", "D", "W", "M" or "Y".

    Examples
    --------
    >>> import churnsim as cs
    >>> fit = SurvivalRegression.fit(cs.datasets.telco(), covariates=["contract"])
    >>> new = pd.DataFrame({"tenure": [0.0, 0.0], "contract": ["Month-to-month", "Two year"]})
    >>> fit.model.survival([36.0], customers=new)[36.0].round(3).tolist()
    [0.504, 0.99]
    """

    kind: str
    design: Design
    coefficients: dict[str, float]
    baselines: dict[str, Baseline] = field(default_factory=dict)
    strata: str | None = None
    intercept: float = 0.0
    shape: float = 1.0
    unit: str = "M"
    lambda_: float = 0.0

    family: ClassVar[str] = "survival_regression"

    def __post_init__(self) -> None:
        term_of(self.unit)
        check_choice(self.kind, "kind", REGRESSIONS)
        if set(self.coefficients) != set(self.design.names):
            raise ConfigError(
                f"coefficients are needed for {list(self.design.names)}; got {sorted(self.coefficients)}."
            )
        others = {"intercept": self.intercept, "lambda_": self.lambda_}
        for name, value in {**self.coefficients, **others}.items():
            check_number(value, name)
        check_number(self.shape, "shape", above=0)
        if (self.kind == "cox") != bool(self.baselines):
            raise ConfigError("a Cox model has baseline hazards, an accelerated failure time has none.")

    @classmethod
    @typed
    def fit(
        cls,
        subscriptions: CustomerFrame,
        kind: str = "cox",
        *,
        covariates: Sequence[str],
        strata: str | Sequence[str] | None = None,
        ties: Ties = "efron",
        weights: str | None = None,
        robust: bool = False,
        cluster: str | None = None,
        penalty: float = 0.0,
        unit: str | None = None,
        engine: Engine = "churnsim",
    ) -> RegressionFit:
        """Estimate a regression of leaving on covariates, by maximum (partial) likelihood.

        Words become a column a level, against the commonest; columns that others determine are left out
        (`fit.model.design.dropped`). Whole tenures are taken as censored to the unit by the accelerated failure times,
        as ties by Cox.

        Parameters
        ----------
        subscriptions : DataFrame
            A row a customer: `tenure` in `unit`, `churned`, perhaps `entry` (the tenure at which it came under
            observation), and the covariates. Customers with tenure 0 count in `n` and say nothing. Covariates that
            change are given in several rows a customer, each from its `entry` to its `tenure` with the values that held
            then, only the last perhaps `churned` (Andersen & Gill 1982), and the customer in `customer_id`; name it in
            `cluster` too. The model is asked about the last row of each customer.
        kind : str
            One of `REGRESSIONS`.
        covariates : sequence of str
            Columns, numbers or words.
        strata : str, or list of one, optional
            Cox only: a column whose values get a baseline each.
        ties : {"efron", "breslow"}
            Cox only: how customers lost at the same time count, in the coefficients and in the baseline.
        weights : str, optional
            A column of numbers above 0: how many customers a row stands for, or how much it counts.
        robust : bool
            Standard errors from what each row adds to the gradient (the sandwich of Lin & Wei 1989), which hold also
            where the model does not, and with weights that are no counts.
        cluster : str, optional
            A column whose equal values are one unit (a customer, a household): robust errors, added up by unit first,
            and limits by Student's t of one degree less than units. Of few they hold less: 6 units, 84% at 95%.
        penalty : float
            penalty/2 times the sum of the squared coefficients is subtracted from the log-likelihood (a ridge; a normal
            prior of variance 1/penalty); `loglik` is without it.
        unit : str, optional
            Unit of tenure; that of the subscriptions' attributes if absent, else months.
        engine : {"churnsim", "lifelines"}
            Who searches for the maximum; lifelines (extra `survival`) for the families and arguments that it has.

        Returns
        -------
        RegressionFit
            Its `status` is "boundary" where a covariate tells leavers from stayers without exception, so that its
            coefficient has no maximum, judged in standard deviations of the covariate.

        Raises
        ------
        ConfigError, DataError
            For impossible arguments or subscriptions.

        References
        ----------
        Kalbfleisch & Prentice (2002), The Statistical Analysis of Failure Time Data, 2nd ed., chapters 3 and 4. Lin &
        Wei (1989), JASA 84, 1074-1078.

        Examples
        --------
        >>> import churnsim as cs
        >>> fit = cs.models.SurvivalRegression.fit(cs.datasets.telco(), covariates=["contract"])
        >>> round(fit.parameters["contract=Two year"], 3), fit.status.code
        (-4.225, 'converged')
        """
        if strata is not None and not isinstance(strata, str):
            if len(strata) != 1:
                raise ConfigError(
                    f"strata must be one column; got {shown(list(strata))}. Make one of them, such as "
                    "frame.assign(stratum=frame[columns].astype(str).agg(' '.join, axis=1))."
                )
            (strata,) = strata
        if kind not in REGRESSIONS or (strata is not None and kind != "cox"):
            raise ConfigError(f"kind must be one of {', '.join(REGRESSIONS)}, with strata for cox only; got {kind!r}.")
        check_choice(ties, "ties", TIES)
        check_penalty(penalty)
        check_choice(engine, "engine", ENGINES)
        if engine == "lifelines" and (robust or cluster is not None):
            raise ConfigError('lifelines tells no covariance of robust errors: pass engine="churnsim" for them.')
        tenures = Tenures.of(subscriptions)
        if not tenures.churned.any():
            raise DataError("no customer has churned, so there is nothing to regress on. Observe longer.")
        weight = np.ones(len(tenures)) if weights is None else _weights(subscriptions, weights, tenures)
        n, use = float(weight[~tenures.past].sum()), tenures.tenure > 0
        unit_of = None if cluster is None else word_column(subscriptions, cluster)[use]
        rows = subscriptions if use.all() else subscriptions[use]
        design, centred = Design.with_rows(rows, covariates)
        if not design.names:
            raise ConfigError("a regression needs at least one covariate.")
        units = 0 if unit_of is None else len(np.unique(unit_of))
        if unit_of is not None and units <= len(design.names):
            raise DataError(
                f"{cluster!r} has {units} units: errors of {len(design.names)} coefficients take more units than that. "
                "Leave out covariates, or cluster by a smaller unit."
            )
        tenure, churned, entry, weight = tenures.tenure[use], tenures.churned[use], tenures.entry[use], weight[use]
        made: dict[str, Any] = {"kind": kind, "design": design, "unit": unit or subscriptions.attrs.get("unit", "M")}
        checks, risk_sets, times_matrix = None, None, None
        if kind == "cox":
            words = np.zeros(len(tenure), "U1") if strata is None else word_column(subscriptions, strata)[use]
            risk_sets = RiskSets(centred, tenure, churned, entry, words, ties, weight)
            if engine == "lifelines":
                peak = cox_peak(risk_sets, penalty)
            else:
                peak = risk_sets.maximise(penalty)
                if robust or unit_of is not None:
                    peak = peak.sandwiched(risk_sets.scores(peak.at), unit_of)
            values, matrix = peak.at, peak.covariance
            made |= {"strata": strata, "baselines": risk_sets.baselines(values)}
            if not peak.run_off.any():
                checks = risk_sets.proportionality(values, design.names, "km")
        else:
            family, times = kind.removesuffix("_aft"), Lifetimes.of(tenure, churned, entry, weight)
            if engine == "lifelines":
                peak = accelerated_peak(family, times, centred, penalty)
            else:
                peak, scores = maximise(family, times, centred, penalty=penalty)
                if robust or unit_of is not None:
                    peak = peak.sandwiched(scores(), unit_of)
            times_matrix = peak.covariance
            inner = slice(1, 1 + centred.shape[1])
            values, matrix = peak.at[inner], times_matrix[inner, inner]
            log_sigma, *shape = map(float, peak.at[inner.stop :])
            made |= {"intercept": float(peak.at[0]), "shape": _shape(kind, log_sigma), "lambda_": sum(shape)}
        model = SurvivalRegression(coefficients=dict(zip(design.names, map(float, values), strict=True)), **made)
        return RegressionFit(
            model=model, names=design.names, matrix=matrix, loglik=peak.value, n=n,
            status=_status(peak, design.names, checks), checks=checks, risk_sets=risk_sets,
            times_matrix=times_matrix, units=units,
        )  # fmt: skip

    @typed
    def linear(self, customers: CustomerFrame) -> Floats:
        """z b of each customer, 0 at mean covariates."""
        return self._linear(self.design.centred(customers))

    def _linear(self, centred: Floats) -> Floats:
        return np.asarray(centred @ np.array([self.coefficients[name] for name in self.design.names]))

    @property
    def proportional(self) -> bool:
        """Whether customers' hazards are multiples of one baseline's at every tenure: Cox without strata, Weibull."""
        return (self.kind == "cox" and self.strata is None) or self.kind == "weibull_aft"

    @typed
    def hazard_multiplier(self, customers: CustomerFrame) -> pd.Series[float]:
        """Each customer's hazard as a multiple of that at mean covariates (in its stratum): e^(z b) under Cox, e^(-rho
        z b) for Weibull times. ConfigError for the others, whose hazards are not proportional."""
        return pd.Series(self.multiplier_at(self.design.centred(customers)), customers.index, name="hazard_multiplier")

    @typed
    def multiplier_at(self, centred: Floats) -> Floats:
        """The same from covariates as `design.centred` writes them; ConfigError for a family without a multiplier."""
        if self.kind not in ("cox", "weibull_aft"):
            raise ConfigError(f"{self.kind} has no hazard multiplier: covariates stretch its time instead.")
        if np.shape(centred)[-1:] != (len(self.design.names),):
            raise ConfigError(
                f"covariates must be {len(self.design.names)} numbers a customer; got the shape {np.shape(centred)}."
            )
        return np.exp((1.0 if self.kind == "cox" else -self.shape) * self._linear(centred))

    @typed
    def log_survival(self, t: Floats) -> Floats:
        """ln S(t) at mean covariates, 1-d; ConfigError with strata, where there is no such customer."""
        if self.strata is not None:
            raise ConfigError(f"with strata there is no customer at the mean: pass customers with {self.strata!r}.")
        if self.kind == "cox":
            return -self.baselines[""].cumulative(np.asarray(t, dtype=np.float64))
        return np.asarray(self._aft(np.asarray(t, dtype=np.float64), np.zeros(1))[0])

    @typed
    def residual_survival(self, customers: CustomerFrame, steps: Floats) -> Floats:
        """P(still there `steps` from now | there now), shape (customers, steps)."""
        steps = durations(steps, "steps").ravel()
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

    @typed
    def restricted_mean(self, customers: CustomerFrame | None, horizon: float) -> Floats:
        """As every model's; exact for Cox's step functions."""
        if self.kind != "cox":
            return super().restricted_mean(customers, horizon)
        if customers is None:
            self.log_survival(np.zeros(0))  # refuses strata
            return self.baselines[""].mean_within(np.zeros(1), np.ones(1), horizon)
        tenure = Tenures.of(customers, need_churned=False).tenure
        multiplier, out = np.exp(self.linear(customers)), np.empty(len(customers))
        for stratum, rows in self._by_stratum(customers):
            baseline, places = self.baselines[stratum], np.flatnonzero(rows)
            for part in parts_of(places.size, len(baseline.times)):
                some = places[part]
                out[some] = baseline.mean_within(tenure[some], multiplier[some], horizon)
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
        if self.kind == "generalized_gamma_aft":
            return log_survival_of_gamma(z / self.shape, self.lambda_)
        return np.asarray(-np.logaddexp(0.0, self.shape * z))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "family": self.family, "kind": self.kind, "design": self.design.to_dict(),
            "coefficients": dict(self.coefficients), "strata": self.strata, "intercept": self.intercept,
            "shape": self.shape, "unit": self.unit,
            **({"lambda_": self.lambda_} if self.kind == "generalized_gamma_aft" else {}),
            "baselines": {
                stratum: {"times": list(b.times), "hazards": list(b.hazards), "tail_hazard": b.tail_hazard}
                for stratum, b in self.baselines.items()
            },
        }  # fmt: skip

    @classmethod
    @typed
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The model of a dict made by `to_dict`; ConfigError for another dict."""
        rest = {key: value for key, value in values.items() if key != "family"}
        try:
            rest["design"] = Design.from_dict(rest["design"])
            rest["baselines"] = {stratum: Baseline(**b) for stratum, b in rest["baselines"].items()}
            return cls(**rest)
        except (AttributeError, KeyError, TypeError) as error:
            raise ConfigError(f"cannot make a SurvivalRegression: {error}.") from None


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class RegressionFit(ModelFit[SurvivalRegression]):
    """A fitted regression. `checks` (Cox): a row a column of the test that its hazards are proportional over tenure
    (score test with the Kaplan-Meier transform, R's cox.zph): `statistic, p`; None where a coefficient has no maximum.
    `risk_sets` (Cox) are what its baseline is counted from. `times_matrix` (accelerated failure times) is the
    covariance of intercept, coefficients, ln sigma and (generalised gamma) lambda, whose middle is `matrix`. `units`
    are how many `cluster` had, 0 without."""

    checks: pd.DataFrame | None = None
    risk_sets: RiskSets | None = None
    times_matrix: Floats | None = None
    units: int = 0

    @property
    def parameters(self) -> dict[str, float]:
        """Coefficients by name."""
        return {name: self.model.coefficients[name] for name in self.names}

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """One row a coefficient: estimate, standard_error, lower, upper (normal; of clusters Student's), and `ratio`, e
        to the estimate."""
        estimate, error = pd.Series(self.parameters), pd.Series(self.standard_errors)
        far = student_quantile(tails(level)[1], self.units - 1) if self.units else normal_quantile(level)
        reach = float(far) * error
        columns = {"estimate": estimate, "standard_error": error, "lower": estimate - reach, "upper": estimate + reach}
        return pd.DataFrame({**columns, "ratio": np.exp(estimate)}).rename_axis("parameter")

    def proportionality(self, transform: Transform = "km") -> pd.DataFrame:
        """Score test that each column's hazards are proportional over tenure: `statistic` and `p` by column.

        `transform` is how a coefficient moves with tenure if they are not: with one less the Kaplan-Meier curve ("km"),
        the rank of the time among the losses ("rank"), tenure itself ("identity") or its logarithm ("log"). Raises
        FitError for an accelerated failure time.
        """
        if self.risk_sets is None:
            raise FitError(f"the test of proportional hazards is for a Cox model; this is {self.model.kind}.")
        return self.risk_sets.proportionality(np.array(list(self.parameters.values())), self.names, transform)

    def draw_parameters(self, n: int, *, seed: int) -> list[SurvivalRegression]:
        """`n` models with parameters from their asymptotic normal law: coefficients, and with them intercept and ln
        sigma or (Cox) a baseline drawn about the one that they give. A parameter that has no maximum stays."""
        check_count(n, "n", least=0)
        random = np.random.Generator(np.random.Philox(check_seed(seed)))
        matrix = self.matrix if self.times_matrix is None else self.times_matrix
        values, vectors = np.linalg.eigh(np.where(np.isfinite(matrix), matrix, 0.0))
        steps = random.standard_normal((n, len(matrix))) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
        return [self._moved(step, random) for step in steps]

    def _moved(self, step: Floats, random: np.random.Generator) -> SurvivalRegression:
        model, estimate = self.model, np.array(list(self.parameters.values()))
        if self.times_matrix is None:
            row = estimate + step
            baselines = model.baselines if self.risk_sets is None else self.risk_sets.baselines(row, random)
            return replace(model, coefficients=dict(zip(self.names, map(float, row), strict=True)), baselines=baselines)
        row, log_sigma = estimate + step[1 : 1 + estimate.size], float(step[1 + estimate.size])
        return replace(
            model,
            coefficients=dict(zip(self.names, map(float, row), strict=True)),
            intercept=model.intercept + float(step[0]),
            shape=model.shape * _shape(model.kind, log_sigma),
            lambda_=model.lambda_ + float(step[2 + estimate.size :].sum()),
        )


def _weights(subscriptions: pd.DataFrame, name: str, tenures: Tenures) -> Floats:
    weight = number_columns(subscriptions, [name])[name]
    refuse(tenures.index, weight, weight <= 0, f"{name!r} must be above 0, since it is a weight", "Leave the row out.")
    return weight


def _shape(kind: str, log_sigma: float) -> float:
    """sigma of the log-normal and the generalised gamma, 1/sigma (the exponent of time) of the others."""
    return float(np.exp(log_sigma if kind in ("log_normal_aft", "generalized_gamma_aft") else -log_sigma))


def _status(peak: Peak, names: tuple[str, ...], checks: pd.DataFrame | None) -> FitStatus:
    """Separation first; then hazards that are not proportional, which biases predictions but not the search."""
    # An accelerated failure time has the intercept before and ln sigma (and lambda) after the coefficients.
    inner = peak.run_off if len(peak.run_off) == len(names) else peak.run_off[1 : 1 + len(names)]
    far = [name for name, off in zip(names, inner, strict=True) if off]
    if far:
        return FitStatus(
            "boundary",
            f"leavers are told from stayers almost without exception by {', '.join(far)}, where the likelihood has no "
            "maximum.",
            "Merge or drop the level, or leave the covariate out.",
        )
    if len(peak.at) == len(names) + 3 and abs(peak.at[-1]) > STEEP and not peak.ended:
        return FitStatus(
            "boundary", f"the likelihood goes on rising with lambda (here {peak.at[-1]:.3g}), which has no maximum.",
            "Take the Weibull or the log-normal.",
        )  # fmt: skip
    if not peak.ended:
        return FitStatus(
            "not converged", "the search did not end at a maximum.", "Leave out covariates that determine the tenure."
        )
    if peak.run_off.any():
        return FitStatus(
            "too little data", "the losses are too few to tell how long an average customer stays.", "Observe longer."
        )
    message, advice = "the search ended at a maximum.", ""
    if checks is not None:
        varying = checks.index[checks["p"] < PROPORTIONAL / len(checks)].tolist()
        if varying:
            message += f" Hazards are not proportional over tenure for {', '.join(varying)}."
            advice = "Their coefficients are averages over tenure; for predictions stratify by the strongest of them."
        else:
            message += " Nothing speaks against proportional hazards."
    return FitStatus("converged", message, advice)
