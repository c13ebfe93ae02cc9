"""What it is worth to know numbers before deciding: of all of them, of each, of groups, and of a trial.

Replication k has its own numbers and its own chance events, the same under every option. With g_d(numbers) the mean
gain of option d given numbers, knowing them is worth E max_d g_d(numbers) - max_d E g_d: the expected value of perfect
information (EVPI) of all numbers that are drawn, of partial perfect information (EVPPI) of some. The means come from
regression over replications (Strong, Oakley & Brennan 2014, Medical Decision Making 34, 311-326). Chance is no
information: nobody can learn it before deciding, and a mean given the numbers does not hold it, whereas the maximum
over options of what was simulated would.

A trial tells a number with an error. The mean gain given its result is that of g_d over what the number may then be,
by the normal law of the error (expected value of sample information, EVSI; Heath, Manolopoulou & Baio 2017, Medical
Decision Making 37, 747-758, on how such a mean goes with the posterior of the number). What a trial tells of several
numbers together is drawn for each replication, and the gains' means are regressed on it (Strong, Oakley, Brennan &
Breeze 2015, Medical Decision Making 35, 570-583): their beliefs, and the trial's errors, may go together.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pandas as pd
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import ArrayLike
from scipy.special import ndtri

from churnsim.checks import check_frame, check_kind, check_level, check_number, shown, typed
from churnsim.decisions.comparison.compare import Comparison
from churnsim.decisions.information.regression import Fit, curve_means, fit_curve, fit_surface, normal_scores
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation.design_matrix import number_columns
from churnsim.simulation.engine.ledger import COSTS
from churnsim.typing import Floats

LEAST = 100
"""Replications below which nothing is told: with n of them a curve of no influence at all is, by chance, as steep as
the spread of a gain over sqrt(n), a tenth of it."""
DRAWS = 200  # of a fit, behind a standard error
SEED = 20_14  # of them, so that the same outcomes give the same intervals
SHUFFLES, GROUP_SHUFFLES = 40, 10  # of a number that says nothing, and of several
LEADS = 1.25  # times the worth of the best number, from which a group is named in its place
ATOMS = 400  # places of a number at which a trial may find it
NODES, NODE_WEIGHTS = hermegauss(7)
RESULTS = 8  # of a trial about several numbers, a replication
SIZES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
FITTED = ("purchases.", "spend.")  # parameters that are drawn together
FREE = ("fixed", "cost_to_serve")  # what is paid also where nothing is done
EVERYTHING, REST, NOTHING = "everything", "everything else", "nothing"
GROUPS = {
    "acquisition": ("prospects.*", "referral.*", "word_of_mouth.*", "competitors.*"),
    "retention": ("retention.*", "renewal_offers.*", "win_back.*", "bonds.*"),
    "service": ("complaints.*", "recovery.*", "staff.*", "quality.*", "satisfaction.*"),
    "customers": ("purchases.*", "spend.*"),
}
"""What is asked of together, by name: how customers are won, kept and served, and the fitted parameters."""


@dataclass(frozen=True, kw_only=True)
class Worth:
    """What it is worth to know some numbers before deciding, in money per decision.

    Attributes
    ----------
    name : str
        The number's address, or the group's name.
    numbers : tuple of str
        The addresses.
    value, standard_error, lower, upper : float
        The estimate, its standard error by draws of the regression and of the replications, and its interval. The upper
        limit allows for options that earn alike, of which the estimate is too small by some tenths of the error of
        their difference.
    null : float
        What shuffled numbers, which say nothing, come to on average: the upward bias where there is no influence.
    changes : float
        Share of replications in which another option than the one that is best now would be chosen.
    """

    name: str
    numbers: tuple[str, ...]
    value: float
    standard_error: float
    lower: float
    upper: float
    null: float = 0.0
    changes: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TrialWorth:
    """What a trial is worth that tells one number, or several, with an error, in money per decision.

    Attributes
    ----------
    about : str
        The number, or all of them.
    standard_error : float or tuple of float
        Of the trial's estimate, of each number where there are several.
    cost : float
        In money.
    value, value_error, lower, upper : float
        What its result is worth before its cost, with standard error and interval.
    net : float
        Less its cost.
    limit : float
        What it would be worth without any error.
    sizes : tuple of dict
        By size, in multiples of the proposed one: "size", "standard_error", "cost", "value" and "net".
    best_size : float
        The size with the highest net value; 0 where none is above 0.
    best_net : float
        Of that size.
    """

    about: str
    standard_error: float | tuple[float, ...]
    cost: float
    value: float
    value_error: float
    lower: float
    upper: float
    net: float
    limit: float
    sizes: tuple[dict[str, Any], ...]
    best_size: float
    best_net: float

    def __str__(self) -> str:
        told = (
            f"at its best size, {self.best_size:g} times as large, it is worth {self.best_net:,.0f} more than it costs"
            if self.best_size
            else "it is worth its cost at no size"
        )
        alone = isinstance(self.standard_error, float)
        errors = [self.standard_error] if isinstance(self.standard_error, float) else self.standard_error
        return (
            f"A trial about {self.about} with {'a standard error' if alone else 'standard errors'} of "
            f"{' and '.join(f'{error:g}' for error in errors)} is worth {self.value:,.0f} [{self.lower:,.0f}, "
            f"{self.upper:,.0f}] and costs {self.cost:,.0f}; {told}. Knowing the number{'s' * (not alone)} exactly is "
            f"worth {self.limit:,.0f}."
        )


@dataclass(frozen=True, kw_only=True)
class ValueOfInformation:
    """What it is worth to know the numbers of a decision before it is taken, once.

    Attributes
    ----------
    options : tuple of str
        What may be chosen, spending nothing among them.
    best : str
        What is best by today's beliefs.
    nothing : str
        What spends nothing.
    gain : float
        What `best` earns more than spending nothing, on average.
    everything : Worth
        Of all numbers that replications draw, together (EVPI).
    numbers, groups : tuple of Worth
        Of each number and of each group (EVPPI), the largest first.
    first : Worth
        What to measure first: the number, or the group where that is worth more than any number by a quarter.
    rest : Worth or None
        Of all other numbers together, in place of `first`; None where there are no others.
    foresight : float
        What it would be worth to foresee also the chance events of a replication, which no measurement does.
    level : float
        Of the intervals.
    replications : int
        Of each option.
    """

    options: tuple[str, ...]
    best: str
    nothing: str
    gain: float
    everything: Worth
    numbers: tuple[Worth, ...]
    groups: tuple[Worth, ...]
    first: Worth
    rest: Worth | None
    foresight: float
    level: float
    replications: int
    _study: _Study = field(repr=False, compare=False)

    @property
    def table(self) -> pd.DataFrame:
        """All of it, the groups and everything before the numbers; `share` is that of what everything is worth."""
        rows = [self.everything, *self.groups, *self.numbers]
        kinds = ["group"] * (1 + len(self.groups)) + ["number"] * len(self.numbers)
        frame, whole = pd.DataFrame([vars(row) for row in rows]).assign(kind=kinds), self.everything.value
        return frame.assign(share=frame["value"] / whole if whole > 0 else 0.0)

    @typed
    def of_trial(
        self,
        trial: Any = None,
        *,
        about: str | Sequence[str] | None = None,
        standard_error: float | Sequence[float] | None = None,
        correlation: ArrayLike | None = None,
        cost: float | None = None,
        fixed_cost: float = 0.0,
        sizes: Sequence[float] = SIZES,
    ) -> TrialWorth:
        """What a proposed trial is worth, net of its cost, as it is and larger or smaller.

        Parameters
        ----------
        trial : object, optional
            With the attributes `about`, `standard_error` and `cost`, such as a trial's design; or give these three.
        about : str or sequence of str
            The number's address, or those of the numbers that it tells together.
        standard_error : float or sequence of float
            Of the trial's estimate, above 0; of several numbers one each.
        correlation : array_like of shape (numbers, numbers), optional
            Of the errors of several numbers; none by default.
        cost : float
            In money.
        fixed_cost : float
            What of the cost does not grow with the trial's size.
        sizes : sequence of float
            In multiples of the proposed size: of k times as many customers the standard error is 1/sqrt(k) of it, and
            of the cost the part that is not fixed k times.

        Returns
        -------
        TrialWorth
            Of one decision.

        Raises
        ------
        ConfigError
            For a number that is not among those that are drawn, and for what is no error, correlation, cost or size.
        """
        given = {"about": about, "standard_error": standard_error, "cost": cost}
        if trial is not None:
            lacking = [name for name in given if not hasattr(trial, name)]
            if lacking:
                raise ConfigError(f"a trial has about, standard_error and cost; {shown(trial)} lacks {lacking[0]}.")
            given = {name: getattr(trial, name) if value is None else value for name, value in given.items()}
        study = self._study
        addresses, errors = _told_of(given["about"], given["standard_error"], study.names)
        told: _Told | _ToldTogether
        if len(addresses) == 1:
            if correlation is not None:
                raise ConfigError("correlation is of the errors of several numbers; the trial is about one.")
            places = [study.names.index(addresses[0])]
            told = _Told(study.numbers[addresses[0]].to_numpy(), *study.gains(places))
        else:
            told = _ToldTogether.of(study, addresses, errors, correlation)
        whole = check_number(given["cost"], "cost", least=0)
        fixed = check_number(fixed_cost, "fixed_cost", least=0, most=whole)
        multiples = sorted({1.0, *(check_number(size, "each of sizes", above=0) for size in sizes)})
        rows: list[dict[str, Any]] = []
        for size in multiples:
            price = fixed + (whole - fixed) * size
            each = tuple(error / size**0.5 for error in errors)
            value = told.value(each[0])
            error = each[0] if len(each) == 1 else each
            rows.append({"size": size, "standard_error": error, "cost": price, "value": value, "net": value - price})
        best = max(rows, key=lambda row: row["net"])
        proposed = next(row for row in rows if row["size"] == 1.0)
        spread, value, tied = told.spread(errors[0]), proposed["value"], study.less_ahead(told.mean)
        most = told.value(errors[0], tied) + study.reach * told.spread(errors[0], tied)
        return TrialWorth(
            about=" and ".join(addresses), standard_error=proposed["standard_error"], cost=whole, value=value,
            value_error=spread, lower=max(0.0, value - study.reach * spread),
            upper=max(value + study.reach * spread, most), net=value - whole, limit=told.limit,
            sizes=tuple(rows), best_size=best["size"] if best["net"] > 0 else 0.0, best_net=max(best["net"], 0.0),
        )  # fmt: skip

    def __str__(self) -> str:
        first, rest, whole = self.first, self.rest, self.everything
        if first.lower <= 0:
            return (
                f"No number is surely worth measuring for this decision: {self.best} stays best, and to know all of "
                f"them is worth {whole.value:,.0f} [{whole.lower:,.0f}, {whole.upper:,.0f}]."
            )
        others = f"; everything else together {rest.value:,.0f}" if rest else ""
        return (
            f"Measure {first.name} first: knowing it is worth {first.value:,.0f} [{first.lower:,.0f}, "
            f"{first.upper:,.0f}]{others}."
        )


@typed
def value_of_information(
    values: Comparison | pd.DataFrame,
    numbers: pd.DataFrame,
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    metric: str = "npv",
    among: Sequence[str] | None = None,
    nothing: str | None = None,
    level: float = 0.95,
) -> ValueOfInformation:
    """What it is worth to know each number, groups of them and all of them before choosing among strategies.

    Parameters
    ----------
    values : Comparison or DataFrame
        Of strategies, one of which spends nothing, on a market with beliefs or draws. Or money by replication (rows)
        and option (columns); without `nothing`, more than spending nothing, which is then added as an option.
    numbers : DataFrame
        What each replication drew: `drawn_numbers(market, replications, seed=...)` with the seed of the run.
    groups : mapping of str to sequence of str, optional
        Names of groups and their numbers' addresses; "retention.*" stands for all that begin so. By default those of
        `GROUPS` of which two numbers or more are drawn, such as "customers": the fitted parameters.
    metric : str
        Of a comparison, as `Comparison.values` takes it.
    among : sequence of str, optional
        The options; all by default. What spends nothing is always one.
    nothing : str, optional
        The option that spends nothing; of a comparison it is found by what it spent.
    level : float
        Of the intervals.

    Returns
    -------
    ValueOfInformation
        In money over the horizon that was simulated, for these customers and one decision.

    Raises
    ------
    ConfigError
        For an unknown option, number or metric, and where no option spends nothing.
    DataError
        For fewer than 100 replications, frames of unequal length, and where no number is drawn.

    References
    ----------
    Strong, Oakley & Brennan (2014), Estimating multiparameter partial expected value of perfect information from a
    probabilistic sensitivity analysis sample: a nonparametric regression approach. Medical Decision Making 34, 311-326.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> numbers = pd.DataFrame(rng.normal(size=(500, 2)), columns=["cost", "size"])
    >>> gain = 100 * numbers["cost"] + rng.normal(scale=50, size=500)
    >>> found = value_of_information(pd.DataFrame({"buying": gain}), numbers)
    >>> print(found)
    Measure cost first: knowing it is worth 32 [26, 39]; everything else together 0.
    """
    level = check_level(level)
    frame, idle = _options(values, metric, among, nothing)
    check_frame(numbers, "numbers")
    drawn = pd.DataFrame(number_columns(numbers, list(numbers.columns)), numbers.index)
    n = len(frame)
    if n < LEAST or len(drawn) != n:
        raise DataError(
            f"the worth of a number needs {LEAST} replications or more, and as many of the numbers as of the outcomes; "
            f"got {n} and {len(drawn)}. Run more replications."
        )
    drawn = drawn.loc[:, drawn.nunique() > 1]
    if not len(drawn.columns):
        raise DataError(
            "no number differs between replications, so that there is nothing to learn. Give the market beliefs "
            "(intervals in [market], or beliefs = 'all' in [simulation])."
        )
    names = [str(name) for name in drawn]
    asked = default_groups(names) if groups is None else _checked_groups(groups)
    chosen = {name: group_members(name, parts, names) for name, parts in asked.items()}
    table = frame.to_numpy(dtype=np.float64)
    best = int(table.mean(axis=0).argmax())
    gains = np.delete(table - table[:, [best]], best, axis=1)
    study = _Study(gains, drawn, level)
    each = [study.number(place) for place in range(len(names))]
    of_groups = [study.group(name, members, each) for name, members in chosen.items()]
    whole = study.group(EVERYTHING, names, [*each, *of_groups])
    ranked, ranked_groups = _ranked(each), _ranked(of_groups)
    first = ranked[0]
    if ranked_groups and ranked_groups[0].value > LEADS * first.value:
        first = ranked_groups[0]
    others = [name for name in names if name not in first.numbers]
    return ValueOfInformation(
        options=tuple(map(str, frame.columns)), best=str(frame.columns[best]), nothing=idle,
        gain=float((table[:, best] - frame[idle]).mean()), everything=whole, numbers=ranked, groups=ranked_groups,
        first=first, rest=study.group(REST, others, each) if others else None, foresight=_worth(gains), level=level,
        replications=n, _study=study,
    )  # fmt: skip


class _Study:
    """The regressions of one decision.

    What goes with numbers that are independent of some has the same mean whatever these are: it is taken off before the
    regression on them, as a control variate, so that less is left that is not explained. Numbers count as dependent
    whose scores are correlated by three standard errors, and the parameters of one fitted model.
    """

    def __init__(self, gains: Floats, numbers: pd.DataFrame, level: float) -> None:
        self.names, self.numbers, self.reach = (
            [str(name) for name in numbers],
            numbers,
            float(ndtri((1 + level) / 2)),
        )
        self.scores = normal_scores(numbers.to_numpy(dtype=np.float64))
        self._gains, self._whole = gains, fit_surface(self.scores, gains)
        scaled = self.scores / self.scores.std(axis=0)
        kinds = np.array([name.split(".")[0] if name.startswith(FITTED) else f"{name}." for name in self.names])
        together = np.abs(scaled.T @ scaled) / len(scaled) > 3 / np.sqrt(len(scaled))
        self._dependent = together | (kinds[:, None] == kinds)

    def gains(self, places: Sequence[int]) -> tuple[Floats, Floats]:
        """The gains (n, q) to be explained by the numbers at these places, and what was taken off."""
        off = self._whole.without(np.flatnonzero(self._dependent[places].any(axis=0)).tolist())
        return self._gains - off, off

    def number(self, place: int) -> Worth:
        """Of one number."""
        generator = np.random.Generator(np.random.Philox(SEED))
        (gains, off), score = self.gains([place]), self.scores[:, place]
        n, q = gains.shape
        order = np.stack([generator.permutation(n) for _ in range(SHUFFLES)], axis=1)
        means = curve_means(score, gains[order].reshape(n, SHUFFLES * q)).reshape(n, SHUFFLES, q)
        null = float(np.mean([_worth(means[:, k]) for k in range(SHUFFLES)]))
        return self._told(self.names[place], (self.names[place],), fit_curve(score, gains), off, null)

    def group(self, name: str, numbers: Sequence[str], each: Sequence[Worth]) -> Worth:
        """Of several numbers together: at least what a part of them is worth by itself."""
        places = [self.names.index(number) for number in numbers]
        scores, (gains, off) = self.scores[:, places], self.gains(places)
        generator = np.random.Generator(np.random.Philox(SEED))
        shuffled = (scores[generator.permutation(len(scores))] for _ in range(GROUP_SHUFFLES))
        null = float(np.mean([_worth(fit_surface(one, gains).mean) for one in shuffled]))
        fit = self._whole if len(places) == len(self.names) else fit_surface(scores, gains)
        found = self._told(name, tuple(numbers), fit, off, null)
        parts = [part for part in each if set(part.numbers) <= set(numbers)]
        most = max((found, *parts), key=lambda worth: worth.value)
        upper = max(worth.upper for worth in (found, *parts))
        return replace(most, name=name, numbers=tuple(numbers), upper=upper, null=null)

    def _told(self, name: str, numbers: tuple[str, ...], fit: Fit, off: Floats, null: float) -> Worth:
        value, error = _worth(fit.mean), float(_drawn_worths(fit, off).std(ddof=1))
        tied = self.less_ahead(fit.mean)
        most = _worth(fit.mean - fit.mean.mean(axis=0) + tied)
        upper = max(value + self.reach * error, most + self.reach * float(_drawn_worths(fit, off, tied).std(ddof=1)))
        return Worth(
            name=name, numbers=numbers, value=value, standard_error=error, lower=max(0.0, value - self.reach * error),
            upper=upper, null=null, changes=float((fit.mean > 1e-9).any(axis=1).mean()),
        )  # fmt: skip

    def less_ahead(self, means: Floats) -> Floats:
        """The options' mean gains with the best ahead of the next by less, as far as the interval of its lead goes.

        Knowing is worth most where two options earn alike, and which seems best is partly chance in its replications:
        the estimate is then too small, and draws about it lie on the same side.
        """
        gains = np.column_stack([self._gains, np.zeros(len(means))])
        mean = np.append(means.mean(axis=0), 0.0)
        best, second = np.argsort(-mean, kind="stable")[:2]
        error = float((gains[:, best] - gains[:, second]).std(ddof=1)) / np.sqrt(len(gains))
        less = min(float(mean[best] - mean[second]), self.reach * error)
        # Doing nothing, the last, gains 0: it is less ahead where the next gains more.
        moved, by = (best, -less) if best < means.shape[1] else (second, less)
        mean[moved] += by
        return mean[:-1]


class _Told:
    """What the results of trials about one number are worth."""

    def __init__(self, number: Floats, gains: Floats, off: Floats) -> None:
        self._off, self._fit = off, fit_curve(normal_scores(number), gains)
        order = np.argsort(number, kind="stable")
        # Every so many of the order statistics, from the middle of each part.
        count = min(ATOMS, len(order))
        self._at = order[((np.arange(count) + 0.5) * len(order) / count).astype(int)]
        self._number = number[self._at]
        self.limit = _worth(self._fit.mean)

    @property
    def mean(self) -> Floats:
        """The gains' means given the number."""
        return self._fit.mean

    def value(self, error: float, means: Floats | None = None) -> float:
        """Of a result with this standard error; 0 at least, and no more than the number itself is. With `means`, were
        these the options' mean gains."""
        if means is None:
            return min(float(self._worth(self.mean[np.newaxis], error)[0]), self.limit)
        return float(self._worth((self.mean - self.mean.mean(axis=0) + means)[np.newaxis], error)[0])

    def spread(self, error: float, means: Floats | None = None) -> float:
        """The standard error of `value`: by draws of the curve and resamples of the replications."""
        generator = np.random.Generator(np.random.Philox(SEED))
        draws = self._fit.draws(DRAWS, generator)
        draws += (_resamples(DRAWS, len(self._off), generator) @ self._off)[:, np.newaxis]
        if means is not None:
            draws += (means - draws.mean(axis=1))[:, np.newaxis]
        return float(self._worth(draws, error, _resamples(DRAWS, len(self._at), generator)).std(ddof=1))

    def _worth(self, means: Floats, error: float, weights: Floats | None = None) -> Floats:
        """Of each of several curves (count, n, q)."""
        at = means[:, self._at]
        count, atoms, q = at.shape
        shares = np.full((count, atoms), 1 / atoms) if weights is None else weights
        told = np.zeros(count)
        columns = at.transpose(1, 0, 2).reshape(atoms, count * q)
        for node, weight in zip(NODES, NODE_WEIGHTS / NODE_WEIGHTS.sum(), strict=True):
            # The number after a result `node` standard errors above what it is: atoms by the likelihood.
            apart = (self._number[:, None] - self._number) / error + node
            likely = np.exp(-(apart**2 - (apart**2).min(axis=1, keepdims=True)) / 2)
            likely /= likely.sum(axis=1, keepdims=True)
            known = (likely @ columns).reshape(atoms, count, q)
            told += weight * np.einsum("ac,ca->c", np.maximum(known.max(axis=2), 0.0), shares)
        now = np.maximum(np.einsum("caq,ca->cq", at, shares).max(axis=1), 0.0)
        found: Floats = np.maximum(told - now, 0.0)
        return found


