"""The formulas that the modules of Pareto/NBD, sBG and BdW state at their verbs, evaluated as they are written."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import betaln, hyp2f1
from scipy.stats import beta as beta_law

import churnsim as cs


def test_the_formulas_of_pareto_nbd_as_they_are_written() -> None:
    """The statement of the module, term by term, by scipy's quadrature."""
    r, alpha, s, beta, x, t_x, T, h, w = 0.6, 9.0, 1.7, 12.0, 3, 20.0, 31.0, 13.0, 4.0
    model = cs.ParetoNBD(r=r, alpha=alpha, s=s, beta=beta)
    known = pd.DataFrame({"frequency": [x], "recency": [t_x], "T": [T]})
    R, A, B = r + x, alpha + T, beta + T

    def area(function: Callable[[float], float], low: float, high: float) -> float:
        return float(quad(function, low, high, epsabs=0, epsrel=1e-12)[0])

    alive = A**-R * B**-s
    gone = s * area(lambda y: (alpha + y) ** -R * (beta + y) ** -(s + 1), t_x, T)
    factor = math.prod(r + j for j in range(x)) * alpha**r * beta**s
    assert model.log_likelihood(known).iloc[0] == pytest.approx(math.log(factor * (alive + gone)), rel=1e-11)
    p = alive / (alive + gone)
    assert model.p_alive(known).iloc[0] == pytest.approx(p, rel=1e-10)
    expected = R * B / (A * (s - 1)) * (1 - (B / (B + h)) ** (s - 1))
    assert model.expected_purchases(known, h).iloc[0] == pytest.approx(p * expected, rel=1e-10)

    def pmf(n: int, y: float) -> float:
        rising = math.prod(R + j for j in range(n)) / math.factorial(n)
        return rising * (A / (A + y)) ** R * (y / (A + y)) ** n

    for n in (0, 2):
        left = area(lambda y, n=n: pmf(n, y) * s * B**s * (B + y) ** -(s + 1), 0, h)
        told = p * (pmf(n, h) * (B / (B + h)) ** s + left) + (1 - p if n == 0 else 0)
        assert model.conditional_pmf(n, known, h).iloc[0, 0] == pytest.approx(told, rel=1e-10)
    delta = math.log(1.1) / 365.25 * 7
    value = R / A * area(lambda t: math.exp(-delta * t) * (B / (B + t)) ** s, 0, h)
    assert model.residual_transactions(known, 0.1, horizon=h).iloc[0] == pytest.approx(p * value, rel=1e-10)
    share = area(lambda y: R * A**R * (A + y) ** -(R + 1) * (B / (B + y)) ** s, 0, w)
    assert model.time_to_next_purchase(known, quantile=share, if_alive=True).iloc[0] == pytest.approx(w, rel=1e-8)


def test_the_formulas_of_the_renewal_models_as_they_are_written() -> None:
    a, b, c, v, tenure = 0.7, 3.8, 1.3, 1 / 1.15, 2
    sbg = cs.ShiftedBetaGeometric(alpha=a, beta=b, unit="Y")
    n = tenure + 1
    derl = (b + n - 1) / (a + b + n - 1) * hyp2f1(1, b + n, a + b + n, v)
    assert float(sbg.derl(0.15, tenure)) == pytest.approx(derl, rel=1e-10)
    assert float(sbg.elasticity(0.15, tenure)) == pytest.approx(hyp2f1(1, b + tenure, a + b + tenure, v), rel=1e-10)
    assert float(sbg.retention(3)) == pytest.approx((b + 2) / (a + b + 2), rel=1e-12)
    bdw = cs.models.BetaDiscreteWeibull(gamma=a, delta=b, c=c, unit="Y")
    t = np.arange(0.0, 600.0)
    survival = np.exp(betaln(a, b + t**c) - betaln(a, b))
    np.testing.assert_allclose(bdw.survival(t[:9]), survival[:9], rtol=1e-11)
    k = np.arange(1, 500)
    told = float((v ** (k - 1.0)) @ survival[tenure + k] / survival[tenure])
    assert float(bdw.derl(0.15, tenure)) == pytest.approx(told, rel=1e-9)

    def own(theta: float) -> float:
        chance = (1 - theta) ** ((tenure + k) ** c - tenure**c)
        return float(k * v ** (k - 1.0) @ chance / (v ** (k - 1.0) @ chance))

    mean = quad(lambda theta: beta_law.pdf(theta, a, b + tenure**c) * own(theta), 0, 1, limit=200)[0]
    assert float(bdw.elasticity(0.15, tenure)) == pytest.approx(mean, rel=1e-6)
