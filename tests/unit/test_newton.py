"""Newton's steps on functions whose minimum is known, and on fits that the slower search also finds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import churnsim as cs
from churnsim.data import datasets, summarise
from churnsim.models.estimation import optimise
from churnsim.models.estimation.likelihood import fit_likelihood
from churnsim.models.estimation.optimise import LOG_BOUND, descend


def test_a_curved_valley_is_followed_to_its_end() -> None:
    """Rosenbrock's function."""

    def valley(at: Any) -> tuple[float, Any]:
        x, y = at
        bend = y - x * x
        return 100 * bend**2 + (1 - x) ** 2, np.array([-400 * x * bend - 2 * (1 - x), 200 * bend])

    def curvature(at: Any, slope: Any) -> Any:
        x, y = at
        return np.array([[1200 * x * x - 400 * y + 2, -400 * x], [-400 * x, 200.0]])

    end = descend(valley, curvature, np.array([0.0, 0.0]))
    assert end.at == pytest.approx([1.0, 1.0], abs=1e-9)


def test_a_saddle_is_left_downhill() -> None:
    """x^4/4 - x^2/2 + y^2/2 has a saddle at 0, where Newton's own step would go, and minima at x = 1 and -1."""
    end = descend(
        lambda at: (at[0] ** 4 / 4 - at[0] ** 2 / 2 + at[1] ** 2 / 2, np.array([at[0] ** 3 - at[0], at[1]])),
        lambda at, slope: np.diag([3 * at[0] ** 2 - 1, 1.0]),
        np.array([0.2, 1.0]),
    )
    assert end.at == pytest.approx([1.0, 0.0], abs=1e-9)


def test_a_slope_that_never_ends_stops_at_the_bound_and_the_rest_goes_on() -> None:
    end = descend(
        lambda at: (np.exp(-0.1 * at[0]) + (at[1] - 2) ** 2, np.array([-0.1 * np.exp(-0.1 * at[0]), 2 * (at[1] - 2)])),
        lambda at, slope: np.diag([0.01 * np.exp(-0.1 * at[0]), 2.0]),
        np.array([0.0, 0.0]),
    )
    assert end.at == pytest.approx([LOG_BOUND, 2.0], abs=1e-9)


@pytest.mark.parametrize("family", [cs.BGNBD, cs.MBGNBD, cs.ParetoNBD], ids=lambda family: family.family)
def test_newton_alone_ends_where_the_longer_search_does(family: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    likelihood = family.likelihood(summarise(datasets.cdnow(), until="1997-09-30"))
    longer = fit_likelihood(replace(likelihood, hessian=None))
    calls = []

    def counted(parameters: Any) -> Any:
        calls.append(1)
        return likelihood.objective(parameters)

    monkeypatch.setattr(optimise, "minimize", None)  # calling it would raise
    quick = fit_likelihood(replace(likelihood, objective=counted))
    assert quick.status.ok
    assert len(calls) < 12  # SLSQP takes some 17
    assert quick.loglik == pytest.approx(longer.loglik, rel=1e-12)
    # Both end with a gradient below 1e-9 a customer, and the least curvature is some 1e-3.
    assert list(quick.parameters.values()) == pytest.approx(list(longer.parameters.values()), rel=1e-5)
    assert list(quick.standard_errors.values()) == pytest.approx(list(longer.standard_errors.values()), rel=1e-3)


def test_what_the_data_do_not_determine_is_left_to_the_longer_search(monkeypatch: pytest.MonkeyPatch) -> None:
    alike = cs.BGNBD(r=0.5, alpha=5.0, a=0.8, b=2.0).draw_summary([30.0] * 12, seed=2)
    alike["frequency"], alike["recency"] = 3, 20.0
    called = []
    real = optimise.minimize
    monkeypatch.setattr(optimise, "minimize", lambda *args, **rest: called.append(1) or real(*args, **rest))
    assert not cs.BGNBD.fit(alike).status.ok
    assert called
