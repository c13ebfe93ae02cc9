"""Static covariates: what a customer is moves its purchase rate and its lifetime.

Fader & Hardie (2007), "Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models" (note 019):
the purchase rate is multiplied by e^(c . z), that is alpha_i = alpha e^(-c . z). The lifetime part is in the same
spirit: in Pareto/NBD the death rate is multiplied by e^(g . z), beta_i = beta e^(-g . z); in BG/NBD the odds of the
mean dropout probability are, a_i = a e^(g . z), and so are in BG/BB the odds of the mean chances to buy and to leave,
alpha_i = alpha e^(c . z) and gamma_i = gamma e^(g . z). A positive g means a shorter life. z is a
covariate less its mean over the fitted customers, so that the model's own parameters are those of the average customer.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from churnsim.checks import check_options, typed
from churnsim.data.summaries.counted import SummaryLike
from churnsim.data.summaries.frame_kinds import CustomerFrame
from churnsim.errors import ConfigError, DataError
from churnsim.models.estimation.arguments import durations, one_count
from churnsim.models.estimation.design_matrix import check_penalty, multiplier, number_columns, standardised
from churnsim.models.estimation.fit import ModelFit
from churnsim.models.estimation.likelihood import Likelihood, fit_likelihood
from churnsim.models.estimation.threads import Chunks, by_chunks
from churnsim.models.purchase.buy_till_you_die import BuyTillYouDie, Living
from churnsim.models.purchase.continuous_time import ContinuousTime
from churnsim.models.purchase.histories import Histories, checked_weights
from churnsim.typing import Floats

REMEDIES = (
    "Use fewer covariates, more customers or a longer observation, or fit with a penalty; read forecasts rather than "
    "single parameters."
)


@dataclass(frozen=True)
class RowHistories(Histories):
    """Histories, and by what each customer's purchase rate and leaving are multiplied: e^(c . z) and e^(g . z)."""

    rate_factor: Floats
    leaving_factor: Floats


