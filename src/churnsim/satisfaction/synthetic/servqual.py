"""A SERVQUAL survey with known gaps, weights and reliabilities."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from churnsim.checks import typed
from churnsim.errors import ConfigError
from churnsim.satisfaction.quality import recoded
from churnsim.satisfaction.servqual import DIMENSIONS, ITEMS, REVERSED
from churnsim.satisfaction.survey import Survey
from churnsim.satisfaction.synthetic.answers import KnownSurvey, expected_tick, generator, people, tick

EXPECTED = {"tangibles": 5.3, "reliability": 6.2, "responsiveness": 5.9, "assurance": 5.8, "empathy": 5.4}
GAPS = {"tangibles": -0.2, "reliability": -1.1, "responsiveness": -0.8, "assurance": -0.4, "empathy": -0.5}
POINTS = {"tangibles": 11.0, "reliability": 32.0, "responsiveness": 22.0, "assurance": 19.0, "empathy": 16.0}
"""Mean points of a hundred. Assumed; reliability first and tangibles last, as the instrument's authors report it."""
SPREAD = 1.1
HALO, DIMENSION = 0.30, 0.30
"""Shares of an answer's variance that the respondent's mood and the dimension hold; the rest is the item's own."""


@typed
def synthetic_servqual(n: int = 300, *, seed: int = 0, scale: tuple[float, float] = (1, 7)) -> KnownSurvey:
    """Answers of `n` customers as given (reversed items turned), and points for the five dimensions.

    Truth, by the rows of the instrument's table: item, dimension, overall and weighted gaps, exactly for ticked
    answers. Opinions are on a seven-step scale and are stretched to `scale`.
    """
    random = generator(seed)
    index = people(n)
    if not all(map(math.isfinite, scale)):
        raise ConfigError(f"scale must be two finite numbers; got {scale}.")
    stretch = (scale[1] - scale[0]) / 6.0
    spread = SPREAD * stretch
    dimension_of = {item: name for name, items in DIMENSIONS.items() for item in items}
    # Items differ a little around their dimension, by a fixed pattern.
    shift = {item: 0.15 * ((i % 3) - 1) for i, item in enumerate(ITEMS)}
    centre = {
        kind: np.array(
            [
                scale[0] + stretch * (EXPECTED[dimension_of[i]] + k * (GAPS[dimension_of[i]] + shift[i]) - 1)
                for i in ITEMS
            ]
        )
        for k, kind in enumerate(("expectation", "perception"))
    }
    answers = {}
    for kind, means in centre.items():
        mood = random.standard_normal((n, 1))
        common = random.standard_normal((n, len(DIMENSIONS)))[
            :, [list(DIMENSIONS).index(dimension_of[i]) for i in ITEMS]
        ]
        own = random.standard_normal((n, len(ITEMS)))
        opinion = np.sqrt(HALO) * mood + np.sqrt(DIMENSION) * common + np.sqrt(1 - HALO - DIMENSION) * own
        ticked = pd.DataFrame(tick(means + spread * opinion, scale), index=index, columns=list(ITEMS))
        answers[kind] = recoded(ticked, REVERSED, scale)
    concentration = 12.0 * np.array(list(POINTS.values())) / 100
    points = random.multinomial(100, random.dirichlet(concentration, size=n)).astype(float)
    answers["importance"] = pd.DataFrame(points, index=index, columns=list(POINTS))
    gap = expected_tick(centre["perception"], spread, scale) - expected_tick(centre["expectation"], spread, scale)
    truth = dict(zip(ITEMS, gap.tolist(), strict=True))
    for name, items in DIMENSIONS.items():
        truth[name] = float(np.mean([truth[item] for item in items]))
    truth["overall"] = float(np.mean([truth[name] for name in DIMENSIONS]))
    truth["overall weighted"] = sum(POINTS[name] / 100 * truth[name] for name in DIMENSIONS)
    survey = Survey.from_frames(answers, scale=scale, scales={"importance": (0, 100)})
    return KnownSurvey(survey=survey, truth=truth)
