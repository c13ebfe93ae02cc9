"""Partial pooling: cohorts or segments that differ, each estimated with what the others tell of it.

A group's own customers buy at a rate multiplied by e^u and leave by e^v, in the parameters that covariates move (alpha
and a in BG/NBD, see `covariates.py`); u ~ N(0, tau_rate^2) and v ~ N(0, tau_lifetime^2) over groups, all else is
common. Given the common parameters groups are independent, so the marginal likelihood is a product of integrals over
(u, v), each by Laplace's method (Tierney & Kadane 1986, Journal of the American Statistical Association 81, 82-86):

    ln L = sum_g [ l_g(u, v) - u^2/2 tau_r^2 - v^2/2 tau_l^2 - ln tau_r tau_l - 1/2 ln |H_g| ]  at the mode,

H_g the curvature there. A group's effects are their modes (empirical Bayes); their variance is H_g^-1 and what the
estimates of the common parameters and of tau add (Kass & Steffey 1989, Journal of the American Statistical Association
84, 717-726). A group borrows the share H_g^-1/tau^2: 1 where it says nothing by itself, 0 where it needs no others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import minimize

from churnsim.checks import shown, typed
from churnsim.data.summaries.frame_kinds import CustomerFrame, in_kind, verbs_in_kind
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation.design_matrix import word_column
from churnsim.models.estimation.fit import FitStatus, ModelFit
from churnsim.models.estimation.likelihood import fit_likelihood
from churnsim.models.purchase.covariates import RowHistories
from churnsim.models.purchase.fit_data import collapse
from churnsim.models.purchase.histories import Histories, checked_weights
from churnsim.models.purchase.protocol import PurchaseModel
from churnsim.statistics import normal_quantile
from churnsim.typing import Floats, Ints

LEAST_GROUPS = 3
# ln tau: groups within a quarter of a percent count as alike; a factor of e^3 between usual ones is beyond a firm's.
SPREADS = (-6.0, 1.1)
# Of differences: of analytic slopes, and of the marginal likelihood in the search and at its end.
STEP, SEARCH_STEP, OUTER_STEP = 1e-4, 3e-3, 1e-2
SHORT = 0.02  # log-likelihood that a step to the maximum may still gain: a fifth of a standard error
KINDS = ("rate", "lifetime")


@verbs_in_kind
@dataclass(frozen=True, kw_only=True, eq=False)
class PooledFit:
    """A family fitted to groups with partial pooling, by `fit_pooled`.

    Attributes
    ----------
    by : str
        The column of the groups.
    models : mapping of group to model
        The plain family's, each with the group's own two parameters.
    average : a model
        Of a group of which nothing is known.
    between : DataFrame
        By "rate" and "lifetime": `spread`, the standard deviation tau of the logarithm over groups (.2: usual groups
        differ by 20%), its `standard_error`, missing where groups are alike, and `lower, upper` of 95%.
    table : DataFrame
        A row a group: `customers`, and how much it borrowed from the others, `borrowed_rate` and `borrowed_lifetime`.
    plain : ModelFit
        The family without groups.
    loglik : float
        Marginal log-likelihood, comparable with that of `plain`.
    n : float
        Customers.
    status : FitStatus
        How the fit ended.
    errors : DataFrame
        A row a group: standard errors of the logarithms of its own two parameters.

    Examples
    --------
    >>> import churnsim as cs
    >>> summary = cs.summarise(cs.datasets.cdnow(), until="1997-09-30").iloc[::4]
    >>> summary["cohort"] = summary["T"].round().astype(int).astype(str)  # the week of the first purchase
    >>> fit = fit_pooled(cs.BGNBD, summary, by="cohort")
    >>> fit.status.code, len(fit.models)
    ('converged', 13)
    """

    by: str
    models: Mapping[str, Any]
    average: Any
    between: pd.DataFrame
    table: pd.DataFrame
    plain: ModelFit[PurchaseModel]
    loglik: float
    n: float
    status: FitStatus
    errors: pd.DataFrame

    @typed
    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """A row a group and own parameter: estimate, standard_error, lower, upper (normal in the logarithm)."""
        rows, z = {}, normal_quantile(level)
        for group, model in self.models.items():
            for name, error in zip(self.errors.columns.astype(str), self.errors.loc[group].to_numpy(), strict=True):
                value = float(getattr(model, name))
                rows[group, name] = (value, value * error, value * math.exp(-z * error), value * math.exp(z * error))
        frame = pd.DataFrame.from_dict(rows, "index", columns=["estimate", "standard_error", "lower", "upper"])
        frame.index = pd.MultiIndex.from_tuples(frame.index, names=[self.by, "parameter"])
        return frame

    def p_alive(self, summary: CustomerFrame, **options: Any) -> pd.Series[float]:
        """The family's verb, each customer by the model of its group; of an unknown group by the average."""
        return self._each("p_alive", summary, **options)

    def expected_purchases(self, summary: CustomerFrame, horizon: float) -> pd.Series[float]:
        """As `p_alive`."""
        return self._each("expected_purchases", summary, horizon)

    def residual_transactions(
        self, summary: CustomerFrame, annual_discount_rate: float, **options: Any
    ) -> pd.Series[float]:
        """As `p_alive`."""
        return self._each("residual_transactions", summary, annual_discount_rate, **options)

    def _each(self, verb: str, summary: pd.DataFrame, *values: Any, **options: Any) -> pd.Series[float]:
        groups = word_column(summary, self.by)
        out, name = np.empty(len(summary)), verb
        for group in np.unique(groups):
            rows = np.flatnonzero(groups == group)
            part = summary.iloc[rows]
            found = getattr(self.models.get(str(group), self.average), verb)(part, *values, **options)
            out[rows], name = found.to_numpy(), str(found.name)
        return pd.Series(out, index=summary.index, name=name)


