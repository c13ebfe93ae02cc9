"""The split of a variance against closed forms: of a market whose result is a product of what is drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import churnsim as cs
from churnsim.decisions import Quantity, variance_split
from churnsim.decisions.assumptions.variance_split import _shares
from churnsim.errors import ConfigError
from churnsim.evidence import Belief

NOTHING = [cs.Strategy(name="nothing")]
MARGIN = {"terms.margin": Belief(value=0.3, low=0.2, high=0.4, status="assumed", source="a guess")}


@pytest.fixture(scope="module")
def market():
    model = cs.BGNBD(r=1.0, alpha=2.0, a=1.0, b=9.0)
    return cs.Market(customers=cs.Cohort(size=30), purchases=model, spend=cs.simulation.FixedSpend(amount=20.0))


def test_shares_of_a_sum_are_those_of_its_terms():
    """D = 3 theta + 2 beta + luck: 9, 4 and 1 of 14."""
    rng = np.random.default_rng(7)
    theta, beta, other, luck, again, third = rng.standard_normal((6, 40_000))
    values = {"own": 3 * theta + 2 * beta + luck, "same": 3 * theta + 2 * beta + again,
              "parameters": 3 * theta + 2 * other + third}  # fmt: skip
    found = _shares(values, (True, True), np.arange(40_000)[np.newaxis])[:, 0]
    assert found == pytest.approx(np.array([1, 9, 4]) / 14, abs=0.015)


def test_what_is_not_drawn_has_no_share(market):
    plain = variance_split(market, NOTHING, Quantity(of="nothing"), seed=2, horizon=20, replications=10)
    assert (plain.chance, plain.estimation[0], plain.beliefs[0]) == ((1.0, 1.0, 1.0), 0.0, 0.0)
    drawn = tuple((replace(market.purchases, r=r), market.spend) for r in np.linspace(0.2, 4.0, 12))
    of_parameters = variance_split(
        replace(market, draws=drawn), NOTHING, Quantity(of="nothing"), seed=2, horizon=20, replications=12
    )
    assert of_parameters.beliefs[0] == 0.0
    assert of_parameters.estimation[0] > 0.5


def test_both_drawn_and_paired(market):
    """The same luck apart, margins of the same customers differ by what is believed, and add up to the whole."""
    drawn = tuple((replace(market.purchases, r=r), market.spend) for r in np.linspace(0.2, 4.0, 16))
    full = replace(market, draws=drawn, beliefs=MARGIN)
    asked = {"seed": 2, "horizon": 20, "replications": 16}
    found = variance_split(full, NOTHING, Quantity(of="nothing"), **asked)
    assert found.chance[0] + found.estimation[0] + found.beliefs[0] == pytest.approx(1.0)
    assert found.chance[1] <= found.chance[0] <= found.chance[2]
    values = cs.compare(full, NOTHING * 1, **asked).values("npv")["nothing"]
    assert found.sd == pytest.approx(values.std())
    assert variance_split(full, NOTHING, Quantity(of="nothing"), **asked, workers=3) == found
    assert "chance" in str(found)


def test_refusals(market):
    with pytest.raises(ConfigError, match="10 or more"):
        variance_split(market, NOTHING, Quantity(of="nothing"), seed=2, horizon=20, replications=9)
    relative = Quantity(of="a", against="nothing", relative=True)
    with pytest.raises(ConfigError, match="plain quantity"):
        variance_split(market, [*NOTHING, cs.Strategy(name="a")], relative, seed=2, horizon=20)
