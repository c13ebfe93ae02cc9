"""What answers of real customers say of the causes of satisfaction and loyalty: standardised effects in one
regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from churnsim.claims.machinery.verdicts import Spread
from churnsim.statistics import percentile_limits, resample_indices
from churnsim.typing import Floats


def standardised_effects(
    answers: pd.DataFrame, causes: Mapping[str, Sequence[str]], target: Sequence[str], *, quick: bool
) -> tuple[dict[str, Spread], Floats]:
    """Effect of each cause (the mean of its questions) on the target, standard deviations per one of the cause, all in
    one regression, with the middle 95% over resampled respondents; and the resampled effects, one row each.

    Respondents who left a cause or the target unanswered are left out.
    """
    blocks = [answers[list(names)].mean(axis=1) for names in (*causes.values(), target)]
    table = pd.concat(blocks, axis=1).dropna().to_numpy(dtype=np.float64)

    def slopes(rows: Floats) -> Floats:
        scaled = (rows - rows.mean(axis=0)) / rows.std(axis=0)
        return np.asarray(np.linalg.lstsq(scaled[:, :-1], scaled[:, -1], rcond=None)[0])

    resampled = resample_indices(len(table), resamples=200 if quick else 1000, generator=np.random.default_rng(1))
    draws = np.array([slopes(table[rows]) for rows in resampled])
    lower, upper = percentile_limits(draws, level=0.95)
    found = {
        name: Spread(float(mean), float(low), float(high))
        for name, mean, low, high in zip(causes, slopes(table), lower, upper, strict=True)
    }
    return found, draws
