"""Parity: quantiles and posterior draws many at once against the same one by one: the same bits.

One by one they are held against scipy in `test_samplers_scipy.py` and against the posterior's integrals in
`statistical/test_posterior_draws.py`.
"""

from __future__ import annotations

import numba
import numpy as np
import pytest

import churnsim as cs
from churnsim.kernels.likelihoods.bg_nbd import posterior_draw
from churnsim.kernels.likelihoods.population import draw_base
from churnsim.kernels.numerics import lanes, special
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.quantile_batches import beta_quantiles, gamma_quantiles
from churnsim.kernels.numerics.quantiles import beta_quantile, gamma_quantile

SHAPES = 10.0 ** np.linspace(-3, 4, 15)
FEWER = SHAPES[::3]


def chances(size: int) -> np.ndarray:
    """Uniforms, and some from far in both tails."""
    generator = np.random.default_rng(size)
    tails = 10.0 ** -generator.uniform(1, 15, size // 4)
    return np.concatenate([generator.random(size - 2 * tails.size), tails, 1 - tails])


@pytest.mark.parametrize("size", [1, 7, 256, 3000])  # below and at a block, and with a rest of a vector
def test_gamma(size):
    u, kinds = chances(size), np.random.default_rng(1).integers(0, SHAPES.size, size)
    drawn = gamma_quantiles(u, SHAPES, kinds)
    assert drawn.tolist() == [gamma_quantile(u[i], SHAPES[kinds[i]]) for i in range(size)]


@pytest.mark.parametrize("size", [1, 7, 256, 3000])
def test_beta(size):
    a, b = (side.ravel() for side in np.meshgrid(FEWER, FEWER))
    u, kinds = chances(size), np.random.default_rng(1).integers(0, a.size, size)
    drawn = beta_quantiles(u, a, b, kinds)
    assert drawn.tolist() == [beta_quantile(u[i], a[kinds[i]], b[kinds[i]]) for i in range(size)]


def test_lanes():
    @numba.njit(error_model="numpy")
    def all_of(gamma, above, beta):
        lanes.series_lanes(gamma, 0)
        lanes.fraction_lanes(above, 0)
        lanes.beta_lanes(beta, 0)

    @numba.njit(error_model="numpy")
    def plainly(gamma, above, beta):
        lanes.plain_gamma_series(gamma, 0)
        lanes.plain_gamma_fraction(above, 0)
        lanes.plain_beta_fraction(beta, 0)

    shape, share = np.geomspace(0.01, 500.0, lanes.LANES), np.linspace(0.05, 0.95, lanes.LANES)
    found = []
    for run in (all_of, plainly):
        outs = [np.empty(lanes.LANES) for _ in range(3)]
        below, above, x = share * (shape + 1), shape + 1 + 30 * share, share * (shape + 1) / (shape + 4)
        run((shape, below, outs[0]), (shape, above, outs[1]), (shape, np.full(lanes.LANES, 2.0), x, outs[2]))
        found.append(np.array(outs).tolist())
    expected = [
        [special.gamma_series(a, b) for a, b in zip(shape, below, strict=True)],
        [special.gamma_fraction(a, b) for a, b in zip(shape, above, strict=True)],
        [special.beta_fraction(a, 2.0, b) for a, b in zip(shape, x, strict=True)],
    ]
    assert found == [expected, expected]


@pytest.mark.parametrize("first", [False, True])  # BG/NBD, MBG/NBD
def test_base(first):
    summary = cs.summarise(cs.datasets.cdnow()).iloc[:300]
    x, t_x, T, m = (summary[name].to_numpy() for name in ("frequency", "recency", "T", "monetary_value"))
    x, uids = x.astype(np.int64), np.arange(300) * 7919
    p, q, gamma = 4.7, 4.2, 24.4
    models, address = (0.25, 5.4, 0.6, 2.6 + first, p, q, gamma), (5, 11, 1, 0)
    traits, alive, _ = draw_base(*models, x, t_x, T, m, first, uids, *address, True)
    for i in range(300):
        rate, dropout, living = posterior_draw(*models[:4], x[i], t_x[i], T[i], first, uids[i], *address)
        u_spend, *_ = block(1, 0, uids[i], *address[:3])
        nu = gamma_quantile(u_spend, q + p * x[i]) / (gamma + x[i] * m[i])
        assert (*traits[i, :3], alive[i]) == (rate, dropout, nu, living)
    fewer, same, _ = draw_base(*models, x, t_x, T, m, first, uids, *address, False)
    assert (same == alive).all()
    assert 0 < (~alive).sum() < 300
    np.testing.assert_array_equal(fewer[alive], traits[alive])
    assert np.isnan(fewer[~alive, :3]).all()
