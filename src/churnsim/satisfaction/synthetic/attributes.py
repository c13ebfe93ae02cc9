"""Surveys about a firm's attributes with a known answer: Kano's pairs, penalties and rewards, importance, value."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from churnsim.checks import typed
from churnsim.satisfaction.kano import EVALUATION, LETTERS
from churnsim.satisfaction.survey import Survey
from churnsim.satisfaction.synthetic.answers import KnownSurvey, expected_tick, generator, people, tick

# Shares of M, O, A, I, R, Q for an attribute of each kind (assumed).
KANO: Mapping[str, tuple[float, ...]] = {
    "arrives intact": (0.60, 0.20, 0.04, 0.11, 0.02, 0.03),
    "delivery time": (0.18, 0.52, 0.15, 0.11, 0.01, 0.03),
    "gift wrapping": (0.04, 0.16, 0.50, 0.25, 0.03, 0.02),
    "colour of the box": (0.03, 0.05, 0.10, 0.70, 0.09, 0.03),
}


@typed
def synthetic_kano(n: int = 300, *, seed: int = 0) -> KnownSurvey:
    """Pairs of answers whose categories have known shares; truth by the rows of `kano`."""
    random, index = generator(seed), people(n)
    cells = {
        letter: [(f + 1, d + 1) for f in range(5) for d in range(5) if EVALUATION[f][d] == letter] for letter in LETTERS
    }
    frames: dict[str, dict[str, list[int]]] = {"functional": {}, "dysfunctional": {}}
    truth: dict[str, float] = {}
    for item, shares in KANO.items():
        letters = random.choice(LETTERS, size=n, p=shares)
        pairs = [cells[letter][random.integers(len(cells[letter]))] for letter in letters]
        frames["functional"][item] = [pair[0] for pair in pairs]
        frames["dysfunctional"][item] = [pair[1] for pair in pairs]
        m, o, a, i = shares[:4]
        truth[f"better: {item}"] = (a + o) / (a + o + m + i)
        truth[f"worse: {item}"] = -(o + m) / (a + o + m + i)
        truth |= {f"share {letter}: {item}": share for letter, share in zip(LETTERS, shares, strict=True)}
    answers = {kind: pd.DataFrame(columns, index=index) for kind, columns in frames.items()}
    return KnownSurvey(survey=Survey.from_frames(answers, scale=(1, 5)), truth=truth)


EFFECTS = {"arrives intact": (-1.6, 0.3), "delivery time": (-0.8, 0.8), "gift wrapping": (-0.2, 1.1)}
"""Penalty and reward in steps of overall satisfaction (assumed)."""
TEN = (1.0, 10.0)


@typed
def synthetic_penalty_reward(n: int = 300, *, seed: int = 0) -> KnownSurvey:
    """Ratings 1 to 10 and an overall one that they make with known penalties and rewards; truth by rows of
    `penalty_reward` (low is at most 2.5, high at least 8.5)."""
    random, index = generator(seed), people(n)
    mood = random.standard_normal(n)
    ratings = {}
    overall = 5.5 + 0.8 * random.standard_normal(n)
    truth: dict[str, float] = {}
    for item, (penalty, reward) in EFFECTS.items():
        opinion = 5.5 + 2.8 * (np.sqrt(0.3) * mood + np.sqrt(0.7) * random.standard_normal(n))
        ratings[item] = tick(opinion, TEN)
        overall = overall + penalty * (ratings[item] <= 2.5) + reward * (ratings[item] >= 8.5)
        truth |= {f"penalty: {item}": penalty, f"reward: {item}": reward, f"asymmetry: {item}": penalty + reward}
    ratings["overall"] = tick(overall, TEN)
    frame = pd.DataFrame(ratings, index=index)
    return KnownSurvey(survey=Survey.from_frames({"perception": frame}, scale=TEN), truth=truth)


# Means of performance and stated importance (opinions on seven steps), and weight in overall satisfaction.
ATTRIBUTES = {
    "delivery time": (4.3, 5.6, 0.50), "price": (4.9, 6.0, 0.20), "advice": (5.2, 4.4, 0.35),
    "returns": (3.8, 4.6, 0.10),
}  # fmt: skip
SPREAD, MOOD, NOISE = 1.0, 0.35, 0.7
FINE = (0.0, 100.0)


@typed
def synthetic_importance(
    n: int = 300, *, seed: int = 0, attributes: Mapping[str, tuple[float, float, float]] = ATTRIBUTES
) -> KnownSurvey:
    """Ratings on sliders from 0 to 100, stated importance, and overall satisfaction; truth by `importance_performance`.

    `attributes` gives each one's mean performance, mean stated importance (on seven steps) and weight in the overall.

    On so fine a scale rounding is nothing beside the spread, so that coefficients and correlations of the opinions are
    those of the answers.
    """
    random, index = generator(seed), people(n)
    names, stretch = list(attributes), 100 / 8.0
    centre, stated, weight = (np.array([row[k] for row in attributes.values()]) for k in range(3))
    mood = random.standard_normal((n, 1))
    own = random.standard_normal((n, len(names)))
    score = np.sqrt(MOOD) * mood + np.sqrt(1 - MOOD) * own
    total = score @ weight + NOISE * random.standard_normal(n)
    performance = pd.DataFrame(tick((centre + SPREAD * score) * stretch, FINE), index=index, columns=names)
    performance["overall"] = tick((4.0 + 0.8 * total) * stretch, FINE)
    importance = tick((stated + 0.8 * random.standard_normal((n, len(names)))) * stretch, FINE)
    survey = Survey.from_frames(
        {"perception": performance, "importance": pd.DataFrame(importance, index=index, columns=names)}, scale=FINE
    )
    correlation = np.full((len(names), len(names)), MOOD) + (1 - MOOD) * np.eye(len(names))
    spread = float(np.sqrt(weight @ correlation @ weight + NOISE**2))
    truth: dict[str, float] = {}
    exact = (
        expected_tick(centre * stretch, SPREAD * stretch, FINE),
        expected_tick(stated * stretch, 0.8 * stretch, FINE),
    )
    for k, name in enumerate(names):
        truth |= {f"performance: {name}": float(exact[0][k]), f"stated: {name}": float(exact[1][k])}
        truth |= {
            f"derived: {name}": weight[k] / spread,
            f"correlation: {name}": float(correlation[k] @ weight) / spread,
        }
    return KnownSurvey(survey=survey, truth=truth)


VALUE = {
    "benefit quality": (5.3, 6.0),
    "benefit service": (4.6, 5.0),
    "cost price": (4.4, 6.2),
    "cost effort": (3.9, 3.5),
}
"""Means of opinions: how much of it there is, and how much it matters (assumed)."""


@typed
def synthetic_value(n: int = 300, *, seed: int = 0, items: Mapping[str, tuple[float, float]] = VALUE) -> KnownSurvey:
    """Benefits, costs and their importance on seven steps, with the means that `items` gives, two benefits first.

    Truth: V and the items' means."""
    random, index = generator(seed), people(n)
    scale = (1.0, 7.0)
    centre, weight = (np.array([row[k] for row in items.values()]) for k in range(2))
    mood = random.standard_normal((n, 1))
    own = random.standard_normal((n, len(items)))
    answers = {
        "perception": tick(centre + np.sqrt(0.2) * mood + np.sqrt(0.8) * own, scale),
        "importance": tick(weight + 0.9 * random.standard_normal((n, len(items))), scale),
    }
    frames = {kind: pd.DataFrame(values, index=index, columns=list(items)) for kind, values in answers.items()}
    mean, alpha = expected_tick(centre, 1.0, scale), expected_tick(weight, 0.9, scale)
    top, bottom = (float((mean[s] * alpha[s]).sum() / alpha[s].sum()) for s in (slice(0, 2), slice(2, 4)))
    truth = {"V": top / bottom, **{f"mean: {item}": float(m) for item, m in zip(items, mean, strict=True)}}
    return KnownSurvey(survey=Survey.from_frames(frames, scale=scale), truth=truth)