@in_kind
@typed
def fit_pooled(
    family: Any, summary: CustomerFrame, *, by: str, unit: str | None = None, weights: ArrayLike | None = None,
    **fixed: Any,
) -> PooledFit:  # fmt: skip
    """Fit a family to cohorts or segments with partial pooling: groups with many customers speak for themselves, small
    ones are drawn to the others, by as much as the data say that groups differ.

    Raises ConfigError for a family without a form with covariates, and DataError for fewer than three groups.

    Parameters
    ----------
    family : class
        Of purchases, such as `BGNBD`.
    summary : DataFrame
        A row a customer, as for the family's `fit`, and the column `by`.
    by : str
        The column that says each customer's group: a cohort, a region, a channel.
    unit : {"H", "D", "W", "M", "Y"}, optional
        Of the durations; the summary's own, or weeks.
    weights : array of shape (customers,), optional
        Customers that each row stands for.
    **fixed
        `k` of MBG/CNBD-k.

    Examples
    --------
    >>> import churnsim as cs
    >>> summary = cs.summarise(cs.datasets.cdnow(), until="1997-09-30").iloc[::4]
    >>> summary["cohort"] = (summary["T"] // 4).astype(int).astype(str)  # the four weeks of the first purchase
    >>> fit = fit_pooled(cs.BGNBD, summary, by="cohort")
    >>> bool(fit.table["borrowed_rate"].between(0, 1).all())
    True
    """
    form = getattr(family, "covariate_family", None)
    if form is None or not hasattr(form, "own_names"):
        raise ConfigError(f"family must be a purchase model with a form with covariates; got {shown(family)}.")
    of_plain = family.likelihood(summary, unit=unit, weights=weights, **fixed)
    plain = fit_likelihood(of_plain)
    if hasattr(plain.model, "k"):
        fixed["k"] = plain.model.k
    groups = _Groups.of(form, summary, by, unit, weights, of_plain.scales, fixed)
    if len(groups.names) < LEAST_GROUPS:
        raise DataError(
            f"{by!r} has {len(groups.names)} groups, too few to tell how much groups differ. Give {LEAST_GROUPS} or "
            "more, or take the group as a covariate."
        )
    base = np.log(of_plain.parameters(plain.model))
    size = base.size
    kept = np.zeros((len(groups.names), 2))

    def marginal(at: Floats) -> _Modes:
        nonlocal kept
        found = groups.modes(at[:size], np.exp(at[size:]), kept)
        kept = found.effects
        return found

    def downhill(at: Floats) -> float:
        value = marginal(at).value
        return -value / groups.customers if math.isfinite(value) else 1e300

    def slope(at: Floats) -> Floats:
        steps = SEARCH_STEP * np.eye(at.size)
        return np.array([downhill(at + step) - downhill(at - step) for step in steps]) / (2 * SEARCH_STEP)

    start = np.concatenate([base, np.full(2, math.log(0.3))])
    bounds = [(low - 5, low + 5) for low in base] + [SPREADS] * 2
    search: Any = minimize  # whose stubs do not know arrays of a length
    # Wide differences: a narrow one of the modes' rounding is no slope. `_reported` judges where the search ended.
    found = search(
        lambda at: 10 * downhill(at), start, method="SLSQP", bounds=bounds, jac=lambda at: 10 * slope(at),
        options={"ftol": 1e-8, "maxiter": 60},
    )  # fmt: skip
    return _reported(family, by, groups, plain, of_plain, fixed, np.asarray(found.x), marginal)