class _ToldTogether:
    """What the results of trials about several numbers are worth; the errors go by that of the first number."""

    def __init__(self, numbers: Floats, gains: Floats, off: Floats, root: Floats) -> None:
        self._numbers, self._gains, self._off = numbers, gains, off
        self.mean = fit_surface(normal_scores(numbers), gains).mean
        generator = np.random.Generator(np.random.Philox(SEED))
        self._errors = generator.standard_normal((RESULTS, *numbers.shape)) @ (root / np.linalg.norm(root[0])).T
        self.limit = _worth(self.mean)

    @classmethod
    def of(
        cls, study: _Study, addresses: Sequence[str], errors: Sequence[float], correlation: ArrayLike | None
    ) -> _ToldTogether:
        """Raises ConfigError for what is no matrix of correlations."""
        count = len(addresses)
        wrong = ConfigError(
            f"correlation must be a matrix of {count} rows and columns, symmetric, with 1 on its diagonal and nothing "
            f"that cannot be together; got {shown(correlation)}."
        )
        try:
            matrix = np.eye(count) if correlation is None else np.array(correlation, dtype=np.float64)
            if matrix.shape != (count, count) or not (
                np.allclose(matrix, matrix.T) and np.allclose(np.diag(matrix), 1)
            ):
                raise wrong
            root = np.array(errors)[:, None] * np.linalg.cholesky(matrix)
        except (TypeError, ValueError, np.linalg.LinAlgError):
            raise wrong from None
        places = [study.names.index(address) for address in addresses]
        return cls(study.numbers[list(addresses)].to_numpy(), *study.gains(places), root)

    def value(self, error: float, means: Floats | None = None) -> float:
        """Of a result with this standard error of the first number; no more than the numbers themselves are. With
        `means`, were these the options' mean gains."""
        gains = self.mean if means is None else self.mean - self.mean.mean(axis=0) + means
        found = [_worth(fit_surface(self._scores(errors, error), gains).mean) for errors in self._errors]
        return min(float(np.mean(found)), self.limit if means is None else np.inf)

    def spread(self, error: float, means: Floats | None = None) -> float:
        """The standard error of `value`: by draws of the surface and resamples of the replications."""
        fit = fit_surface(self._scores(self._errors[0], error), self._gains)
        return float(_drawn_worths(fit, self._off, means).std(ddof=1))

    def _scores(self, errors: Floats, error: float) -> Floats:
        return normal_scores(self._numbers + error * errors)


