"""Truth: theory. The rank of the truth among posterior draws is uniform; a posterior that is too narrow is caught."""

from __future__ import annotations

import numpy as np
import pytest

import churnsim as cs
from churnsim.errors import ConfigError
from churnsim.models.families import PURCHASE_FAMILIES
from churnsim.models.gamma_gamma import GammaGamma
from churnsim.models.posterior import sample_posterior
from churnsim.models.priors import LogNormal
from churnsim.models.simulation_calibration import simulation_based_calibration

PRIORS = {
    "r": LogNormal(median=0.8, spread=0.5),
    "alpha": LogNormal(median=0.3, spread=0.5),
    "a": LogNormal(median=0.8, spread=0.6),
    "b": LogNormal(median=2.5, spread=0.6),
}
AGES = np.linspace(20, 50, 80)


def test_ranks_are_even_and_a_narrow_posterior_is_caught():
    seen, kept = [], {}

    def keeping(family, summary, *, seed, priors, unit):
        kept[seed] = sample_posterior(family, summary, seed=seed, priors=priors, unit=unit)
        return kept[seed]

    def narrow(family, summary, *, seed, priors, unit):
        """Planted error: the same draws at a third of their distance from their middle."""
        drawn = {name: np.log(kept[seed].posterior[name].to_numpy()) for name in PRIORS}
        return {"posterior": {name: np.exp(np.median(z) + (z - np.median(z)) / 3) for name, z in drawn.items()}}

    def run(**settings):
        return simulation_based_calibration(cs.BGNBD, ages=AGES, seed=3, replications=20, priors=PRIORS, **settings)

    done = run(progress=lambda k, of: seen.append((k, of)), sampler=keeping)
    assert done.calibrated(level=0.001), done.summary()
    assert seen[-1] == (20, 20)
    # The mean of 20 uniform ranks lies within 4 x 29/sqrt(20) of 49.5.
    assert (np.abs(done.summary()["mean_rank"] - 49.5) < 26).all()
    wrong = run(sampler=narrow)
    assert not wrong.calibrated(level=0.001)
    assert wrong.summary()["outer"].max() > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bg_nbd", "mbg_nbd", "pareto_nbd", "nbd"])
def test_every_family_is_calibrated(name):
    family = PURCHASE_FAMILIES[name]
    wide = {"s": LogNormal(median=0.8, spread=0.6), "beta": LogNormal(median=0.5, spread=0.6)}
    priors = {key: prior for key, prior in (PRIORS | wide).items() if key in family.parameter_names}
    done = simulation_based_calibration(family, ages=AGES, seed=11, replications=200, priors=priors)
    assert done.calibrated(), done.summary()


def test_what_cannot_be_calibrated_is_told():
    with pytest.raises(ConfigError, match="customers of GammaGamma cannot be made up"):
        simulation_based_calibration(GammaGamma, ages=AGES, seed=1)
    with pytest.raises(ConfigError, match="replications must be 20 or more"):
        simulation_based_calibration(cs.BGNBD, ages=AGES, seed=1, replications=5)
