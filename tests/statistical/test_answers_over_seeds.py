"""Truth: invariance. An answer to a claim is not one of the seed: five seeds, from fit to verdict, give the same."""

from __future__ import annotations

from functools import cache

import pytest

from churnsim.claims.catalogue import CATALOGUE
from churnsim.claims.machinery.claim import Kind
from churnsim.claims.machinery.evidence import cdnow_evidence

SEEDS = (1, 2, 3, 4, 5)
evidence = cache(lambda seed: cdnow_evidence(seed=seed))


@pytest.mark.slow
@pytest.mark.parametrize("claim_id", [claim.id for claim in CATALOGUE.values() if claim.kind is Kind.SIMULATION])
def test_the_answer_does_not_hang_on_the_seed(claim_id):
    """The judge alone, quick, where chance is largest: controls and planted worlds are run elsewhere."""
    claim = CATALOGUE[claim_id]
    answers = {seed: claim.judge(evidence(seed), True).answer.value for seed in SEEDS}
    assert len(set(answers.values())) == 1, answers
