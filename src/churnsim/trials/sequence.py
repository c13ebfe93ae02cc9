r"""A confidence sequence for a difference of two arms that is looked at as often as one likes.

The customers of a trial are drawn once, and what is estimated at the look at time t, theta(t), is what the arm did
until then. Over many customers the estimates less theta are close to a Gaussian process in t with mean 0 and variances
V(t), whatever the customers' law. For a Brownian motion on the clock V the limit of Robbins (1970, "Statistical methods
related to the law of the iterated logarithm", Annals of Mathematical Statistics 41, 1397-1409), in the closed form of
Howard, Ramdas, McAuliffe & Sekhon (2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of
Statistics 49(2), 1055-1080: the one-sided normal mixture), is passed upwards at any time with at most half of alpha:

    u(V) = sqrt(2 (V + rho) log(sqrt((V + rho) / rho) / alpha + 1)).

The estimates of a trial are no such motion: a customer who bought often until now goes on to do so, so that the future
moves the way of the past, Cov(D(s), D(t) - D(s)) >= 0. Correlations are then at least those of the motion, and by
Slepian's inequality (1962, Bell System Technical Journal 41, 463-501) the limit is passed no more often; both sides
together have alpha. The interval D(t) -+ u(V(t)) so holds theta(t) at all looks at once with probability 1 - alpha,
asymptotically in the number of customers, as in Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024, "Time-uniform
central limit theory and asymptotic confidence sequences", Annals of Statistics 52(6), 2613-2640). That the future moves
the way of the past is checked when a trial is read.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import lambertw

from churnsim.typing import Floats


def best_scale(planned: float, level: float) -> float:
    """The rho with which the sequence is narrowest where the variance is the one `planned` (Howard et al. 2021,
    section 3.5)."""
    alpha = 1.0 - level
    return planned / float(-lambertw(-(alpha**2) / math.e, -1).real - 1.0)


def reach(variance: Floats | float, scale: float, level: float) -> Floats:
    """How far the sequence goes to either side of an estimate of this variance.

    Examples
    --------
    >>> rho = best_scale(1.0, 0.95)
    >>> round(float(reach(1.0, rho, 0.95)), 2)  # in standard errors, where a single look has 1.96
    3.04
    """
    total = np.asarray(variance, dtype=np.float64) + scale
    return np.asarray(np.sqrt(2.0 * total * np.log(np.sqrt(total / scale) / (1.0 - level) + 1.0)))
