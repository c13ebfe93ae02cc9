"""In how many of the next periods a live customer buys, averaged over nodes of its traits.

Given its purchase rate lambda and its dropout probability p (or death rate mu) a customer walks from period to period:
it stays or leaves, and has bought or not. Periods are one unit long; on rescaled clocks (`runs`) each consists of
pieces in which both clocks run evenly. A `lead` is a part of a period that passes before the first one and is not
counted. Where purchases come at every k-th stage the walk also keeps the stage.
"""

from __future__ import annotations

import math

import numpy as np

from churnsim.kernels.numerics.jit import njit
from churnsim.typing import Floats, Ints


@njit
def _period(rate: float, leaving: float, dies: bool, run: Floats) -> tuple[float, float, float, float]:
    """Chances of (staying, no purchase), (staying, purchase), (leaving, no purchase), (leaving, purchase), where the
    clocks of buying and of leaving `run` in each piece of the period."""
    if dies:  # at any time, at rate mu
        silent, gone, left = 1.0, 0.0, leaving * run[:, 1].sum()
        for b, d in run:
            total = rate * b + leaving * d
            # Left before any purchase: the first event is the leaving.
            gone += silent * leaving * d / total * -math.expm1(-total) if total > 0.0 else 0.0
            # Neither event: both together come at lambda + mu.
            silent *= math.exp(-total)
        return silent, max(math.exp(-left) - silent, 0.0), gone, max(-math.expm1(-left) - gone, 0.0)
    rate *= run[:, 0].sum()
    # After a purchase, with probability p: purchases that are survived come at rate lambda (1 - p).
    silent = math.exp(-rate)
    bought = -math.exp(-rate * leaving) * math.expm1(-rate * (1.0 - leaving))
    return silent, bought, 0.0, -math.expm1(-rate * leaving)


@njit
def _same(run: Floats, other: Floats) -> bool:
    """Whether clocks run alike in two periods, but for the rounding of a difference."""
    apart = total = 0.0
    for piece in range(len(run)):
        apart += abs(run[piece, 0] - other[piece, 0]) + abs(run[piece, 1] - other[piece, 1])
        total += run[piece, 0] + run[piece, 1]
    return apart <= 1e-13 * total


@njit
def law(
    A: Floats, B: Floats, kind: Floats, rate_at: Ints, leave_at: Ints,
    rates: Floats, on_rates: Floats, leaves: Floats, on_leaves: Floats, dies: bool, runs: Floats, most: int,
) -> Floats:  # fmt: skip
    """P(a purchase in n of the next periods), n = 0 ... most, a row a customer; more than `most` are left out.

    In the periods clocks run by `runs[kind]`: by period and piece, of buying and of leaving. lambda runs over
    `rates[rate_at] / A` with weights `on_rates[rate_at]`, and the second trait likewise over `leaves[leave_at] /
    B`.
    """
    out = np.zeros((A.size, most + 1))
    here = np.empty(most + 1)
    for i in range(A.size):
        row = out[i]
        for u in range(rates.shape[1]):
            rate = rates[rate_at[i], u] / A[i]
            for v in range(leaves.shape[1]):
                leaving = leaves[leave_at[i], v] / B[i]
                weight = on_rates[rate_at[i], u] * on_leaves[leave_at[i], v]
                here[:] = 0.0
                here[0] = weight
                stay = buy = gone = last = 0.0
                run = runs[int(kind[i])]
                for j in range(len(run)):
                    if j == 0 or not _same(run[j], run[j - 1]):
                        stay, buy, gone, last = _period(rate, leaving, dies, run[j])
                    # Downwards, so that each count still finds the one below it as it was.
                    for n in range(min(j + 1, most), 0, -1):
                        row[n] += here[n] * gone + here[n - 1] * last
                        here[n] = here[n] * stay + here[n - 1] * buy
                    row[0] += here[0] * gone
                    here[0] *= stay
                row += here
    return out


@njit
def mean(
    A: Floats, B: Floats, lead: Floats, periods: Floats, rate_at: Ints, leave_at: Ints,
    rates: Floats, on_rates: Floats, leaves: Floats, on_leaves: Floats, dies: bool,
) -> Floats:  # fmt: skip
    """E[periods with a purchase among the next `periods`], one number of them a row.

    With W = lambda p, or mu, the rate of leaving: who is there at a period's start buys in it with a chance that is the
    same for each, and of the periods e^(-W lead) (1 - e^(-W m))/(1 - e^(-W)) are met.
    """
    out = np.zeros(A.size)
    for i in range(A.size):
        for u in range(rates.shape[1]):
            on_rate = on_rates[rate_at[i], u]
            if on_rate < 1e-25:  # of half the nodes of a large rule
                continue
            rate = rates[rate_at[i], u] / A[i]
            for v in range(leaves.shape[1]):
                leaving = leaves[leave_at[i], v] / B[i]
                away = leaving if dies else rate * leaving
                either = rate + leaving if dies else rate
                # Under a death rate the first of the two events is a purchase in lambda of lambda + mu.
                bought = -math.expm1(-either) * (rate / either if dies and either > 0.0 else 1.0)
                met = math.expm1(-away * periods[i]) / math.expm1(-away) if away > 0.0 else periods[i]
                there = math.exp(-away * lead[i]) if lead[i] > 0.0 else 1.0
                out[i] += on_rate * on_leaves[leave_at[i], v] * there * bought * met
    return out


