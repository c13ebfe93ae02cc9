"""Answers of customers, managers and employees with five known gaps; and of customers who rate two firms."""

from __future__ import annotations

import numpy as np
import pandas as pd

from churnsim.checks import typed
from churnsim.satisfaction.gaps import GAPS
from churnsim.satisfaction.quality import recoded
from churnsim.satisfaction.servqual import DIMENSIONS, ITEMS, REVERSED
from churnsim.satisfaction.survey import Survey
from churnsim.satisfaction.synthetic.answers import KnownSurvey, expected_tick, generator, people, tick

SCALE = (1.0, 7.0)
LEVELS = {"expected": 5.8, "believed": 5.4, "set": 5.0, "delivered": 4.7, "promised": 5.5, "perceived": 4.6}
STEP = {"tangibles": 0.3, "reliability": -0.3, "responsiveness": -0.1, "assurance": 0.1, "empathy": 0.0}
"""What a dimension adds to every level but the expected one."""
SPREAD, MOOD = 1.0, 0.5


@typed
def synthetic_gaps(n: int = 300, *, managers: int = 40, employees: int = 80, seed: int = 0) -> KnownSurvey:
    """`n` customers, and the two groups inside the firm; truth by the rows of `five_gaps`."""
    random = generator(seed)
    roles = ["customer"] * n + ["manager"] * managers + ["employee"] * employees
    index = people(len(roles))
    respondents = pd.DataFrame({"role": roles}, index=index)
    step = np.array([STEP[d] for d, items in DIMENSIONS.items() for _ in items])
    asked = {
        "expected": ("customer", "expectation"), "perceived": ("customer", "perception"),
        "believed": ("manager", "expectation"), "set": ("manager", "standard"),
        "delivered": ("employee", "delivery"), "promised": ("employee", "promise"),
    }  # fmt: skip
    frames: dict[str, pd.DataFrame] = {}
    exact: dict[str, dict[str, float]] = {}
    for name, (role, kind) in asked.items():
        who = index[respondents["role"] == role]
        centre = LEVELS[name] + (0.0 if name == "expected" else 1.0) * step
        mood = random.standard_normal((len(who), 1))
        own = random.standard_normal((len(who), len(ITEMS)))
        ticked = tick(centre + SPREAD * (np.sqrt(MOOD) * mood + np.sqrt(1 - MOOD) * own), SCALE)
        frame = pd.DataFrame(ticked, index=who, columns=list(ITEMS))
        if role == "customer":
            frame = recoded(frame, REVERSED, SCALE)
        both = frames.get(kind, pd.DataFrame(np.nan, index=index, columns=list(ITEMS)))
        both.loc[who] = frame
        frames[kind] = both
        values = dict(zip(ITEMS, expected_tick(centre, SPREAD, SCALE).tolist(), strict=True))
        exact[name] = {d: float(np.mean([values[i] for i in items])) for d, items in DIMENSIONS.items()}
        exact[name]["overall"] = float(np.mean(list(exact[name].values())))
    truth = {
        f"{gap}: {d}": exact[upper][d] - exact[lower][d] for gap, (upper, lower) in GAPS.items() for d in exact[upper]
    }
    survey = Survey.from_frames(frames, scale=SCALE, respondents=respondents)
    return KnownSurvey(survey=survey, truth=truth)


BENCHMARK = {
    "delivery time": (5.4, 5.0, 4.4),
    "price": (5.9, 4.6, 5.1),
    "advice": (5.0, 5.2, 4.5),
    "returns": (4.8, 4.1, 4.1),
}
"""Expected of an excellent firm, this firm, the competitor: means of opinions (assumed)."""


@typed
def synthetic_benchmark(n: int = 300, *, seed: int = 0) -> KnownSurvey:
    """Customers who state what they expect and rate this firm and a competitor; truth by rows of `benchmark_gaps`."""
    random = generator(seed)
    index = people(n)
    mood = random.standard_normal((n, 1))
    frames, exact = {}, {}
    for place, kind in enumerate(("expectation", "perception", "competitor")):
        centre = np.array([levels[place] for levels in BENCHMARK.values()])
        own = random.standard_normal((n, len(BENCHMARK)))
        ticked = tick(centre + SPREAD * (np.sqrt(MOOD) * mood + np.sqrt(1 - MOOD) * own), SCALE)
        frames[kind] = pd.DataFrame(ticked, index=index, columns=list(BENCHMARK))
        exact[kind] = expected_tick(centre, SPREAD, SCALE)
    truth: dict[str, float] = {}
    for kind in ("competitor", "expectation"):
        gap = exact["perception"] - exact[kind]
        truth |= {f"against {kind}: {item}": float(g) for item, g in zip(BENCHMARK, gap, strict=True)}
        truth[f"against {kind}: all items"] = float(gap.mean())
    return KnownSurvey(survey=Survey.from_frames(frames, scale=SCALE), truth=truth)