class CovariateModel(BuyTillYouDie):
    """Base of the models with covariates: effects by name, and the means from which they are counted.

    A family names its `plain` model, the kernels in which each customer has two parameters of its own (`own_names`:
    that of its buying and that of its leaving, each multiplied by e^(c . z) or e^(g . z) or, where its sign in `moved`
    is -1, divided).
    """

    own_names: ClassVar[tuple[str, str]]
    moved: ClassVar[tuple[int, int]]

    plain: ClassVar[Any]
    # Whether the first purchase can be the last, as some kernels take it.
    more: ClassVar[tuple[Any, ...]] = ()
    kernels: ClassVar[Any]
    prefixes: ClassVar[Mapping[str, str]] = {
        "rate": "rate_effects", "lifetime": "lifetime_effects", "mean": "covariate_means",
    }  # fmt: skip
    rate_effects: Mapping[str, float]
    lifetime_effects: Mapping[str, float]
    covariate_means: Mapping[str, float]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "plain" in vars(cls):
            plain = cls.plain
            plain.covariate_family = cls
            cls.covariate_family = None
            cls.title, cls.reads, cls.within = plain.title, plain.reads, plain.family
            cls.parameter_names = plain.parameter_names
            cls.simulated_as = vars(cls).get("simulated_as", plain.simulated_as)

    def __post_init__(self) -> None:
        super().__post_init__()
        unknown = {*self.rate_effects, *self.lifetime_effects} - set(self.covariate_means)
        if unknown:
            raise ConfigError(f"{type(self).__name__}: covariate_means lacks {', '.join(sorted(unknown))}.")

    @classmethod
    def _row_objective(cls, parameters: Floats, h: RowHistories, *more: Any) -> Floats:
        """Rows: log-likelihood, its slopes in the base parameters, and in ln of the two factors."""
        at = dict(zip(cls.parameter_names, map(float, parameters), strict=True))
        moved, shared = cls._split(at, h)
        chunks = Chunks(*moved, h.x, h.t_x, h.T)
        value, *slopes = chunks.join(cls.kernels.terms, last=(*shared, *more)).T
        first, last = cls._shared_names()
        by_name = dict(zip((first, *cls.own_names, last), slopes, strict=True))
        base = [by_name[name] / at[name] if name in cls.own_names else by_name[name] for name in cls.parameter_names]
        own = (sign * by_name[name] for sign, name in zip(cls.moved, cls.own_names, strict=True))
        return np.column_stack([value, *base, *own])

    @classmethod
    def _split(cls, at: Mapping[str, float], h: RowHistories) -> tuple[tuple[Floats, Floats], tuple[float, ...]]:
        """Each customer's own two parameters, and those that are everybody's, in the order of the kernels."""
        rate, leaving = (
            at[name] * factor if sign > 0 else at[name] / factor
            for name, sign, factor in zip(cls.own_names, cls.moved, (h.rate_factor, h.leaving_factor), strict=True)
        )
        return (rate, leaving), tuple(at[name] for name in cls._shared_names())

    def _own(self, h: Histories) -> tuple[Floats, Floats]:
        """Each customer's own alpha, and its own a or beta."""
        assert isinstance(h, RowHistories)  # made by `_histories`
        return self._split(dict(zip(self.parameter_names, self._parameters, strict=True)), h)[0]

    def _of(self, h: Histories) -> Sequence[float | Floats]:
        own = dict(zip(self.own_names, self._own(h), strict=True))
        return [own.get(name, value) for name, value in zip(self.parameter_names, self._parameters, strict=True)]

    @property
    def _shared(self) -> tuple[float, ...]:
        """The two parameters that are everybody's."""
        return tuple(float(getattr(self, name)) for name in self._shared_names())

    @classmethod
    def _kernel_last(cls, **fixed: Any) -> tuple[Any, ...]:
        """What the kernels of a likelihood take last."""
        return cls.more

    @property
    def _more(self) -> tuple[Any, ...]:
        return self._kernel_last()

    @classmethod
    def _shared_names(cls) -> tuple[str, ...]:
        return tuple(name for name in cls.parameter_names if name not in cls.own_names)

    def _log_likelihood(self, h: Histories) -> Floats:
        return by_chunks(self.kernels.terms, (*self._own(h), h.x, h.t_x, h.T), *self._shared, *self._more)[:, 0]

    def _alive(self, h: Histories) -> Floats:
        return by_chunks(self.kernels.p_alive, (*self._own(h), h.x, h.t_x, h.T), *self._shared, *self._more)

    def expected_purchases_like(self, summary: CustomerFrame, t: ArrayLike) -> Floats:
        """E[X(t)] of new customers with the covariates of these rows, each by its own age `t` (or all by one)."""
        alive, living, ages = self._starting(summary, t)
        return np.asarray(alive * self._expected_living(living, ages))

    def purchase_pmf_like(self, n: int, summary: CustomerFrame, t: ArrayLike) -> Floats:
        """P(X(t) = n) of new customers with the covariates of these rows, each by its own age `t` (or all by one)."""
        alive, living, ages = self._starting(summary, t)
        k = one_count(n)
        return np.asarray(alive * self._pmf_living(living, k, ages) + (1.0 - alive if k == 0 else 0.0))

    def _starting(self, summary: pd.DataFrame, t: ArrayLike) -> tuple[Floats, Living, Floats]:
        """P(alive right after the first purchase) of new customers with these covariates, their law, their ages."""
        h = self._histories(summary.assign(frequency=0, recency=0.0, T=0.0))
        return self._alive(h), self._living(h), durations(t, "t", shape=h.x.shape)

    def draw_summary_like(self, summary: pd.DataFrame, *, seed: int, replication: int = 0) -> pd.DataFrame:
        """A summary of simulated customers with the covariates and T of these."""
        start = summary.assign(frequency=0, recency=0.0)
        h = self._histories(start)
        traits = self._population(h.rate_factor, h.leaving_factor, seed, replication)
        return start.assign(**self._seen(traits, h.T, seed, replication).set_index(summary.index))

    @classmethod
    def likelihood(
        cls,
        summary: CustomerFrame,
        *,
        unit: str | None = None,
        weights: ArrayLike | None = None,
        covariates_rate: Sequence[str] = (),
        covariates_lifetime: Sequence[str] = (),
        penalty: float = 0.0,
        **fixed: Any,
    ) -> Likelihood[Self]:
        """The likelihood of a summary that also holds the covariates; less the penalty, if there is one. `fixed` is
        what the family has beside its estimated parameters. Raises DataError and ConfigError as `fit`."""
        check_penalty(penalty)
        h = cls._read(summary, unit)
        weight = checked_weights(weights, h.x.size)
        names = tuple(dict.fromkeys([*covariates_rate, *covariates_lifetime]))
        customers = float(weight.sum())
        means, spread, z = standardised(number_columns(summary, names), weight)
        z_rate, z_life = (
            np.column_stack([np.zeros((h.x.size, 0)), *[z[name] for name in chosen]])
            for chosen in (covariates_rate, covariates_lifetime)
        )
        for of in (z_rate, z_life):
            if of.shape[1] and np.linalg.matrix_rank(of) < of.shape[1]:
                raise DataError("the covariates are linear combinations of each other. Leave one of them out.")
        start: Likelihood[Any] = cls.plain.likelihood(summary, unit=unit, weights=weights, **fixed)
        scale = 1.0 if cls.reads == "opportunities" else float((weight * h.T).sum()) / customers
        last = cls._kernel_last(**fixed)
        base, on_rate = len(cls.parameter_names), z_rate.shape[1]
        scaled = {"x": h.x, "t_x": h.t_x / scale, "T": h.T / scale, "index": h.index}

        def objective(parameters: Floats) -> tuple[float, Floats]:
            c, g = parameters[base : base + on_rate], parameters[base + on_rate :]
            with np.errstate(over="ignore"):
                rows = RowHistories(**scaled, rate_factor=np.exp(z_rate @ c), leaving_factor=np.exp(z_life @ g))  # type: ignore[arg-type]
            terms = cls._row_objective(parameters[:base], rows, *last) * weight[:, None]
            gradient = np.concatenate(
                [terms[:, 1 : base + 1].sum(axis=0), z_rate.T @ terms[:, base + 1], z_life.T @ terms[:, base + 2]]
            )
            gradient[base:] -= penalty * parameters[base:]
            return float(terms[:, 0].sum()) - penalty / 2 * float(parameters[base:] @ parameters[base:]), gradient

        chosen = [*covariates_rate, *covariates_lifetime]
        known_unit = unit or summary.attrs.get("unit", cls.plain.unit)
        return Likelihood(
            names=(
                *cls.parameter_names,
                *(f"rate:{name}" for name in covariates_rate),
                *(f"lifetime:{name}" for name in covariates_lifetime),
            ),
            scales=np.array([*start.scales, *(1 / spread[name] for name in chosen)]),
            starts=[np.array([*point, *np.zeros(len(chosen))]) for point in start.starts],
            customers=customers,
            log_scale=-float((weight * h.x).sum()) * math.log(scale),
            objective=objective,
            build=lambda values: cls.from_dict(
                {**values, **{f"mean:{n}": v for n, v in means.items()}, **fixed, "unit": known_unit}
            ),
            remedies=REMEDIES,
            real=(False,) * base + (True,) * len(chosen),
            doubt=start.doubt,
        )

    @classmethod
    @typed
    def fit(
        cls,
        summary: SummaryLike,
        *,
        unit: str | None = None,
        weights: ArrayLike | None = None,
        covariates_rate: Sequence[str] = (),
        covariates_lifetime: Sequence[str] = (),
        penalty: float = 0.0,
        **fixed: Any,
    ) -> ModelFit[Self]:
        """Maximum likelihood with covariates, which are columns of `summary` holding finite numbers (0 and 1 for a yes
        or no), the same before and after.

        Raises DataError for a covariate that is missing, no number, the same for everybody or a combination of others;
        ConfigError for a bad penalty.

        Parameters
        ----------
        summary : DataFrame
            `frequency, recency, T` and the covariates, a row a customer.
        unit : {"H", "D", "W", "M", "Y"}, optional
            Of the durations; the summary's own, or weeks.
        weights : array of shape (customers,), optional
            Customers that each row stands for.
        covariates_rate, covariates_lifetime : sequence of str
            Columns that move the purchase rate, and the leaving.
        penalty : float
            On half the squared effects, each for one standard deviation of its covariate: a normal prior of variance
            1/penalty. The reported log-likelihood is without it.
        **fixed
            What the family has beside its estimated parameters: `k` of MBG/CNBD-k.

        Examples
        --------
        >>> import churnsim as cs
        >>> summary = cs.summarise(cs.datasets.cdnow(), until="1997-09-30")
        >>> summary["spender"] = (summary["monetary_value"] > 30).astype(float)
        >>> fit = cs.models.ParetoNBDCovariates.fit(summary, covariates_rate=["spender"])
        >>> fit.names[-1], fit.status.code
        ('rate:spender', 'converged')
        """
        frame = cast("pd.DataFrame", summary)
        of_plain = [name for name in inspect.signature(cls.plain.likelihood).parameters if name != "summary"]
        check_options(f"{cls.__name__}.fit", fixed, [*of_plain, "covariates_rate", "covariates_lifetime", "penalty"])
        found = fit_likelihood(
            cls.likelihood(
                frame, unit=unit, weights=weights, covariates_rate=covariates_rate,
                covariates_lifetime=covariates_lifetime, penalty=penalty, **fixed,
            )
        )  # fmt: skip
        if penalty == 0:
            return found
        weight = checked_weights(weights, len(frame))
        return replace(found, loglik=float((weight * found.model.log_likelihood(frame)).sum()))

    @typed
    def factors(self, summary: CustomerFrame) -> tuple[Floats, Floats]:
        """By what each customer's purchase rate, and its leaving, are multiplied: e^(c . z) and e^(g . z)."""
        rate, leaving = (
            multiplier(effects, self.covariate_means, summary) for effects in (self.rate_effects, self.lifetime_effects)
        )
        return rate, leaving

    def _histories(self, summary: pd.DataFrame) -> RowHistories:
        h = self._read(summary, self.unit)
        return RowHistories(h.x, h.t_x, h.T, h.index, *self.factors(summary))


class CovariatesInTime(CovariateModel, ContinuousTime):
    """Base of those in continuous time."""

    def expected_active_periods_like(self, summary: CustomerFrame, t: ArrayLike) -> Floats:
        """`expected_active_periods_new` of new customers with the covariates of these rows."""
        alive, living, ages = self._starting(summary, t)
        return np.asarray(alive * self._active_by(living, ages))
