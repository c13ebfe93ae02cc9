"""Every continuous-time family a second time, blind and slow: integrals over the traits straight from its story.

What a customer with given traits does is written down for each family; then it is averaged over the traits by the
trapezoidal rule in log lambda and in log mu (Pareto/NBD) or logit p. No formula of a paper or of the package is used.
`test_bg_nbd_blind.py` does the same for BG/NBD's first verbs, over more parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import betaln, gammainc, gammaln

import churnsim as cs

Floats = NDArray[np.float64]
Log = Callable[[Floats, Floats], Floats]  # ln of something, given ln lambda and the second trait's coordinate

MOST = 500  # purchases to come that are summed one by one
CUT = 50.0  # the integrand is left out where it is below e^-50 of its largest value
AGREEMENT = 1e-8  # what is asked of the closed forms; the trapezoidal rule itself is good to 1e-11 (tested below)


@dataclass(frozen=True)
class Story:
    """A family's story. `prior` is the density of the two coordinates; the others condition on the traits."""

    prior: Log
    low: tuple[float, float]
    high: tuple[float, float]
    alive: Callable[[int, float, float], Log]
    gone: Callable[[int, float, float], Log]
    count: Callable[[int, float, float], Log]  # number, horizon, time since the last purchase
    discounted: Callable[[float, float, float], Log]  # delta (0 counts purchases), horizon, time since the last one
    longest: float = np.inf  # finite horizon that `discounted` takes, and the most purchases behind a customer
    most: int = 10**9


def log_gamma_density(u: Floats, shape: float, rate: float) -> Floats:
    return shape * (u + np.log(rate)) - rate * np.exp(u) - gammaln(shape)


def log_one_minus_exp(load: Floats) -> Floats:
    """ln(1 - e^-load)."""
    return np.log(-np.expm1(-np.maximum(load, 1e-300)))


def pareto(m: cs.ParetoNBD) -> Story:
    """Buys at rate lambda until it leaves, at rate mu."""

    def total(u: Floats, w: Floats) -> Floats:
        return np.exp(u) + np.exp(w)

    def gone(x: int, t_x: float, T: float) -> Log:
        # int_t_x^T mu e^-(lambda + mu) y dy
        return lambda u, w: (
            x * u + w - np.logaddexp(u, w) - total(u, w) * t_x + log_one_minus_exp(total(u, w) * (T - t_x))
        )

    def count(n: int, h: float, silent: float) -> Log:
        def of(u: Floats, w: Floats) -> Floats:
            load = total(u, w) * h
            stayed = n * (u + np.log(h)) - gammaln(n + 1) - load
            with np.errstate(divide="ignore"):
                left = w + n * u - (n + 1) * np.logaddexp(u, w) + np.log(gammainc(n + 1, load))
            return np.logaddexp(stayed, left)

        return of

    def discounted(delta: float, h: float, silent: float) -> Log:
        return lambda u, w: u - np.log(np.exp(w) + delta) + log_one_minus_exp((np.exp(w) + delta) * h)

    return Story(
        prior=lambda u, w: log_gamma_density(u, m.r, m.alpha) + log_gamma_density(w, m.s, m.beta),
        low=(-np.log(m.alpha) - 70 / m.r - 15, -np.log(m.beta) - 70 / m.s - 15),
        high=(-np.log(m.alpha) + 15, -np.log(m.beta) + 15),
        alive=lambda x, t_x, T: lambda u, w: x * u - total(u, w) * T,
        gone=gone,
        count=count,
        discounted=discounted,
    )


def coin(m: cs.BGNBD | cs.MBGNBD, *, first: bool) -> Story:
    """Buys at rate lambda; a coin falls after each repeat purchase, and after the first one where `first` says so."""

    def log_p(y: Floats) -> Floats:
        return -np.logaddexp(0, -y)

    def log_q(y: Floats) -> Floats:
        return -np.logaddexp(0, y)

    def alive(x: int, t_x: float, T: float) -> Log:
        return lambda u, y: x * u + (x + first) * log_q(y) - np.exp(u) * T

    def gone(x: int, t_x: float, T: float) -> Log:
        tosses = x + first
        if tosses == 0:
            return lambda u, y: np.full(np.broadcast_shapes(u.shape, y.shape), -np.inf)
        return lambda u, y: x * u + (tosses - 1) * log_q(y) + log_p(y) - np.exp(u) * t_x

    def count(n: int, h: float, silent: float) -> Log:
        def of(u: Floats, y: Floats) -> Floats:
            load = np.exp(u) * h
            stayed = n * np.log(load) - load - gammaln(n + 1) + n * log_q(y)
            if n == 0:
                return stayed
            with np.errstate(divide="ignore"):
                return np.logaddexp(stayed, log_p(y) + (n - 1) * log_q(y) + np.log(gammainc(n, load)))

        return of

    def discounted(delta: float, h: float, silent: float) -> Log:
        def of(u: Floats, y: Floats) -> Floats:
            hazard = np.exp(u + log_p(y)) + delta
            return u - np.log(hazard) + log_one_minus_exp(hazard * h)

        return of

    return Story(
        prior=lambda u, y: log_gamma_density(u, m.r, m.alpha) + m.a * log_p(y) + m.b * log_q(y) - betaln(m.a, m.b),
        low=(-np.log(m.alpha) - 70 / m.r - 15, -70 / m.a - 20),
        high=(-np.log(m.alpha) + 15, 70 / m.b + 20),
        alive=alive,
        gone=gone,
        count=count,
        discounted=discounted,
    )