@njit
def _transitions(rate: float, p: float, k: int, span: float, silent: Floats, active: Floats) -> None:
    """Chances to pass from stage to stage within `span` while staying: without a purchase, and with one or more."""
    silent[:] = 0.0
    active[:] = 0.0
    load = rate * span
    # Twelve deviations of a Poisson count, and forty for small loads: what is beyond counts as nothing.
    most = int(load + 12.0 * math.sqrt(load) + 40.0)
    for n in range(most + 1):
        chance = math.exp((n * math.log(load) if n > 0 else 0.0) - load - math.lgamma(n + 1.0)) if load > 0.0 else (
            1.0 if n == 0 else 0.0
        )  # fmt: skip
        if chance < 1e-18:
            if n > load:
                break  # and so all that follow
            continue
        for i in range(k):
            bought = (i + n) // k
            if bought == 0:
                silent[i, i + n] += chance
            else:
                active[i, (i + n) % k] += chance * (1.0 - p) ** bought


@njit
def _start(rate: float, p: float, k: int, silence: float, weight: float, lead: float, here: Floats) -> float:
    """Weights of the stages that a live customer has passed after a silence, and after the lead; and what is lost."""
    term, total = 1.0, 0.0
    for j in range(k):
        here[j] = term
        total += term
        term *= rate * silence / (j + 1.0)
    here *= weight / total
    if lead <= 0.0:
        return 0.0
    silent, active = np.empty((k, k)), np.empty((k, k))
    _transitions(rate, p, k, lead, silent, active)
    moved = np.zeros(k)
    for i in range(k):
        for j in range(k):
            moved[j] += here[i] * (silent[i, j] + active[i, j])
    for i in range(k):
        here[i] = moved[i]
    return weight - moved.sum()


@njit
def _stage_weight(rate: float, k: int, silence: float) -> float:
    """sum_j (lambda silence)^j/j!, by which the density of a live customer's rate is raised over a gamma's."""
    term, total = 1.0, 0.0
    for j in range(k):
        total += term
        term *= rate * silence / (j + 1.0)
    return total


@njit
def stages_law(
    A: Floats, silence: Floats, kind: Floats, rate_at: Ints, leave_at: Ints,
    rates: Floats, on_rates: Floats, leaves: Floats, on_leaves: Floats, k: int, runs: Floats, most: int,
) -> Floats:  # fmt: skip
    """`law` where a purchase comes at every k-th stage; `silence` is the time since the last one."""
    out = np.zeros((A.size, most + 1))
    silent, active = np.empty((k, k)), np.empty((k, k))
    here, start = np.empty((most + 1, k)), np.empty(k)
    leaves_now, before = np.empty(k), np.empty(k)
    for i in range(A.size):
        scale = 0.0
        for u in range(rates.shape[1]):
            # Whoever is alive has the gamma's density times the stage weight: here its mass over the nodes.
            scale += on_rates[rate_at[i], u] * _stage_weight(rates[rate_at[i], u] / A[i], k, silence[i])
        for u in range(rates.shape[1]):
            rate = rates[rate_at[i], u] / A[i]
            on_rate = on_rates[rate_at[i], u] * _stage_weight(rate, k, silence[i]) / scale
            for v in range(leaves.shape[1]):
                p = leaves[leave_at[i], v]
                weight = on_rate * on_leaves[leave_at[i], v]
                _start(rate, p, k, silence[i], weight, 0.0, start)
                here[:] = 0.0
                for t in range(k):  # a copy as such takes long to compile
                    here[0, t] = start[t]
                run = runs[int(kind[i])]
                for j in range(len(run)):
                    if j == 0 or not _same(run[j], run[j - 1]):
                        _transitions(rate, p, k, run[j, :, 0].sum(), silent, active)
                        for t in range(k):
                            leaves_now[t] = 1.0 - silent[t].sum() - active[t].sum()  # whoever leaves has bought
                    for n in range(min(j + 1, most), -1, -1):
                        for t in range(k):
                            before[t] = here[n, t]
                        for t in range(k):
                            total = 0.0
                            for f in range(t + 1):
                                total += before[f] * silent[f, t]
                            if n > 0:
                                for f in range(k):
                                    total += here[n - 1, f] * active[f, t]
                            here[n, t] = total
                        if n > 0:
                            for f in range(k):
                                out[i, n] += here[n - 1, f] * leaves_now[f]
                for n in range(most + 1):
                    out[i, n] += here[n].sum()
    return out


@njit
def stages_mean(
    A: Floats, silence: Floats, lead: Floats, periods: Floats, rate_at: Ints, leave_at: Ints,
    rates: Floats, on_rates: Floats, leaves: Floats, on_leaves: Floats, k: int,
) -> Floats:  # fmt: skip
    """`mean` where a purchase comes at every k-th stage."""
    out = np.zeros(A.size)
    silent, active = np.empty((k, k)), np.empty((k, k))
    here, moved = np.empty(k), np.empty(k)
    for i in range(A.size):
        scale = 0.0
        for u in range(rates.shape[1]):
            scale += on_rates[rate_at[i], u] * _stage_weight(rates[rate_at[i], u] / A[i], k, silence[i])
        for u in range(rates.shape[1]):
            rate = rates[rate_at[i], u] / A[i]
            on_rate = on_rates[rate_at[i], u] * _stage_weight(rate, k, silence[i]) / scale
            for v in range(leaves.shape[1]):
                p = leaves[leave_at[i], v]
                _transitions(rate, p, k, 1.0, silent, active)
                _start(rate, p, k, silence[i], on_rate * on_leaves[leave_at[i], v], lead[i], here)
                for _ in range(int(periods[i])):
                    moved[:] = 0.0
                    for f in range(k):
                        quiet = 0.0
                        for t in range(k):
                            quiet += silent[f, t]
                            moved[t] += here[f] * (silent[f, t] + active[f, t])
                        out[i] += here[f] * (1.0 - quiet)
                    for t in range(k):
                        here[t] = moved[t]
    return out
