"""Truth: the satisfaction that a failure takes and a quick answer gives, by hand and by the engine; what follows."""

from __future__ import annotations

import numpy as np
import pytest

import churnsim as cs
from churnsim.claims.machinery.evidence import market_evidence
from churnsim.claims.service_recovery.recovery_paradox import HELPED, NEVER, market_of_the_helped, strategies
from churnsim.decisions.comparison.compare import compare
from churnsim.kernels.engine.records import Rules, packed
from churnsim.kernels.engine.satisfaction import after_answer, after_purchase
from churnsim.simulation.mechanisms.complaints import Complaints
from churnsim.simulation.mechanisms.satisfaction import Satisfaction

QUICK = 0


@pytest.mark.parametrize("procedural", [0.3, 0.6, 0.8])
def test_the_excess_is_what_the_engines_rules_leave(procedural):
    """By hand: .3 of .4 x 2 x (3 - .5) is lost, .6, and the answer adds `procedural`."""
    state = Satisfaction(procedural=procedural)
    rules = packed(Rules(**Complaints().rules("W"), spend_shape=1.0, **state.rules("W")))
    _, after = after_purchase(rules, 0.0, 0.0, -state.failure_drop)
    answered = after_answer(rules, after, QUICK, 1, 1, 0, 1)
    assert answered == pytest.approx(procedural - 0.6) == pytest.approx(state.recovery_excess)


@pytest.mark.parametrize(("state", "gains"), [
    (Satisfaction(dropout_effect=-1.0), False),
    (Satisfaction(dropout_effect=-1.0, procedural=0.9), False),
    # Shortfalls that are not felt: an answer is then pure gain.
    (Satisfaction(dropout_effect=-1.0, procedural=0.9, asymmetry=0.0), True),
])  # fmt: skip
def test_failures_that_are_made_good_pay_only_where_they_take_nothing(state, gains):
    model = cs.BGNBD(r=2.0, alpha=8.0, a=2.0, b=18.0, unit="W")
    market = cs.Market(
        customers=cs.Cohort(size=1500), purchases=model, spend=cs.simulation.FixedSpend(amount=10.0),
        complaints=Complaints(stay_quick=0.99),
    )  # fmt: skip
    helped = market_of_the_helped(market_evidence(market, replications=4), state)
    values = compare(helped.experiment, strategies()).values("discounted_margin")
    difference = (values[HELPED] - values[NEVER]).to_numpy(dtype=np.float64)
    assert np.all(difference > 0) if gains else np.all(difference < 0)
