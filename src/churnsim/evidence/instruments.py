"""The effect of a treatment that nobody drew, by an instrument: two-stage least squares with one instrument.

With y, d and z the residuals of outcome, treatment and instrument after regression on the controls:

- the estimate z'y / z'd, with a variance by clusters g, (z'd)^-2 sum_g (sum_i in g z_i e_i)^2 G/(G - 1);
- how strong the instrument is: F of the first stage, robust in the same way. With one instrument that is the effective
  F of Montiel Olea & Pflueger (2013, "A robust test for weak instruments", Journal of Business & Economic Statistics
  31(3), 358-369), below 23.1 of which the bias may reach a tenth of the worst case;
- the interval of Anderson & Rubin (1949, Annals of Mathematical Statistics 20(1), 46-63), which holds however weak the
  instrument is: all b for which z tells nothing of y - b d. With A_g = sum z y and B_g = sum z d it solves
  (A - b B)^2 <= c sum_g (A_g - b B_g)^2, c the quantile of F with 1 and G - 1 degrees of freedom. It may have no end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from churnsim.errors import DataError
from churnsim.statistics import f_quantile
from churnsim.typing import Floats, Ints

STRONG = 23.1


@dataclass(frozen=True, kw_only=True)
class Instrumented:
    """An effect by an instrument.

    Attributes
    ----------
    effect, standard_error : float
        Of a treatment of one on the outcome.
    low, high : float
        Anderson and Rubin's interval; infinite where the data set no limit. Where the values that fit lie outside a
        stretch rather than inside one, both are infinite and `split` says so.
    split : bool
        Whether that is so.
    first_stage : float
        Treatment for one more of the instrument.
    strength : float
        The effective F.
    observations, clusters : int
    level : float
        Of the interval.
    """

    effect: float
    standard_error: float
    low: float
    high: float
    split: bool
    first_stage: float
    strength: float
    observations: int
    clusters: int
    level: float

    @property
    def weak(self) -> bool:
        """Whether the bias of the estimate may be more than a tenth of the worst case."""
        return not self.strength >= STRONG

    def __str__(self) -> str:
        weak = "weak: trust the interval, not the estimate" if self.weak else "strong"
        return f"{self.effect:+.3g} [{self.low:.3g}, {self.high:.3g}], instrument F = {self.strength:.1f} ({weak})"


def two_stage(y: Floats, d: Floats, z: Floats, controls: Floats, cluster: Ints, *, level: float) -> Instrumented:
    """The effect of `d` on `y` by the instrument `z`, beside `controls` with a column of ones; observations of one
    `cluster` may depend on each other. Raises DataError where the instrument or the treatment does not vary beside the
    controls, and for fewer than two clusters.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> z, u = random.normal(size=(2, 2000))
    >>> d = z + u + random.normal(size=2000)
    >>> found = two_stage(0.5 * d - u, d, z, np.ones((2000, 1)), np.arange(2000), level=0.95)
    >>> found.weak, found.low < 0.5 < found.high
    (False, True)
    """
    q, r = np.linalg.qr(controls)
    q = q[:, np.abs(np.diag(r)) > 1e-9 * np.abs(np.diag(r)).max()]
    y, d, z = (values - q @ (q.T @ values) for values in (y, d, z))
    _, place = np.unique(cluster, return_inverse=True)
    groups = int(place.max()) + 1
    if groups < 2 or not (z.std() > 1e-9 and d.std() > 1e-9):
        raise DataError(
            "the instrument or the treatment does not vary beside the controls, or there is one cluster alone."
        )

    def by_cluster(values: Floats) -> Floats:
        return np.asarray(np.bincount(place, weights=values, minlength=groups) * math.sqrt(groups / (groups - 1)))

    zz, zd, zy = float(z @ z), float(z @ d), float(z @ y)
    effect, first = zy / zd, zd / zz
    error = math.sqrt(float((by_cluster(z * (y - effect * d)) ** 2).sum())) / abs(zd)
    doubt = float((by_cluster(z * (d - first * z)) ** 2).sum())
    strength = zd**2 / doubt if doubt > 0 else math.inf
    critical = float(f_quantile(level, 1, groups - 1))
    a, b = by_cluster(z * y), by_cluster(z * d)
    low, high, split = _within(
        zd**2 - critical * float(b @ b), -2 * (zy * zd - critical * float(a @ b)), zy**2 - critical * float(a @ a)
    )
    return Instrumented(
        effect=effect, standard_error=error, low=low, high=high, split=split, first_stage=first, strength=strength,
        observations=len(y), clusters=groups, level=level,
    )  # fmt: skip


def _within(square: float, linear: float, constant: float) -> tuple[float, float, bool]:
    """Where square x^2 + linear x + constant <= 0: two ends, and whether it is what lies outside a stretch."""
    discriminant = linear**2 - 4 * square * constant
    if square > 0:
        root = math.sqrt(max(discriminant, 0.0))
        return (-linear - root) / (2 * square), (-linear + root) / (2 * square), False
    return -math.inf, math.inf, discriminant > 0