@dataclass(frozen=True, eq=False)
class _Modes:
    """The marginal log-likelihood at some common parameters, and the effects of each group with their variance."""

    value: float
    effects: Floats
    variance: Floats


@dataclass(frozen=True, eq=False)
class _Groups:
    """Distinct histories group by group, and the family's likelihood of them."""

    form: Any
    names: list[str]
    rows: Histories
    weight: Floats
    group: Ints
    sizes: Floats
    customers: float
    last: tuple[Any, ...]

    @classmethod
    def of(
        cls, form: Any, summary: pd.DataFrame, by: str, unit: str | None, weights: ArrayLike | None, scales: Floats,
        fixed: Mapping[str, Any],
    ) -> _Groups:  # fmt: skip
        """In time scaled as the plain likelihood's."""
        h = form._read(summary, unit)
        weight = checked_weights(weights, h.x.size)
        words = word_column(summary, by)
        names, code = np.unique(words, return_inverse=True)
        place = [name in ("alpha", "beta") for name in form.parameter_names]
        scale = float(scales[place.index(True)])
        parts, numbers, of = [], [], []
        for k in range(len(names)):
            mine = np.flatnonzero(code.ravel() == k)
            own, number = collapse(Histories(h.x[mine], h.t_x[mine], h.T[mine], h.index[mine]), weight[mine])
            parts.append(own)
            numbers.append(number)
            of.append(np.full(own.x.size, k))
        joined = [np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "t_x", "T")]
        rows = Histories(joined[0], joined[1] / scale, joined[2] / scale, pd.RangeIndex(joined[0].size))
        sizes: Floats = np.asarray(np.bincount(code.ravel(), weights=weight), dtype=np.float64)
        return cls(
            form, list(map(str, names)), rows, np.concatenate(numbers), np.concatenate(of), sizes, float(weight.sum()),
            form._kernel_last(**fixed),
        )  # fmt: skip

    def slopes(self, logs: Floats, effects: Floats) -> tuple[Floats, Floats]:
        """By group: the log-likelihood, and its slopes in the two effects."""
        h = self.rows
        with np.errstate(over="ignore"):
            rate, leaving = np.exp(effects[self.group]).T
        rows = RowHistories(h.x, h.t_x, h.T, h.index, rate, leaving)
        terms = self.form._row_objective(np.exp(logs), rows, *self.last)
        found = [np.bincount(self.group, self.weight * terms[:, column], len(self.names)) for column in (0, -2, -1)]
        return np.asarray(found[0], dtype=np.float64), np.column_stack(found[1:])

    def modes(self, logs: Floats, spread: Floats, effects: Floats) -> _Modes:
        """By Newton steps from some effects, all groups at once."""
        precision = 1.0 / spread**2

        def penalised(at: Floats) -> tuple[Floats, Floats]:
            value, slope = self.slopes(logs, at)
            return value - (at**2 * precision).sum(axis=1) / 2, slope - at * precision

        def curvature(at: Floats) -> Floats:
            out = np.empty((len(at), 2, 2))
            for k in range(2):
                step = STEP * np.eye(2)[k]
                out[:, k] = (penalised(at - step)[1] - penalised(at + step)[1]) / (2 * STEP)
            return (out + out.transpose(0, 2, 1)) / 2

        value, slope = penalised(effects)
        second = curvature(effects)
        for _ in range(50):
            low = np.linalg.eigvalsh(second)[:, :1]
            safe = second + np.eye(2) * np.maximum(1e-6 - low, 0.0)[:, :, None]
            step = np.clip(np.linalg.solve(safe, slope[:, :, None])[:, :, 0], -1.0, 1.0)
            part = np.ones((len(effects), 1))
            for _ in range(30):
                new_value, new_slope = penalised(effects + part * step)
                worse = ~(new_value >= value - 1e-10 * (1.0 + np.abs(value)))
                if not worse.any():
                    break
                part[worse] /= 2
            effects, value, slope = effects + part * step, new_value, new_slope
            if np.abs(step).max() < 1e-9:
                break
            if np.abs(step).max() > 1e-5:
                second = curvature(effects)
        sign, logdet = np.linalg.slogdet(second)
        if not (sign > 0).all():
            return _Modes(-math.inf, effects, np.full((len(effects), 2, 2), np.nan))
        total = float(value.sum() - len(effects) * np.log(spread).sum() - logdet.sum() / 2)
        return _Modes(total, effects, np.asarray(np.linalg.inv(second), dtype=np.float64))


