"""How long customers whose traits are known stay, and what they buy until then, in closed form.

What `dropout` means differs between models: a chance at each purchase (BG/NBD, MBG/NBD, MBG/CNBD-k), a hazard per time
unit (Pareto/NBD), a chance at each renewal or a multiplier of hazards (contracts). So the hazard of leaving is not
rate x dropout in general; it is asked here, from the model. With q = 1 - p, S_i the time of purchase i and force f:

    leaves at purchases        P(lost by t)  = p sum_i q^(i-1) P(S_i <= t)
                               purchases     = sum_i q^(i-1) E[e^(-f S_i); S_i <= H]
    ... exponential gaps       P(there at t) = e^(-h t), h = lambda p; purchases = lambda (1 - e^(-(h + f) H))/(h + f)
    leaves at a hazard mu      P(there at t) = e^(-mu t); purchases as above with q = 1 and force f + mu
    renews a contract          P(there at t) = product over the renewals up to t of the chance to stay

With Erlang-k gaps S_i is a sum of ik - j stages of rate k lambda, where j of the coming gap's k stages have passed: a
Poisson number with mean k lambda w, given that it is below k since nothing was bought during the silence w so far.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammainc

from churnsim.checks import check_count, typed
from churnsim.errors import ConfigError
from churnsim.kernels.engine.records import CLOCK, CONTRACT
from churnsim.models.estimation.arguments import durations
from churnsim.simulation.core.lifetimes import ContractualLifetime, Purchases, lifetime_of
from churnsim.simulation.customers.base import Base
from churnsim.statistics import poisson_logpmf
from churnsim.typing import Floats, Ints

NEGLIGIBLE = 1e-13  # a sum over purchases or renewals stops where a further term is less
ROUNDING = 1e-9  # a renewal due at a time is due then in spite of so much rounding, relative to a term


@dataclass(frozen=True)
class RemainingLifetimes:
    """The law of the remaining lifetime of each of n customers, given its traits and that it is with the firm now.

    Made by `RemainingLifetimes.of(purchases, base)` or `Market.remaining_lifetimes(base)`. Nobody acts: no contacts,
    no offers, no second lives. Times are in the purchase model's unit, 0 being now. Every verb takes `factor`, by which
    the customers' dropout is multiplied as `ChurnChange` does: the chance at a purchase or renewal, the hazard, or the
    multiplier of a contract's hazards by tenure. Of a purchase model with a calendar or series every day is an average
    one.

    Attributes
    ----------
    kind : int
        How customers leave, as the engines number it.
    rate, dropout : array of shape (n,)
        Purchases per time unit, and what the kind makes of `dropout`.
    silence : array of shape (n,)
        Time since the last purchase or renewal.
    tenure : array of shape (n,)
        Repeat purchases or renewals so far.
    stages : int
        Stages of a gap between purchases (Erlang-k).
    contract : ContractualLifetime or None

    Examples
    --------
    A death rate of 0.02 a week leaves 35% after a year; taken as a chance per purchase it would be 90%.

    >>> import numpy as np
    >>> from churnsim.simulation import Cohort, FixedSpend, RemainingLifetimes
    >>> from churnsim.models import ParetoNBD
    >>> model = ParetoNBD(r=1.0, alpha=10.0, s=1.0, beta=50.0, unit="W")
    >>> base = Cohort(size=1).draw(purchases=model, spend=FixedSpend(amount=1.0), seed=1, replication=0)
    >>> lives = RemainingLifetimes.of(model, base)
    >>> bool(np.isclose(lives.survival(52.0)[0], np.exp(-52.0 * base.traits[0, 1])))
    True
    """

    kind: int
    rate: Floats
    dropout: Floats
    silence: Floats
    tenure: Floats
    stages: int = 1
    contract: ContractualLifetime | None = None

    @classmethod
    @typed
    def of(cls, purchases: Purchases, base: Base, *, stages: int | None = None) -> RemainingLifetimes:
        """The lifetimes of a drawn base under the model that it was drawn from.

        Parameters
        ----------
        purchases : purchase model or ContractualLifetime
        base : Base
            As `PosteriorBase`, `Cohort`, `TraitsBase` and `SubscriberBase` draw it. Who is not alive any more is taken
            as if it were: multiply by `base.alive`.
        stages : int, optional
            Stages of a gap; the model's own where it has some, else 1.

        Raises
        ------
        ConfigError
            For a model by which nothing can be simulated.
        """
        kind, _, _ = lifetime_of(purchases)
        model: Any = purchases
        return cls(
            kind=kind,
            rate=np.array(base.traits[:, 0]),
            dropout=np.array(base.traits[:, 1]),
            silence=-np.asarray(base.last_purchase),
            tenure=np.asarray(base.seen, dtype=np.float64),
            stages=int(getattr(model, "k", 1 if stages is None else check_count(stages, "stages"))),
            contract=model if kind == CONTRACT else None,
        )

    def __len__(self) -> int:
        return int(self.rate.size)

    def survival(self, t: ArrayLike, *, factor: float = 1.0) -> Floats:
        """P(still with the firm at `t`), t >= 0: shape (n,) for a number, (n, number of times) for an array.

        A renewal at `t` itself has been decided then.
        """
        return np.asarray(1.0 - self.left_by(t, factor=factor))

    def left_by(self, t: ArrayLike, *, factor: float = 1.0) -> Floats:
        """P(has left by `t`), the complement of `survival`, to full precision also where it is small."""
        times = durations(t, "t")
        columns = [self._left(time, factor) for time in times.ravel().tolist()]
        return columns[0] if times.ndim == 0 else np.stack(columns, axis=-1).reshape(len(self), *times.shape)

    def lost_between(self, start: float, end: float, *, factor: float = 1.0) -> Floats:
        """P(leaves after `start` and by `end`), shape (n,). Raises ConfigError for an end before the start."""
        if end < start:
            raise ConfigError(f"end must not be before start; got start={start!r} and end={end!r}.")
        return np.asarray(self.left_by(end, factor=factor) - self.left_by(start, factor=factor))

    def expected_time(self, horizon: float, *, factor: float = 1.0) -> Floats:
        """E[time with the firm until `horizon`], undiscounted, shape (n,)."""
        span = float(durations(horizon, "horizon"))
        if self.contract is not None:
            return self._sum_of_terms(span, factor, lambda at, until, left: left * (until - at))
        if self.kind == CLOCK or self.stages == 1:
            return _discounted_time(self._hazard(factor), span)
        # The horizon less the time after leaving: E[(H - S)+] = H P(n, v H) - (n / v) P(n + 1, v H).
        after = self._sum_of_purchases(
            span, factor, lambda n, v: span * gammainc(n, v * span) - n / v * gammainc(n + 1.0, v * span)
        )
        return np.asarray(span - self._chance(factor) * after)

    def purchases(self, horizon: float = np.inf, *, force: float = 0.0, factor: float = 1.0) -> Floats:
        """E[purchases or paid renewals before `horizon`, each times e^(-force x time)], shape (n,).

        Parameters
        ----------
        horizon : float
            In the model's unit; it may be infinite where `force` is above 0.
        force : float
            Continuous discount rate per time unit (`Market.discount_force`).
        factor : float
            On the customers' dropout.

        Raises
        ------
        ConfigError
            For an infinite horizon without discounting, and a negative or missing one.
        """
        if np.isinf(horizon) and force <= 0:
            raise ConfigError("an infinite horizon needs a force of discounting above 0. Give a horizon, or a force.")
        span = np.inf if np.isinf(horizon) else float(durations(horizon, "horizon"))
        if self.contract is not None:
            # The books close at the horizon: a renewal at the horizon itself is not in them.
            return self._sum_of_terms(
                span, factor, lambda at, _, left: np.where(at > 0.0, left * np.exp(-force * at), 0.0), force
            )
        if self.stages == 1:
            return np.asarray(self.rate * _discounted_time(self._hazard(factor) + force, span))
        pull = force + (self._hazard(factor) if self.kind == CLOCK else np.zeros(len(self)))
        if np.isinf(span):
            return self._all_purchases(pull, factor)
        return self._sum_of_purchases(span, factor, lambda n, v: (v / (v + pull)) ** n * gammainc(n, (v + pull) * span))

    def _chance(self, factor: float) -> Floats:
        """Chance to leave at a purchase."""
        return np.zeros(len(self)) if self.kind == CLOCK else np.minimum(self.dropout * factor, 1.0)

    def _hazard(self, factor: float) -> Floats:
        """Hazard of leaving per time unit, where it is constant."""
        return np.asarray(self.dropout * factor if self.kind == CLOCK else self.rate * self._chance(factor))

    def _left(self, time: float, factor: float) -> Floats:
        if self.contract is not None:
            by = np.floor((time - self._wait) / self.contract.term + 1.0 + ROUNDING)
            return np.asarray(1.0 - self._renews(np.maximum(by, 0.0).astype(np.int64), factor))
        if self.kind == CLOCK or self.stages == 1:
            return np.asarray(-np.expm1(-self._hazard(factor) * time))
        return np.asarray(
            self._chance(factor) * self._sum_of_purchases(time, factor, lambda n, v: gammainc(n, v * time))
        )

    def _gap_under_way(self) -> tuple[Floats, Floats]:
        """Rate of a gap's stages, and the chances that 0, 1, ..., k - 1 of them have passed: shape (k, n)."""
        rate = np.maximum(self.stages * self.rate, np.finfo(float).tiny)
        logs = np.asarray(poisson_logpmf(np.arange(self.stages)[:, None], rate * np.maximum(self.silence, 0.0)))
        passed = np.exp(logs - logs.max(axis=0))  # of a long silence every pmf is below the least float
        return rate, passed / passed.sum(axis=0)

    def _all_purchases(self, pull: Floats, factor: float) -> Floats:
        """The sum over all purchases to come, each discounted by `pull` per time unit."""
        rate, passed = self._gap_under_way()
        stage = rate / (rate + pull)
        first = sum(passed[j] * stage ** (self.stages - j) for j in range(self.stages))
        return np.asarray(first / (1.0 - (1.0 - self._chance(factor)) * stage**self.stages))

    def _sum_of_purchases(self, span: float, factor: float, value: Callable[[Floats, Floats], Floats]) -> Floats:
        """sum_i q^(i-1) E[value], where `value` takes how many stages lie before purchase i and their rate."""
        k = self.stages
        rate, passed = self._gap_under_way()
        stays, share, total, number = 1.0 - self._chance(factor), np.ones(len(self)), np.zeros(len(self)), 0
        while True:
            number += 1
            term = share * sum(passed[j] * value(np.full(len(self), float(number * k - j)), rate) for j in range(k))
            total = total + term
            share = share * stays
            # Terms fall once more stages are asked for than pass on average; the chances to stay make them fall too.
            if (np.abs(term) <= NEGLIGIBLE * np.maximum(total, 1.0)).all() and (
                (number * k > rate * span) | (share <= NEGLIGIBLE) | (self.rate <= 0.0)
            ).all():
                return np.asarray(total)

    @property
    def _wait(self) -> Floats:
        """Time to the next renewal, as the engines let a term run on from the last one."""
        assert self.contract is not None
        term = self.contract.term
        left = (np.floor(self.silence / term) + 1.0) * term - self.silence
        return np.asarray(np.where(left > 0.0, left, term))

    def _renews(self, renewals: Ints, factor: float) -> Floats:
        """P(renews the contract so many times more)."""
        assert self.contract is not None
        if self.contract.hazards is None:
            return np.asarray((1.0 - self._chance(factor)) ** renewals)
        before = self.tenure.astype(np.int64)
        after, multiplier = before + renewals, self.dropout * factor
        kept = np.exp(multiplier * (self.contract.log_survival(after) - self.contract.log_survival(before)))
        # A hazard of 1 loses whoever has any multiplier, though its logarithm is kept finite.
        certain = self.contract.certain_losses(after) > self.contract.certain_losses(before)
        return np.asarray(np.where(certain & (multiplier > 0.0), 0.0, kept))

    def _sum_of_terms(
        self, span: float, factor: float, value: Callable[[Floats, Floats, Floats], Floats], force: float = 0.0
    ) -> Floats:
        """The sum of `value(start, end, share left)` over the contract's terms that start before `span`, cut there."""
        assert self.contract is not None
        wait, term, total, number = self._wait, self.contract.term, np.zeros(len(self)), 0
        while True:
            at = wait + (number - 1) * term if number else np.zeros(len(self))
            until = np.minimum(wait + number * term, span)
            left = self._renews(np.full(len(self), number), factor)
            begun = at < span - ROUNDING * term
            total = total + np.where(begun, value(at, until, left), 0.0)
            if not (begun & (left * np.exp(-force * at) > NEGLIGIBLE)).any():
                return total
            number += 1


def _discounted_time(hazard: Floats, span: float) -> Floats:
    """int_0^span e^(-hazard s) ds."""
    safe = np.where(hazard > 0.0, hazard, 1.0)
    return np.asarray(np.where(hazard > 0.0, -np.expm1(-safe * span) / safe, span))
