"""Ticked answers out of a latent opinion, and the exact means that they have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr

from churnsim.checks import check_count, check_seed
from churnsim.satisfaction.survey import Survey
from churnsim.typing import Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class KnownSurvey:
    """A synthetic survey, and the population's value of each quantity that an instrument estimates from it.

    Examples
    --------
    >>> from churnsim.satisfaction import synthetic_kano
    >>> known = synthetic_kano(100, seed=1)
    >>> known.survey.of("functional")["arrives intact"].head(3).tolist()
    [2.0, 4.0, 4.0]
    >>> round(known.truth["better: arrives intact"], 2)
    0.25
    """

    survey: Survey
    truth: dict[str, float]


MOST = 10_000_000  # respondents


def generator(seed: int) -> np.random.Generator:
    """The random numbers of a synthetic survey."""
    return np.random.Generator(np.random.Philox(check_seed(seed)))


def people(n: int) -> pd.Index:
    """Respondents' ids."""
    check_count(n, "n", most=MOST)
    return pd.Index([f"r{i:05d}" for i in range(1, n + 1)], name="respondent")


def tick(latent: Floats, scale: tuple[float, float]) -> Floats:
    """The box nearest to the opinion: rounded half up, cut at the ends of the scale."""
    return np.asarray(np.clip(np.floor(latent + 0.5), *scale))


def expected_tick(mean: Floats | float, sd: float, scale: tuple[float, float]) -> Floats:
    """Exact mean of `tick` of a normal opinion: low + the sum over thresholds of the chance to lie above each."""
    thresholds = np.arange(scale[0], scale[1]) + 0.5
    above = ndtr(-(thresholds - np.asarray(mean, dtype=float)[..., None]) / sd)
    return np.asarray(scale[0] + above.sum(axis=-1))