def _reported(
    family: Any, by: str, groups: _Groups, plain: ModelFit[PurchaseModel], of_plain: Any, fixed: Mapping[str, Any],
    at: Floats, marginal: Any,
) -> PooledFit:  # fmt: skip
    size = at.size - 2
    best = marginal(at)
    alike = at[size:] < SPREADS[0] + 0.5
    free = np.concatenate([np.arange(size), size + np.flatnonzero(~alike)])
    # Second derivatives of the marginal likelihood, and how the groups' effects move with what is common.
    second, moves = np.empty((free.size, free.size)), np.empty((free.size, len(groups.names), 2))
    steps = OUTER_STEP * np.eye(at.size)[free]
    around = {}
    for i in range(free.size):
        up, down = marginal(at + steps[i]), marginal(at - steps[i])
        around[i] = up.value, down.value
        moves[i] = (up.effects - down.effects) / (2 * OUTER_STEP)
        second[i, i] = (2 * best.value - up.value - down.value) / OUTER_STEP**2
    for i in range(free.size):
        for j in range(i):
            both = marginal(at + steps[i] + steps[j]).value + marginal(at - steps[i] - steps[j]).value
            mixed = (both - sum(around[i]) - sum(around[j]) + 2 * best.value) / (2 * OUTER_STEP**2)
            second[i, j] = second[j, i] = -mixed
    determined = bool(np.linalg.eigvalsh(second)[0] > 0)
    uphill = np.array([up - down for up, down in around.values()]) / (2 * OUTER_STEP)
    ended = determined and float(uphill @ np.linalg.solve(second, uphill)) / 2 < SHORT
    covariance = np.linalg.inv(second) if determined else np.full(second.shape, np.nan)
    form, names = groups.form, list(groups.form.parameter_names)
    values = dict(zip(names, np.exp(at[:size]) * of_plain.scales, strict=True))
    common = {**plain.model.to_dict(), **{name: float(value) for name, value in values.items()}}
    models, errors = {}, {}
    for g, group in enumerate(groups.names):
        own, error = {}, {}
        for k, (name, sign) in enumerate(zip(form.own_names, form.moved, strict=True)):
            own[name] = float(values[name] * math.exp(sign * best.effects[g, k]))
            slope = sign * moves[:, g, k]
            slope[names.index(name)] += 1.0
            error[name] = math.sqrt(best.variance[g, k, k] + float(slope @ covariance @ slope))
        models[group] = family.from_dict({**common, **own})
        errors[group] = error
    spread, between, z = np.exp(at[size:]), [], normal_quantile(0.95)
    for k in range(2):
        if alike[k]:
            between.append((0.0, math.nan, 0.0, math.nan))
            continue
        place = int(np.flatnonzero(free == size + k)[0])
        wide, tau = math.sqrt(covariance[place, place]), float(spread[k])
        between.append((tau, tau * wide, tau * math.exp(-z * wide), tau * math.exp(z * wide)))
    borrowed = np.diagonal(best.variance, axis1=1, axis2=2) / spread**2
    columns = {"customers": groups.sizes, **{f"borrowed_{kind}": borrowed[:, k] for k, kind in enumerate(KINDS)}}
    index = pd.Index(groups.names, name=by)
    return PooledFit(
        by=by, models=models, average=family.from_dict(common), plain=plain, n=groups.customers,
        between=pd.DataFrame(between, KINDS, ["spread", "standard_error", "lower", "upper"]),
        table=pd.DataFrame(columns, index), errors=pd.DataFrame.from_dict(errors, "index"),
        loglik=best.value + of_plain.log_scale,
        status=of_plain.doubt or _status(alike, ended),
    )  # fmt: skip


def _status(alike: Any, fine: bool) -> FitStatus:
    if not fine:
        return FitStatus(
            "not converged", "the marginal likelihood has no maximum that determines all parameters.",
            "Merge small groups, or read `plain`, the fit of all groups as one.",
        )  # fmt: skip
    words = [
        f"the groups' {what} do not differ beyond chance and are taken to be alike"
        for what, same in zip(("purchase rates", "lifetimes"), alike, strict=True)
        if same
    ]
    return FitStatus("converged", "; ".join(["the marginal likelihood is at its maximum", *words]) + ".")
