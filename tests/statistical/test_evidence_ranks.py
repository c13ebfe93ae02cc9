"""Truth: simulation-based calibration (Talts et al. 2018). The truth of a firm drawn from an estimator's priors has a
rank among draws of its posterior that is uniform over 200 firms; a posterior that is too narrow is caught.

Clock effects have no posterior in this sense: their lifts have no prior. Their intervals are held to cover instead
(test_contact_effect.py).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.statistical.simulated_records import EVEN, offering, spending, winning_back

from churnsim.evidence import offer_evidence, spend_evidence, win_back_evidence
from churnsim.models.evaluation.simulation_calibration import SimulationCalibration

DRAWS, FIRMS = 99, 200
Drawn = dict[str, tuple[float, np.ndarray]]


def offers(seed: int) -> Drawn:
    firm = offering(seed, customers=2000)
    found = offer_evidence(firm.offers, control="0.0", chance=EVEN, draws=DRAWS, seed=seed)
    return {"prevented": (firm.prevented, found.prevented), "scale": (firm.scale, found.scale)}


def win_backs(seed: int) -> Drawn:
    firm = winning_back(seed, customers=1500)
    found = win_back_evidence(firm.contacts, firm.purchases, control="none", draws=DRAWS, seed=seed)
    return {"success": (firm.success, found.success), "half_life": (firm.half_life, found.half_life)}


def spends(seed: int, lifts: bool = False) -> Drawn:
    firm = spending(seed, channels=1, weeks=104)
    found = spend_evidence(firm.spend, lifts=firm.lifts if lifts else None, draws=DRAWS, seed=seed)
    mean = found.by_channel["spend"].item()
    most, scale = found.ceiling["channel 0"], found.scale["channel 0"]
    brought, slope = most * -np.expm1(-mean / scale), most / scale * np.exp(-mean / scale)
    elasticity = slope * mean / (found.unprompted + brought)
    return {
        "brought": (firm.brought[0], brought),
        "elasticity": (firm.elasticity[0], elasticity),
        "next_cost": (firm.next_cost[0], 1 / slope),
    }


def lift_tests(seed: int) -> Drawn:
    return spends(seed, lifts=True)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [offers, win_backs, spends, lift_tests])
def test_ranks_of_the_truth_are_even_and_a_narrow_posterior_is_caught(estimator):
    own, narrow = [], []
    for seed in range(FIRMS):
        ranks, planted = {}, {}
        for name, (truth, draws) in estimator(seed).items():
            middle = np.median(np.log(draws))
            ranks[name] = int((draws < truth).sum())
            planted[name] = int((middle + (np.log(draws) - middle) / 2 < np.log(truth)).sum())
        own.append(ranks)
        narrow.append(planted)
    found = SimulationCalibration(ranks=pd.DataFrame(own), truths=pd.DataFrame())
    assert found.calibrated(), found.summary()
    wrong = SimulationCalibration(ranks=pd.DataFrame(narrow), truths=pd.DataFrame())
    assert (wrong.summary()["p"] < 1e-3).all(), wrong.summary()
