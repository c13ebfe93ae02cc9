"""Survival curves of one population: the Kaplan-Meier estimate and six parametric families, as plain numbers.

With t in the model's unit:

    kaplan_meier           the step function of its jumps; beyond the last one the hazard `tail_hazard` holds
    weibull                S = exp(-(t/lambda)^rho)
    log_normal             S = 1 - Phi((ln t - mu)/sigma)
    log_logistic           S = 1/(1 + (t/alpha)^beta)
    generalized_gamma      with z = (ln t - mu)/sigma and k = 1/lambda^2: S = Q(k, k e^(lambda z)) for lambda > 0,
                           P for lambda < 0
    piecewise_exponential  constant hazard 1/lambda_i between `breakpoints`
    mixture_cure           S = c + (1 - c) exp(-(t/lambda)^rho): a share c never leaves

The product limit is counted (`churnsim.product_limit`); the families of ln t maximise their likelihood by Newton's
method (`location_scale`), the mixture by a simplex search. Tenures that are all whole are known to the unit only, so
that a loss at t fell between t - 1 and t. Peers agree (tests/parity).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_ndtr, logit

from churnsim.checks import check_choice, check_count, check_level, check_number, check_seed, shown, typed
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.errors import ConfigError, DataError, FitError
from churnsim.models.estimation.arguments import durations, numbers
from churnsim.models.estimation.fit import FitStatus, ModelFit
from churnsim.models.estimation.optimise import differences, second_differences
from churnsim.models.retention.base import RetentionModel, decay_integral
from churnsim.models.retention.tenures import Tenures
from churnsim.models.survival.ascent import Peak
from churnsim.models.survival.cox import TAIL_SHARE
from churnsim.models.survival.lifelines_engine import CURVES, ENGINES, Engine, curve_of_lifelines, risk_table
from churnsim.models.survival.location_scale import Lifetimes, log_survival_of_gamma, maximise
from churnsim.product_limit import RiskTable, fewest_at_risk
from churnsim.statistics import normal_quantile, tails
from churnsim.typing import Floats
from churnsim.units import term_of

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
PIECES = 6  # pieces of the piecewise exponential, of equally many losses each, when none are given
STEP = 1e-4  # of the curvature's differences: the fourth root of the rounding error, about
CURED = "cured_fraction_"
EPSILON = float(np.finfo(float).eps)


@dataclass(frozen=True, kw_only=True)
class SurvivalCurve(RetentionModel):
    """How many of a population stay how long, without covariates.

    Parameters
    ----------
    kind : str
        One of `FAMILIES`.
    parameters : dict of str to float
        The family's parameters by name, as in the module's docstring; none for the step function.
    breakpoints : tuple of float
        Of the piecewise exponential, in `unit`.
    times, survivals : tuple of float
        Of the step function: when it falls, and to what.
    tail_hazard : float
        Hazard per unit with which the step function goes on beyond its last time (assumed: no data reach there).
    unit : str
        "H", "D", "W", "M" or "Y".

    Raises
    ------
    ConfigError
        For an unknown family, missing or surplus parameters, or a curve that rises.

    Examples
    --------
    >>> curve = SurvivalCurve(kind="weibull", parameters={"lambda_": 20.0, "rho_": 0.8})
    >>> round(float(curve.survival(12)), 3), round(curve.expected_tenure(12), 2)
    (0.515, 8.44)
    >>> fit = SurvivalCurve.fit(pd.DataFrame({"tenure": [1.0, 2, 3, 4], "churned": [True, True, True, False]}))
    >>> fit.table["survival"].tolist(), fit.model.expected_tenure(4)
    ([0.75, 0.5, 0.25], 2.5)
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
        term_of(self.unit)
        check_choice(self.kind, "kind", FAMILIES)
        for name in ("breakpoints", "times", "survivals"):
            values = numbers(getattr(self, name), name)
            if values.ndim != 1 or not ((values >= 0) & (values < np.inf)).all():
                raise ConfigError(f"{name} must be a list of finite numbers, 0 or more; got {shown(values.tolist())}.")
            object.__setattr__(self, name, tuple(values.tolist()))
        check_number(self.tail_hazard, "tail_hazard", least=0)
        wanted = FAMILIES[self.kind]
        if self.kind == "piecewise_exponential":
            wanted = tuple(f"lambda_{i}_" for i in range(len(self.breakpoints) + 1))
        if not isinstance(self.parameters, Mapping) or set(self.parameters) != set(wanted):
            got = sorted(map(str, self.parameters or ()))
            raise ConfigError(f"{self.kind} takes the parameters {list(wanted)}; got {got}.")
        for name, value in self.parameters.items():
            limits: dict[str, float] = {} if (self.kind, name) in REAL else {"above": 0}
            check_number(value, f"{self.kind}: {name}", **({"least": 0, "most": 1} if name == CURED else limits))
        if (np.diff((0.0, *self.breakpoints)) <= 0).any():
            raise ConfigError(f"breakpoints must ascend from above 0; got {shown(self.breakpoints)}.")
        steps = np.diff((1.0, *self.survivals))
        if len(self.times) != len(self.survivals) or (steps > 0).any() or (np.diff(self.times) <= 0).any():
            raise ConfigError("a step function needs a survival for each of its ascending times, none above the last.")

    @classmethod
    @typed
    def fit(
        cls,
        subscriptions: CustomerFrame,
        kind: str = "kaplan_meier",
        *,
        breakpoints: Sequence[float] | None = None,
        unit: str | None = None,
        engine: Engine = "churnsim",
    ) -> CurveFit:
        """Estimate a survival curve from `tenure`, `churned` and perhaps `entry`.

        `kind` is one of `FAMILIES`; `breakpoints` are for "piecewise_exponential" (six pieces of equally many losses if
        absent). Customers with tenure 0 count in `n` and say nothing. With `engine="lifelines"` (extra `survival`)
        lifelines counts or searches, for the families that it has. Raises ConfigError for an unknown family and
        DataError for bad subscriptions; what the search met is in `status`.
        """
        check_choice(kind, "kind", FAMILIES)
        if breakpoints is not None and kind != "piecewise_exponential":
            raise ConfigError(f"breakpoints are those of piecewise_exponential; {kind} has none. Leave them out.")
        check_choice(engine, "engine", ENGINES)
        tenures = Tenures.of(subscriptions)
        unit = unit or subscriptions.attrs.get("unit", "M")
        if not tenures.churned.any():
            raise DataError("no customer has churned, so there is no survival curve to fit. Observe longer.")
        if kind == "kaplan_meier":
            return _kaplan_meier(tenures, unit, engine)
        if engine == "lifelines" and kind not in CURVES:
            raise ConfigError(f'lifelines fits {", ".join(CURVES)} and kaplan_meier here: pass engine="churnsim".')
        return _parametric(tenures, kind, breakpoints, unit, engine)

    @typed
    def log_survival(self, t: Floats) -> Floats:
        """ln S(t), 1-d."""
        t = np.asarray(t, dtype=np.float64)
        if self.kind == "kaplan_meier":
            return self._steps(t)
        p = self.parameters
        log_t = np.log(np.maximum(t, TINY))
        match self.kind:
            case "weibull":
                return -_power(t, p)
            case "log_normal":
                return np.asarray(log_ndtr((p["mu_"] - log_t) / p["sigma_"]))
            case "log_logistic":
                return np.asarray(-np.logaddexp(0.0, p["beta_"] * (log_t - np.log(p["alpha_"]))))
            case "generalized_gamma":
                return log_survival_of_gamma((log_t - p["mu_"]) / np.exp(p["ln_sigma_"]), p["lambda_"])
            case "piecewise_exponential":
                edges = np.array((0.0, *self.breakpoints, np.inf))
                scales = np.array([p[f"lambda_{i}_"] for i in range(edges.size - 1)])
                spent = np.clip(t[:, None] - edges[:-1], 0.0, np.diff(edges))
                return np.asarray(-(spent / scales).sum(axis=1))
            case _:
                cured = p["cured_fraction_"]
                # Whoever is cured is there for ever; without them S may be no number, and its logarithm a far loss.
                left = np.exp(-_power(t, p))
                return np.asarray(np.log(np.maximum(cured + (1 - cured) * left, TINY)))

    def _steps(self, t: Floats) -> Floats:
        place = np.searchsorted(np.array(self.times), t, side="right")
        values = np.array((1.0, *self.survivals))
        last = self.times[-1] if self.times else 0.0
        with np.errstate(divide="ignore"):
            known = np.log(values[place])
        return np.asarray(known - self.tail_hazard * np.maximum(t - last, 0.0))

    @typed
    def restricted_mean(self, customers: CustomerFrame | None, horizon: float) -> Floats:
        """As every model's; exact for the step function, by rectangles and its exponential tail, and for the pieces of
        constant hazard."""
        if self.kind not in ("kaplan_meier", "piecewise_exponential"):
            return super().restricted_mean(customers, horizon)
        start = np.zeros(1) if customers is None else Tenures.of(customers, need_churned=False).tenure
        now = np.exp(self.log_survival(start))
        area = self._area(start + horizon) - self._area(start)
        return np.divide(area, now, out=np.zeros_like(area), where=now > 0)

    def _area(self, t: Floats) -> Floats:
        """The integral of S from 0 to t."""
        step = self.kind == "kaplan_meier"
        edges = np.array((0.0, *(self.times if step else self.breakpoints)))
        height = np.exp(self.log_survival(edges))
        if step:
            hazard = np.append(np.zeros(edges.size - 1), self.tail_hazard)
        else:
            hazard = 1.0 / np.array([self.parameters[f"lambda_{i}_"] for i in range(edges.size)])
        before = np.concatenate([[0.0], np.cumsum(height[:-1] * decay_integral(hazard[:-1], np.diff(edges)))])
        place = np.searchsorted(edges, t, side="right") - 1
        return np.asarray(before[place] + height[place] * decay_integral(hazard[place], t - edges[place]))


