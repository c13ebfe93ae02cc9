"""Truth: agreement. The objective of resamples, its gradient and what is standardised are semopy's own."""

from __future__ import annotations

import numpy as np
import pytest

from churnsim.satisfaction import synthetic_paths
from churnsim.satisfaction.resampling import moments
from churnsim.satisfaction.structural_fit import RELATIONSHIP, _Fitted

pytest.importorskip("semopy", reason="needs the extra [survey]")


def test_resamples_are_fitted_to_what_semopy_fits():
    """Of a model with constructs of one item, whose answers are constructs themselves."""
    answers = synthetic_paths(250, seed=3).survey.of("perception")[RELATIONSHIP.items].dropna()
    m = moments(answers, resamples=20, seed=1)
    fitted = _Fitted(RELATIONSHIP, m.covariance, m.n)
    value, gradient = fitted._model.get_objective("MLW")
    at = fitted._at * (1 + 0.05 * np.random.default_rng(4).standard_normal(fitted._at.size))
    ours, slope = fitted._objective(at)
    assert ours == pytest.approx(value(at), rel=1e-10)
    np.testing.assert_allclose(slope, gradient(at), rtol=1e-9, atol=1e-12)
    for covariance in m.covariances[:3]:
        again = fitted.refitted(covariance)
        table = fitted._model.inspect(std_est=True, information=None)
        table = table[table["op"] == "~"].set_index(["lval", "rval"])["Est. Std"]
        np.testing.assert_allclose(again, [float(table.loc[key]) for key in fitted._rows], rtol=1e-12)
