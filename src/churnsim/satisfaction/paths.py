"""The path model of 'Keeping existing customers' (undated).

Quality makes satisfaction and value, these make loyalty and trust, which make share, and share makes return; costs fall
with loyalty.

Share and return are often read from the books: a column of one number a respondent serves as a construct of one item.
"""

from __future__ import annotations

import pandas as pd

from churnsim.checks import typed
from churnsim.satisfaction.measurement import Measurement
from churnsim.satisfaction.structural_fit import fit_structure
from churnsim.satisfaction.structure import Structure
from churnsim.satisfaction.survey import Survey

__all__ = ["RELATIONSHIP", "path_model"]

RELATIONSHIP = Structure(
    blocks={
        "quality": ("quality_1", "quality_2", "quality_3"),
        "satisfaction": ("satisfaction_1", "satisfaction_2", "satisfaction_3"),
        "value": ("value_1", "value_2", "value_3"),
        "loyalty": ("loyalty_1", "loyalty_2", "loyalty_3"),
        "trust": ("trust_1", "trust_2", "trust_3"),
        "share": ("share",),
        "return": ("return",),
    },
    paths={
        "satisfaction": ("quality",),
        "value": ("quality",),
        "trust": ("satisfaction",),
        "loyalty": ("satisfaction", "value"),
        "share": ("loyalty", "trust"),
        "return": ("share",),
    },
)
"""'Keeping existing customers' (undated), slide 9. Its signs are plus; the one minus belongs to cost, which a survey
does not ask."""


@typed
def path_model(
    survey: Survey,
    *,
    structure: Structure = RELATIONSHIP,
    level: float = 0.95,
    resamples: int = 200,
    seed: int = 0,
) -> Measurement:
    """Fit a path model to the perception answers of customers; see `fit_structure`."""
    answers: pd.DataFrame = survey.of("perception", structure.items)
    return fit_structure(
        answers, structure, instrument="path model", level=level, resamples=resamples, seed=seed,
        says="standardised paths between constructs: standard deviations of the target per one of the cause.",
    )  # fmt: skip
