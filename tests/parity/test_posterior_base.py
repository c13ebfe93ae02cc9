"""Parity: posterior draws of a base, whose laws are worked out once, against the same one by one: the same bits.

One by one they are held against scipy in `test_samplers_scipy.py` and against the posterior's integrals in
`statistical/test_posterior_draws.py`.
"""

from __future__ import annotations

import numpy as np
import pytest

import churnsim as cs
from churnsim.kernels.likelihoods.bg_nbd import posterior_draw
from churnsim.kernels.likelihoods.population import draw_base, draw_spend_rates
from churnsim.kernels.numerics.philox import block
from churnsim.kernels.numerics.quantiles import gamma_quantile


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
    np.testing.assert_array_equal(draw_spend_rates(p, q, gamma, x, m, uids, *address), traits[:, 2])