def _told_of(about: Any, standard_error: Any, known: Sequence[str]) -> tuple[list[str], list[float]]:
    """The numbers that a trial is about and the errors of their estimates, checked."""
    several = not isinstance(about, str) and isinstance(about, Sequence)
    addresses = list(about) if several else [about]
    for address in addresses or [None]:
        if not isinstance(address, str) or address not in known:
            raise ConfigError(f"a trial is about a number that replications draw. {near(address, known)}")
    if len(set(addresses)) < len(addresses):
        raise ConfigError(f"about names a number twice; got {shown(about)}.")
    errors = standard_error if several else [standard_error]
    if not isinstance(errors, Sequence) or isinstance(errors, str) or len(errors) != len(addresses):
        raise ConfigError(f"standard_error must be a list of {len(addresses)} numbers; got {shown(standard_error)}.")
    return addresses, [check_number(error, "standard_error", above=0) for error in errors]


def _worth(means: Floats) -> float:
    """E max - max E of the mean gains (n, q) and of 0, the gain of what is best now."""
    found = np.maximum(means.max(axis=1), 0.0).mean() - max(float(means.mean(axis=0).max()), 0.0)
    return float(found) if found > 1e-9 * float(np.abs(means).max()) else 0.0


def _drawn_worths(fit: Fit, off: Floats, means: Floats | None = None) -> Floats:
    """The same of draws of a fit, each over a resample of the replications (Rubin's, with weights), in which the mean
    of what was taken `off` is another too; with `means`, all draws are moved to these."""
    generator = np.random.Generator(np.random.Philox(SEED))
    n, q = fit.mean.shape
    batch = max(1, min(DRAWS, 4_000_000 // (n * q)))
    found = []
    for start in range(0, DRAWS, batch):
        draws = fit.draws(min(batch, DRAWS - start), generator)
        shares = _resamples(len(draws), n, generator)
        draws += (shares @ off)[:, np.newaxis]
        if means is not None:
            draws += (means - np.einsum("cnq,cn->cq", draws, shares))[:, np.newaxis]
        told = np.einsum("cn,cn->c", np.maximum(draws.max(axis=2), 0.0), shares)
        found.append(told - np.maximum(np.einsum("cnq,cn->cq", draws, shares).max(axis=1), 0.0))
    return np.concatenate(found)


def _resamples(count: int, n: int, generator: np.random.Generator) -> Floats:
    weights = generator.standard_exponential((count, n))
    found: Floats = weights / weights.sum(axis=1, keepdims=True)
    return found


def _ranked(worths: Sequence[Worth]) -> tuple[Worth, ...]:
    return tuple(sorted(worths, key=lambda worth: (-worth.value, -worth.upper)))


def idle_option(comparison: Comparison) -> str | None:
    """The first strategy that spends nothing beyond what is paid in any case; None where there is none."""
    costs = [cost for cost in COSTS if cost not in FREE]
    spent = comparison.outcomes.groupby("strategy", sort=False)[costs].sum().sum(axis=1)
    return next((name for name in comparison.strategies if spent[name] == 0), None)


def _options(
    values: Comparison | pd.DataFrame, metric: str, among: Sequence[str] | None, nothing: str | None
) -> tuple[pd.DataFrame, str]:
    """Money by replication and option, and the option that spends nothing."""
    if isinstance(values, Comparison):
        frame = values.values(metric)
        nothing = idle_option(values) if nothing is None else nothing
        if nothing is None:
            raise ConfigError(
                "no strategy of the comparison spends nothing, and the best of those that lose is not worth "
                "choosing. Compare with cs.Strategy(name='nothing') as well."
            )
    else:
        check_frame(values, "values")
        frame = pd.DataFrame(number_columns(values, list(values.columns)), values.index)
        if nothing is None:
            if NOTHING in frame:
                raise ConfigError(f"values have a column {NOTHING!r}: say nothing={NOTHING!r} if it spends nothing.")
            frame, nothing = frame.assign(**{NOTHING: 0.0}), NOTHING
    names = list(map(str, frame.columns))
    wanted = names if among is None else [*among, *([] if nothing in among else [nothing])]
    for name in wanted:
        if name not in names:
            raise ConfigError(f"no option {shown(name)}. {near(name, names)}")
    if len(set(wanted)) < 2:
        raise ConfigError("a decision needs an option beside spending nothing; there is none.")
    return frame[list(dict.fromkeys(wanted))], nothing


def default_groups(drawn: Sequence[str]) -> dict[str, list[str]]:
    """The groups of `GROUPS` of which at least two of the numbers `drawn` are."""
    found = {
        name: [number for number in drawn if any(fnmatchcase(number, part) for part in parts)]
        for name, parts in GROUPS.items()
    }
    return {name: numbers for name, numbers in found.items() if len(numbers) > 1}


def _checked_groups(groups: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    for name, parts in groups.items():
        if not isinstance(name, str) or name in (EVERYTHING, REST):
            raise ConfigError(f"a group needs a name of its own; got {shown(name)}.")
        if isinstance(parts, str) or not isinstance(parts, Sequence) or not parts:
            raise ConfigError(f"group {name!r} needs a list of numbers, such as ['retention.*']; got {shown(parts)}.")
        for part in parts:
            check_kind(part, f"each number of group {name!r}", str, "an address, such as 'terms.margin'")
    return {name: list(parts) for name, parts in groups.items()}


def group_members(name: str, parts: Sequence[str], drawn: Sequence[str]) -> list[str]:
    """The numbers of a group, in the order in which they are drawn."""
    for part in parts:
        if not any(fnmatchcase(number, part) for number in drawn):
            raise ConfigError(f"group {name!r}: no number {part!r} is drawn. {near(part, drawn)}")
    return [number for number in drawn if any(fnmatchcase(number, part) for part in parts)]


def near(name: object, known: Sequence[str]) -> str:
    """What was perhaps meant by a name that is not among those known."""
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(map(repr, near))}?" if near else f"There are {', '.join(known)}."