def forever(m: cs.NBD) -> Story:
    """Buys at rate lambda for ever; the second coordinate is idle (a standard normal)."""

    def idle(w: Floats) -> Floats:
        return -0.5 * w**2 - 0.5 * np.log(2 * np.pi)

    return Story(
        prior=lambda u, w: log_gamma_density(u, m.r, m.alpha) + idle(w),
        low=(-np.log(m.alpha) - 70 / m.r - 15, -12.0),
        high=(-np.log(m.alpha) + 15, 12.0),
        alive=lambda x, t_x, T: lambda u, w: x * u - np.exp(u) * T + 0 * w,
        gone=lambda x, t_x, T: lambda u, w: np.full(np.broadcast_shapes(u.shape, w.shape), -np.inf),
        count=lambda n, h, silent: lambda u, w: n * (u + np.log(h)) - np.exp(u) * h - gammaln(n + 1) + 0 * w,
        discounted=lambda delta, h, silent: (
            lambda u, w: u + (log_one_minus_exp(np.array(delta * h)) - np.log(delta) if delta else np.log(h)) + 0 * w
        ),
    )


def regular(m: cs.models.MBGCNBD) -> Story:
    """Passes stages at rate lambda and buys at every k-th; a coin falls after each purchase, the first one too."""
    tossed = coin(cs.MBGNBD(r=m.r, alpha=m.alpha, a=m.a, b=m.b), first=True)
    k = m.k

    def log_stages(u: Floats, silent: float) -> list[Floats]:
        """ln of lambda^j silent^j/j!, for j = 0 ... k - 1 stages passed."""
        return [(j * (u + np.log(silent)) if j else 0 * u) - gammaln(j + 1) for j in range(k if silent > 0 else 1)]

    def alive(x: int, t_x: float, T: float) -> Log:
        return lambda u, y: (
            k * x * u - (x + 1) * np.logaddexp(0, y) - np.exp(u) * T + np.logaddexp.reduce(log_stages(u, T - t_x))
        )

    def gone(x: int, t_x: float, T: float) -> Log:
        return lambda u, y: k * x * u - x * np.logaddexp(0, y) - np.logaddexp(0, -y) - np.exp(u) * t_x

    def mixed(u: Floats, silent: float, of_stage: Callable[[int], Floats]) -> Floats:
        stages = log_stages(u, silent)
        return np.logaddexp.reduce([stage + of_stage(j) for j, stage in enumerate(stages)]) - np.logaddexp.reduce(
            stages
        )

    def at_least(count: int, load: Floats) -> Floats:
        return np.ones_like(load) if count <= 0 else gammainc(count, load)

    def count(n: int, h: float, silent: float) -> Log:
        def of(u: Floats, y: Floats) -> Floats:
            q, load = np.exp(-np.logaddexp(0, y)), np.exp(u) * h

            def of_stage(j: int) -> Floats:
                terms = [
                    np.exp(m * np.log(load) - load - gammaln(m + 1)) for m in range(max(n * k - j, 0), (n + 1) * k - j)
                ]
                value = q**n * sum(terms)
                return np.log(value + (1 - q) * q ** (n - 1) * at_least(n * k - j, load) if n else value)

            return mixed(u, silent, of_stage)

        return of

    def discounted(delta: float, h: float, silent: float) -> Log:
        def of(u: Floats, y: Floats) -> Floats:
            log_rho = -np.log1p(delta * np.exp(-u))
            if np.isfinite(h):
                return within(u, y, log_rho, delta, h, silent)
            left = np.log(-np.expm1(k * log_rho) + np.exp(k * log_rho - np.logaddexp(0, -y)))
            return mixed(u, silent, lambda j: (k - j) * log_rho - left)

        return of

    def within(u: Floats, y: Floats, log_rho: Floats, delta: float, h: float, silent: float) -> Floats:
        """The n-th purchase comes with the stage m = n k - j from now, if the customer stays: (1-p)^(n-1) rho^m
        P(Gamma(m, lambda + delta) <= h). MOST purchases are more than the integrand's bulk makes."""
        load = np.minimum((np.exp(u) + delta) * h, 700.0)
        term, left = np.exp(-load), np.ones_like(load)  # Poisson chances, and what is left of 1 above them
        q, sums = np.exp(-np.logaddexp(0, y)), [np.zeros(np.broadcast_shapes(u.shape, y.shape)) for _ in range(k)]
        for m in range(1, MOST * k + 1):
            left, term = left - term, term * load / m
            few = gammainc(m, np.minimum(load, 2.0)) if m < 30 else 0.0  # where a difference would say nothing
            reached = np.exp(m * log_rho) * np.where(load < 2.0, few, np.maximum(left, 0.0))
            sums[-m % k] += q ** (-(-m // k) - 1) * reached
        with np.errstate(divide="ignore"):
            return mixed(u, silent, lambda j: np.log(sums[j]))

    return Story(tossed.prior, tossed.low, tossed.high, alive, gone, count, discounted, longest=39.0, most=30)


def log_mean(story: Story, *parts: Log, steps: float = 1.0) -> float:
    """ln of the mean over the population of e^(sum of parts)."""

    def log_integrand(u: Floats, w: Floats) -> Floats:
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            value = story.prior(u, w) + sum(part(u, w) for part in parts)
        return np.where(np.isnan(value), -np.inf, value)

    bounds = list(zip(story.low, story.high, strict=True))
    for _ in range(12):  # shrink to where the integrand lives
        u, w = (np.linspace(low, high, 61) for low, high in bounds)
        value = log_integrand(u[:, None], w[None, :])
        if value.max() == -np.inf:
            return -np.inf
        kept = value > value.max() - CUT
        before, bounds = (
            bounds,
            [
                (grid[max(inside[0] - 1, 0)], grid[min(inside[-1] + 1, 60)])
                for grid, inside in ((u, np.flatnonzero(kept.any(axis=1))), (w, np.flatnonzero(kept.any(axis=0))))
            ],
        )
        if bounds == before:
            break
    u, w = (np.linspace(low, high, int(steps * max(130, (high - low) / 0.2))) for low, high in bounds)
    value = log_integrand(u[:, None], w[None, :])
    top = value.max()
    return float(top + np.log(np.exp(value - top).sum() * (u[1] - u[0]) * (w[1] - w[0])))


MODELS: dict[str, tuple[cs.models.PurchaseModel, Story]] = {
    name: (model, tell(model))
    for name, model, tell in [
        ("Pareto/NBD as published", cs.ParetoNBD(r=0.553, alpha=10.578, s=0.606, beta=11.669), pareto),
        ("Pareto/NBD, alpha far above beta", cs.ParetoNBD(r=0.9, alpha=5e4, s=1.4, beta=0.2), pareto),
        ("Pareto/NBD, beta far above alpha", cs.ParetoNBD(r=0.9, alpha=0.02, s=2.2, beta=4e4), pareto),
        ("Pareto/NBD, alpha is beta, s is 1", cs.ParetoNBD(r=1.7, alpha=8.0, s=1.0, beta=8.0), pareto),
        ("BG/NBD as published", cs.BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426), lambda m: coin(m, first=False)),
        ("MBG/NBD as published", cs.MBGNBD(r=0.525, alpha=6.183, a=0.891, b=1.614), lambda m: coin(m, first=True)),
        ("MBG/NBD, a is 1", cs.MBGNBD(r=3.0, alpha=20.0, a=1.0, b=0.4), lambda m: coin(m, first=True)),
        ("MBG/CNBD-3", cs.models.MBGCNBD(r=0.8, alpha=5.0, a=0.6, b=2.0, k=3), regular),
        ("MBG/CNBD-2, a is 1", cs.models.MBGCNBD(r=2.5, alpha=2.0, a=1.0, b=3.0, k=2), regular),
        ("NBD", cs.NBD(r=0.385, alpha=12.072), forever),
    ]
}
HISTORIES = {
    "no repeat": (0, 0.0, 38.86),
    "one at once": (1, 0.14, 38.86),
    "paper's": (2, 30.43, 38.86),
    "to the last day": (7, 38.86, 38.86),
    "long silence": (30, 10.0, 39.0),
    "thousands": (5000, 35.0, 36.0),
}
# Three stages, whose quadrature takes half of the time of this file, run with `-m slow`; two are there.
every_model = pytest.mark.parametrize(
    ("model", "story"),
    [pytest.param(*case, id=name, marks=[pytest.mark.slow] * (name == "MBG/CNBD-3")) for name, case in MODELS.items()],
)


def frame(x: int, t_x: float, T: float) -> pd.DataFrame:
    return pd.DataFrame({"frequency": [x], "recency": [t_x], "T": [T], "log_intervals": [0.3 * x]})


def gaps(model: cs.models.PurchaseModel, x: int) -> float:
    """ln of the gaps' own part of their Erlang densities, gap^(k-1)/Gamma(k), which the traits do not enter."""
    return (model.k - 1) * 0.3 * x - x * float(gammaln(model.k)) if isinstance(model, cs.models.MBGCNBD) else 0.0


def known(story: Story, seen: tuple[int, float, float], **options: float) -> tuple[float, float]:
    """ln of the likelihood, and of its part in which the customer is alive."""
    alive = log_mean(story, story.alive(*seen), **options)
    return float(np.logaddexp(alive, log_mean(story, story.gone(*seen), **options))), alive


@every_model
@pytest.mark.parametrize("seen", HISTORIES.values(), ids=HISTORIES.keys())
def test_known_customers(model: cs.models.PurchaseModel, story: Story, seen: tuple[int, float, float]) -> None:
    summary = frame(*seen)
    total, alive = known(story, seen)
    # Absolute: sums of 5,000 logarithms come to some 40,000, whose rounding is 1e-11.
    assert model.log_likelihood(summary).item() == pytest.approx(total + gaps(model, seen[0]), rel=0, abs=AGREEMENT)
    assert model.p_alive(summary).item() == pytest.approx(np.exp(alive - total), rel=AGREEMENT, abs=0)
    silent = seen[2] - seen[1]
    if seen[0] <= story.most:
        to_come = log_mean(story, story.alive(*seen), story.discounted(0.0, 39.0, silent))
        assert model.expected_purchases(summary, 39.0).item() == pytest.approx(np.exp(to_come - total), rel=AGREEMENT)
    chances = model.conditional_pmf([0, 1, 3], summary, 39.0).iloc[0]
    for n in (0, 1, 3):
        living = np.exp(log_mean(story, story.alive(*seen), story.count(n, 39.0, silent)) - total)
        expected = living + (1 - np.exp(alive - total) if n == 0 else 0.0)
        assert chances[n] == pytest.approx(expected, rel=AGREEMENT, abs=1e-250)


@every_model
@pytest.mark.parametrize("seen", [HISTORIES["no repeat"], HISTORIES["long silence"]], ids=["no repeat", "silence"])
def test_discounted_purchases(model: cs.models.PurchaseModel, story: Story, seen: tuple[int, float, float]) -> None:
    total, _ = known(story, seen)
    delta = float(np.log(1.1) * 7 / 365.25)
    for horizon in [*(h for h in (13.0, 500.0) if h <= story.longest), np.inf]:
        to_come = log_mean(story, story.alive(*seen), story.discounted(delta, horizon, seen[2] - seen[1]))
        dert = model.residual_transactions(frame(*seen), 0.10, horizon=horizon).item()
        assert dert == pytest.approx(np.exp(to_come - total), rel=AGREEMENT, abs=0)


@every_model
def test_new_customers(model: cs.models.PurchaseModel, story: Story) -> None:
    """A new customer is one with no purchase yet at age 0, who may have left at once."""
    start = story.alive(0, 0.0, 0.0)
    gone = 1 - np.exp(log_mean(story, start))
    for horizon in (1e-3, 39.0, 1e7 if story.longest > 39 else 500.0):
        if horizon <= story.longest:
            expected = np.exp(log_mean(story, start, story.discounted(0.0, horizon, 0.0)))
            assert model.expected_purchases_new(horizon) == pytest.approx(expected, rel=AGREEMENT, abs=0)
        for n in (0, 1, 7, 60):
            chance = np.exp(log_mean(story, start, story.count(n, horizon, 0.0))) + (gone if n == 0 else 0.0)
            assert model.purchase_pmf(n, horizon) == pytest.approx(chance, rel=AGREEMENT, abs=1e-250)


@every_model
def test_the_integrals_have_converged(model: cs.models.PurchaseModel, story: Story) -> None:
    assert log_mean(story, lambda u, w: 0 * u * w) == pytest.approx(0, abs=1e-11)
    for seen in HISTORIES.values():
        once, twice = (known(story, seen, steps=steps)[0] for steps in (1.0, 2.0))
        assert once == pytest.approx(twice, rel=0, abs=1e-10)


def test_another_story_is_told_apart() -> None:
    """Control: one coin more or less, or a death rate for a coin, is far beyond the tolerance."""
    model, story = MODELS["MBG/NBD as published"]
    assert isinstance(model, cs.MBGNBD)
    other = coin(model, first=False)
    for seen in HISTORIES.values():
        assert abs(model.log_likelihood(frame(*seen)).item() - known(other, seen)[0]) > 1e4 * AGREEMENT
    assert known(story, HISTORIES["paper's"])[0] != known(other, HISTORIES["paper's"])[0]