def _power(t: Floats, p: dict[str, float]) -> Floats:
    """(t/lambda)^rho, infinite where it is beyond all numbers."""
    with np.errstate(over="ignore"):
        return np.asarray((t / p["lambda_"]) ** p["rho_"])


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CurveFit(ModelFit[SurvivalCurve]):
    """A fitted curve. Of Kaplan-Meier only: `table` holds `at_risk, lost, survival, standard_error` by `time`;
    `watched`, the fewest under observation at once until the first loss; `last`, the longest tenure."""

    table: pd.DataFrame | None = None
    watched: float | None = None
    last: float = np.inf

    @property
    def parameters(self) -> dict[str, float]:
        """Estimates by name."""
        return {name: float(self.model.parameters[name]) for name in self.names}

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """One row a parameter: estimate, standard_error, lower, upper; log-normal intervals for positive ones and
        logit-normal ones for the share that never leaves.

        Kaplan-Meier has no parameter: there the rows are the tenures by which a quarter, half and three quarters had
        left, with limits where those of the curve get there (Brookmeyer & Crowley 1982, Biometrics 38(1), 29-41), and
        infinite where it does not.
        """
        if self.table is not None:
            # The lower limit may be below a share before anybody was seen to leave.
            start = np.nextafter(0.0, 1.0)
            curve = self.interval([start, *self.table.index], level).rename({start: 0.0})
            # A product that is half but for rounding is half.
            parts = {f"{share:.0%} left": curve <= 1 - share + 1e-12 for share in (0.25, 0.5, 0.75)}
            when = {name: reached.idxmax().where(reached.any(), np.inf) for name, reached in parts.items()}
            table = pd.DataFrame(when).T.rename(columns={"survival": "estimate"})
            table.insert(1, "standard_error", np.nan)
            return table.rename_axis("quartile")
        table = super().summary(level)
        if CURED in self.names:
            share = np.clip(self.parameters[CURED], TINY, 1.0 - EPSILON)
            reach = normal_quantile(level) * self.standard_errors[CURED] / (share * (1.0 - share))
            table.loc[CURED, ["lower", "upper"]] = expit(logit(share) + np.array([-reach, reach]))
        return table

    def draw_parameters(self, n: int, *, seed: int) -> list[SurvivalCurve]:
        """`n` curves from the estimates' asymptotic law (normal, in logarithms for positive parameters and in the logit
        of the share that never leaves).

        A Kaplan-Meier estimate draws the losses at each time from a binomial given those at risk.
        """
        check_count(n, "n", least=0)
        random = np.random.Generator(np.random.Philox(check_seed(seed)))
        if self.table is not None:
            return [self._redrawn(random) for _ in range(n)]
        if not np.isfinite(self.matrix).all():
            raise FitError(f"no parameters can be drawn without their covariance; {self.status}")
        names, estimate = self.names, np.array(list(self.parameters.values()))
        share = np.array([name == CURED for name in names])
        scale = np.where(self._real, 1.0, np.where(share, estimate * (1.0 - estimate), estimate))
        values, vectors = np.linalg.eigh(self.matrix / np.outer(scale, scale))
        steps = random.standard_normal((n, len(names))) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
        drawn = np.where(self._real, estimate + steps, estimate * np.exp(np.minimum(steps, 50.0)))
        drawn[:, share] = expit(logit(estimate[share]) + steps[:, share])
        base = self.model.to_dict()
        made = [{**base, "parameters": dict(zip(names, map(float, row), strict=True))} for row in drawn]
        return [SurvivalCurve.from_dict(values) for values in made]

    def _redrawn(self, random: np.random.Generator) -> SurvivalCurve:
        assert self.table is not None
        lost = random.binomial(self.table["at_risk"].to_numpy(np.int64), self.table["lost"] / self.table["at_risk"])
        survival = np.cumprod(1.0 - lost / self.table["at_risk"].to_numpy())
        return SurvivalCurve.from_dict({**self.model.to_dict(), "survivals": tuple(survival)})

    def interval(self, t: Any, level: float = 0.95, *, draws: int = 500, seed: int = 0) -> pd.DataFrame:
        """Pointwise interval of S(t): columns `survival, lower, upper` by `t`.

        Kaplan-Meier: Greenwood's, in ln(-ln S), where nobody or everybody is lost exact limits, and beyond the longest
        tenure, which no data tell, from 0 to the last limit. Parametric: quantiles over draws of the parameters.
        """
        ages = np.atleast_1d(durations(t, "t"))
        check_count(draws, "draws")
        value = np.asarray(self.model.survival(ages))
        if self.table is None:
            drawn = np.array([model.survival(ages) for model in self.draw_parameters(draws, seed=seed)])
            lower, upper = np.quantile(drawn, tails(level), axis=0)
        else:
            lower, upper = self._risk_table.limits(ages, level=level, watched=self.watched)
            lower = np.where(ages > self.last, 0.0, lower)
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
        # Where the curve is 0 the width is that of the last time before: (1 + n V) S tends to a limit there.
        above = value > 0
        scaled = np.append(1.0, (1.0 + n * self._greenwood(times[above])) * value[above])
        scaled = scaled[np.minimum(np.arange(1, value.size + 1), scaled.size - 1)]
        from scipy.stats import kstwobign  # a third of a second, which no other command should wait for

        reach = float(kstwobign.ppf(check_level(level))) / np.sqrt(n) * scaled
        lower, upper = np.clip(value - reach, 0.0, 1.0), np.clip(value + reach, 0.0, 1.0)
        return pd.DataFrame({"survival": value, "lower": lower, "upper": upper}, pd.Index(times, name="t"))

    def cumulative_hazard(self, level: float = 0.95) -> pd.DataFrame:
        """Nelson and Aalen's cumulative hazard at all times of a Kaplan-Meier fit: `cumulative_hazard, standard_error,
        lower, upper` by `t`, with Aalen's variance, the sum of d/r^2, and limits in the logarithm.

        Raises FitError for other families.
        """
        if self.table is None:
            raise FitError(
                "Nelson and Aalen's estimate goes with a Kaplan-Meier fit. Use -ln of survival() for others."
            )
        counted, z = self._risk_table, normal_quantile(level)
        value = counted.cumulative_hazard
        error = np.sqrt(np.cumsum(counted.lost / counted.at_risk**2))
        factor = np.exp(np.minimum(z * error / value, 700.0))
        columns = {
            "cumulative_hazard": value,
            "standard_error": error,
            "lower": value / factor,
            "upper": value * factor,
        }
        return pd.DataFrame(columns, pd.Index(counted.times, name="t"))

    def _greenwood(self, ages: Floats) -> Floats:
        """Greenwood's sum up to each age."""
        table = self._risk_table
        return table.step(table.greenwood, ages, 0.0)

    @property
    def _risk_table(self) -> RiskTable:
        assert self.table is not None
        return RiskTable(
            self.table.index.to_numpy(dtype=np.float64), self.table["at_risk"].to_numpy(dtype=np.float64),
            self.table["lost"].to_numpy(dtype=np.float64),
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as of every fit."""
        if self.table is None:
            return super().to_dict()
        status = {"code": self.status.code, "message": self.status.message, "advice": self.status.advice}
        return {"model": self.model.to_dict(), "parameters": [], "loglik": self.loglik, "n": self.n, "status": status}


def _kaplan_meier(tenures: Tenures, unit: str, engine: Engine) -> CurveFit:
    count = risk_table if engine == "lifelines" else RiskTable.of
    counted = count(tenures.tenure, tenures.churned, tenures.entry)
    end, survival = counted.times, counted.survival
    last = float(tenures.tenure.max())
    hazard = -np.log1p(-np.minimum(counted.lost / counted.at_risk, 1 - 1e-12))
    tail = float(hazard[end > last * (1 - TAIL_SHARE)].sum() / (last * TAIL_SHARE))
    model = SurvivalCurve(kind="kaplan_meier", times=tuple(end), survivals=tuple(survival), tail_hazard=tail, unit=unit)
    # At 0 the curve is known without error: the product limit has no variance there.
    spread = np.sqrt(np.where(survival > 0, counted.greenwood, 0.0))
    columns = {"at_risk": counted.at_risk, "lost": counted.lost, "survival": survival}
    table = pd.DataFrame({**columns, "standard_error": survival * spread}, index=pd.Index(end, name="time"))
    return CurveFit(
        model=model, names=(), matrix=np.zeros((0, 0)), loglik=_nonparametric_loglik(table), n=float(tenures.customers),
        status=_counted_status(counted, tenures), table=table, last=last,
        watched=fewest_at_risk(float(end[0]), tenures.tenure, tenures.entry),
    )  # fmt: skip


def _counted_status(counted: RiskTable, tenures: Tenures) -> FitStatus:
    """Too little data where everybody under observation left before others came under observation."""
    emptied = counted.times[counted.lost >= counted.at_risk]
    later = int((tenures.tenure > emptied[0]).sum()) if emptied.size else 0
    if not later:
        return FitStatus("converged", "counted, not searched for.")
    return FitStatus(
        "too little data",
        f"everybody under observation at {emptied[0]:g} left then, so that the curve is 0 from there on although "
        f"{later} customers were seen later.",
        "Observe more customers from early on, or keep only those who came under observation after that tenure.",
    )


def _nonparametric_loglik(table: pd.DataFrame) -> float:
    """The binomial log-likelihood that the Kaplan-Meier estimate maximises."""
    lost, stayed = table["lost"].to_numpy(), (table["at_risk"] - table["lost"]).to_numpy()
    at_risk = table["at_risk"].to_numpy()
    kept = np.where(stayed > 0, stayed * np.log(np.maximum(stayed, 1) / at_risk), 0.0)
    return float((lost * np.log(lost / at_risk) + kept).sum())


def _parametric(
    tenures: Tenures, kind: str, breakpoints: Sequence[float] | None, unit: str, engine: Engine
) -> CurveFit:
    use = tenures.tenure > 0
    t, left, entry = tenures.tenure[use], tenures.churned[use], tenures.entry[use]
    if kind == "piecewise_exponential":
        if breakpoints is None:
            lost = np.sort(t[left])
            inner = np.quantile(lost, np.linspace(0, 1, PIECES + 1)[1:-1])
            before, first = np.unique(np.searchsorted(lost, inner, side="right"), return_index=True)
            inner = inner[first[before < lost.size]]  # of losses that are few or at the same times each piece has one
        else:
            inner = np.unique(durations(breakpoints, "breakpoints"))
        cuts = tuple(float(cut) for cut in inner if 0 < cut < t.max())
        return _piecewise(t, left, entry, cuts, unit, tenures.customers)
    names = FAMILIES[kind]
    rounded, ended = bool((t == np.floor(t)).all()), True
    if not rounded and (t[left] == t.max()).all():
        raise FitError(f"{kind} has no maximum where all losses are at one time, the last. Observe more customers.")
    # Known to the unit only, an early loss taken as exact would be misplaced (on the Telco data the Weibull's
    # log-likelihood of the monthly counts falls by 49); there are few distinct rows of whole tenures.
    data = Lifetimes.distinct(t, left, entry)
    if engine == "lifelines":
        values, matrix, loglik, ended = curve_of_lifelines(kind, data, names)
    elif kind == "mixture_cure":
        values, matrix, loglik = _search(data)
    else:
        peak, _ = maximise(kind, data, np.empty((data.lower.size, 0)))
        values, matrix = _of_location_scale(kind, peak)
        loglik, ended = peak.value, peak.ended
    status = FitStatus("converged", "the search ended at a maximum.")
    if kind == "mixture_cure" and not 1e-3 < values[CURED] < 1 - 1e-3:
        status = FitStatus("boundary", f"the share that never leaves is {values[CURED]:.3g}.", "Take the Weibull.")
        matrix[0, :] = matrix[:, 0] = np.inf
    elif not np.isfinite(matrix).all() or np.linalg.eigvalsh(matrix)[0] <= 0:
        status = FitStatus("ridge", "the curvature is not that of a maximum.", "Take a family with fewer parameters.")
    elif not ended:
        status = FitStatus("not converged", "the search did not end at a maximum.", "Try another family.")
    return CurveFit(
        model=SurvivalCurve(kind=kind, parameters=values, unit=unit), names=names,
        matrix=np.where(np.isfinite(matrix), matrix, np.inf), loglik=loglik, n=float(tenures.customers), status=status,
        real=tuple((kind, name) in REAL for name in names),
    )  # fmt: skip


def _of_location_scale(kind: str, peak: Peak) -> tuple[dict[str, float], Floats]:
    """(mu, ln sigma) as the family writes them, and the covariance of that: mu and sigma, or e^mu and 1/sigma."""
    mu, sigma = float(peak.at[0]), float(np.exp(peak.at[1]))
    match kind:
        case "log_normal":
            found, slope = np.array([mu, sigma]), np.array([1.0, sigma])
        case "generalized_gamma":
            found, slope = peak.at, np.ones(3)
        case _:
            found, slope = np.array([np.exp(mu), 1.0 / sigma]), np.array([np.exp(mu), -1.0 / sigma])
    return dict(zip(FAMILIES[kind], map(float, found), strict=True)), peak.covariance * np.outer(slope, slope)


def _piecewise(
    t: Floats, left: NDArray[np.bool_], entry: Floats, cuts: tuple[float, ...], unit: str, customers: int
) -> CurveFit:
    """Losses over exposure, piece by piece: the maximum in closed form.

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
            f"no customer churned between {edges[empty]:g} and {edges[empty + 1]:g}. Move the breakpoints so that "
            "each piece has a loss."
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


def _mixture_log_likelihood(curve: SurvivalCurve, data: Lifetimes) -> float:
    """Log-likelihood of all customers, of the mixture with those who never leave."""
    ended, p = np.isfinite(data.upper), curve.parameters
    before = curve.log_survival(data.lower)
    after = curve.log_survival(np.where(ended, data.upper, data.lower))
    drop = np.log(np.maximum(np.exp(before) - np.exp(after), TINY))
    exact = data.lower == data.upper
    if exact.any():
        t = data.lower[exact]
        slope = np.log(p["rho_"] / p["lambda_"]) + (p["rho_"] - 1.0) * np.log(t / p["lambda_"])
        drop[exact] = np.log(max(1.0 - p[CURED], TINY)) + slope - _power(t, p)
    return float(data.weight @ (np.where(ended, drop, before) - curve.log_survival(data.entry)))


def _search(data: Lifetimes) -> tuple[dict[str, float], Floats, float]:
    """Maximum likelihood of the mixture: parameters, covariance (delta method), log-likelihood.

    The covariance is infinite where the curvature is not that of a maximum.
    """
    names, size = FAMILIES["mixture_cure"], float(data.weight.sum())

    def values(at: Floats) -> dict[str, float]:
        return dict(zip(names, (float(expit(at[0])), float(np.exp(at[1])), float(np.exp(at[2]))), strict=True))

    def negative(at: Floats) -> float:
        if not (np.abs(at) <= 50.0).all():
            return 1e300
        # Far from the maximum a likelihood may be no number; the simplex then turns back.
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            found = -_mixture_log_likelihood(SurvivalCurve(kind="mixture_cure", parameters=values(at)), data) / size
        return found if np.isfinite(found) else 1e300

    # From the mean time to a loss, with many who never leave and with hardly any.
    ended = np.isfinite(data.upper)
    exposure = float(data.weight @ (np.where(ended, data.upper, data.lower) - data.entry))
    scale = np.log(exposure / float(data.weight[ended].sum()))
    options: Any = {"xatol": 1e-8, "fatol": 1e-13, "maxiter": 4000, "adaptive": True}
    tried = [
        np.asarray(minimize(negative, [share, scale, -0.2], method="Nelder-Mead", options=options).x)
        for share in (-1.0, -6.0)
    ]
    best = min(tried, key=negative)
    found = values(best)
    slope = np.array([found[CURED] * (1.0 - found[CURED]), found["lambda_"], found["rho_"]])
    return found, np.outer(slope, slope) * _covariance(negative, best) / size, -negative(best) * size


def _covariance(negative: Callable[[Floats], float], at: Floats) -> Floats:
    """Inverse of the second differences; infinite where they are not those of a maximum."""
    steps = STEP * np.maximum(np.abs(at), 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        second = second_differences(lambda near: differences(negative, near, steps), at, steps)
    if not np.isfinite(second).all() or np.linalg.eigvalsh(second)[0] <= 0:
        return np.full(second.shape, np.inf)
    return np.asarray(np.linalg.inv(second))
