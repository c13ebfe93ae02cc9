"""Surveys drawn from a structural model with known standardised paths and loadings; the two models of this room."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import pandas as pd

from churnsim.checks import check_kind, typed
from churnsim.satisfaction.acsi import ACSI_MODEL
from churnsim.satisfaction.structural_fit import RELATIONSHIP
from churnsim.satisfaction.structure import Structure
from churnsim.satisfaction.survey import Survey
from churnsim.satisfaction.synthetic.answers import KnownSurvey, expected_tick, generator, people, tick

SCALE = (1.0, 10.0)
CENTRE, SPREAD = 5.9, 1.45
"""Opinions far enough from both ends that cutting them there changes nothing that could be measured."""
LOADINGS = (0.85, 0.80, 0.72)
ROUNDING = 1 / 12
"""Variance that rounding to whole answers adds (Sheppard): an item's own error, so that paths keep their values."""
Paths = Mapping[tuple[str, str], float]

ACSI_PATHS: Paths = {
    ("expectations", "performance"): 0.55, ("expectations", "value"): 0.15, ("performance", "value"): 0.60,
    ("expectations", "satisfaction"): 0.10, ("performance", "satisfaction"): 0.50, ("value", "satisfaction"): 0.30,
    ("satisfaction", "complaints"): -0.45, ("satisfaction", "loyalty"): 0.60, ("complaints", "loyalty"): -0.15,
}  # fmt: skip
RELATIONSHIP_PATHS: Paths = {
    ("quality", "satisfaction"): 0.65, ("quality", "value"): 0.50, ("satisfaction", "trust"): 0.55,
    ("satisfaction", "loyalty"): 0.45, ("value", "loyalty"): 0.30, ("loyalty", "share"): 0.40,
    ("trust", "share"): 0.20, ("share", "return"): 0.35,
}  # fmt: skip


@typed
def synthetic_structure(n: int, structure: Structure, paths: Paths, *, seed: int) -> KnownSurvey:
    """`n` respondents of a world where exactly these standardised paths hold (uncaused constructs independent)."""
    check_kind(paths, "paths", Mapping, "a mapping of (cause, target) to a path")
    random = generator(seed)
    index = people(n)
    names = list(structure.blocks)
    # Constructs in the order of causation, each with variance 1.
    causes = np.zeros((len(names), len(names)))
    for (cause, target), value in paths.items():
        causes[names.index(target), names.index(cause)] = value
    disturbance = _disturbances(names, structure, causes)
    constructs = np.zeros((n, len(names)))
    for k in _order(names, structure):
        constructs[:, k] = constructs @ causes[k] + np.sqrt(disturbance[k]) * random.standard_normal(n)
    answers, truth = {}, {f"{t} <- {c}": value for (c, t), value in paths.items()}
    for k, (name, block) in enumerate(structure.blocks.items()):
        for place, item in enumerate(block):
            loading = LOADINGS[place] if len(block) > 1 else 1.0
            error = np.sqrt(1 - loading**2) * random.standard_normal(n)
            opinion = CENTRE + SPREAD * (loading * constructs[:, k] + error)
            if len(block) > 1:
                answers[item] = tick(opinion, SCALE)
                truth[f"{name}: {item}"] = loading * SPREAD / float(np.sqrt(SPREAD**2 + ROUNDING))
            else:
                answers[item] = opinion  # read from the books, not ticked
    frame = pd.DataFrame(answers, index=index)
    wide = {"perception": (min(SCALE[0], frame.min().min()), max(SCALE[1], frame.max().max()))}
    ticked = all(len(block) > 1 for block in structure.blocks.values())
    survey = Survey.from_frames({"perception": frame}, scale=SCALE, scales=None if ticked else wide)
    return KnownSurvey(survey=survey, truth=truth)


@typed
def synthetic_acsi(n: int = 300, *, seed: int = 0) -> KnownSurvey:
    """A survey of the ACSI model; truth: the index, paths, loadings, by rows of `acsi`."""
    known = synthetic_structure(n, ACSI_MODEL, ACSI_PATHS, seed=seed)
    mean = float(expected_tick(CENTRE, SPREAD, SCALE))  # one mean for all items: no weights can move the index
    index = 100 * (mean - SCALE[0]) / (SCALE[1] - SCALE[0])
    return KnownSurvey(survey=known.survey, truth={"index": index, **known.truth})


synthetic_paths = partial(synthetic_structure, structure=RELATIONSHIP, paths=RELATIONSHIP_PATHS)
"""A survey of the path model of 'Keeping existing customers' (undated); call with `n` and `seed`."""


def _order(names: list[str], structure: Structure) -> list[int]:
    """Places of the constructs, causes before what they cause."""
    done: list[str] = []
    while len(done) < len(names):
        done += [n for n in names if n not in done and set(structure.paths.get(n, ())) <= set(done)]
    return [names.index(name) for name in done]


def _disturbances(names: list[str], structure: Structure, causes: np.ndarray) -> np.ndarray:
    """Variance left to each construct so that its whole variance is 1."""
    covariance = np.eye(len(names))
    left = np.ones(len(names))
    done: list[int] = []
    for k in _order(names, structure):
        with_earlier = covariance[np.ix_(done, done)] @ causes[k, done]
        left[k] = 1 - causes[k, done] @ with_earlier
        covariance[k, done] = covariance[done, k] = with_earlier
        done.append(k)
    return left
